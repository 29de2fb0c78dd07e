/** The tuner in the simulator, without the worker around it: one tuning at a time, which hears a cancel between two measurements. */
import { createSimulatorExecutor } from '../tune/executors/simulator.ts';
import { tune } from '../tune/search.ts';
import { outcomeOf } from './outcome.ts';
import type { TuneTextsApi, TuneWorkerApi } from './tune-api.ts';
import { tuneNews } from './tune-news.ts';

export interface TunePlatform {
  readonly now: () => number;
  readonly date: () => string;
  readonly newId: () => string;
  readonly appVersion: string;
  /** Lets messages in; called between two measurements. */
  readonly pause: () => Promise<void>;
}

export function createTuneService({
  now,
  date,
  newId,
  appVersion,
  pause,
}: TunePlatform): TuneWorkerApi & TuneTextsApi {
  let running: AbortController | null = null;
  return {
    run: (scenario, resume, onNews) =>
      outcomeOf(async () => {
        running?.abort();
        const own = (running = new AbortController());
        const executor = createSimulatorExecutor(scenario);
        try {
          return await tune(scenario, executor, {
            stamp: { id: resume?.id ?? newId(), createdAt: date(), appVersion, command: null },
            resume,
            signal: own.signal,
            onProgress: tuneNews(onNews, now),
            now,
            pause,
          });
        } finally {
          await executor.close();
          if (running === own) running = null;
        }
      }),
    cancel: () => running?.abort(),
    texts: (run) => outcomeOf(async () => (await import('./tune-texts.ts')).tuneTexts(run)),
    report: (run, kind) => outcomeOf(async () => (await import('./tune-texts.ts')).tuneReport(run, kind)),
  };
}
