/** A tuning on this GPU, for whoever brings one: the page's worker, or a Dawn binding. */
import type { TuneRun } from '../core/run/tune.ts';
import type { TuneScenario } from '../core/scenario/tune/schema.ts';
import type { LabHost } from '../lab/host.ts';
import type { ModelSession } from '../lab/model/session.ts';
import type { GenerationBackend } from '../lab/serving/backend.ts';
import type { TuneExecutor } from './executor.ts';
import { createEngineExecutor } from './executors/engine.ts';
import { createKernelsExecutor } from './executors/kernels.ts';
import type { TuneProgress } from './options.ts';
import { tune, TuneError } from './search.ts';

export interface GpuTuning {
  readonly host: LabHost;
  /** The loaded model; null where there is none, which the kernels need not. */
  readonly session: ModelSession | null;
  readonly peer: (() => Promise<GenerationBackend>) | string;
  readonly signal: AbortSignal;
  readonly resume: TuneRun | null;
  readonly onProgress: (progress: TuneProgress) => void;
}

/** @throws TuneError, OtherTuningError, NoAdapterError in one sentence where nothing can run */
export async function tuneOnGpu(scenario: TuneScenario, options: GpuTuning): Promise<TuneRun> {
  const { host, signal, resume, onProgress } = options;
  const executor = await executorOf(scenario, options);
  try {
    return await tune(scenario, executor, {
      resume,
      signal,
      onProgress,
      now: host.now,
      stamp: {
        id: host.newId(),
        createdAt: host.date(),
        appVersion: host.facts.appVersion,
        command: host.command,
      },
    });
  } finally {
    await executor.close();
  }
}

async function executorOf(
  scenario: TuneScenario,
  { host, session, peer, signal }: GpuTuning,
): Promise<TuneExecutor> {
  switch (scenario.executor) {
    case 'kernels':
      return createKernelsExecutor(scenario, host);
    case 'engine': {
      if (session === null) throw new TuneError('No model is loaded: load one first.');
      const quiet = { signal, onUpdate: () => undefined };
      return createEngineExecutor(scenario, session.lend(quiet), {
        peer,
        withWeights: (format) => session.withWeights(format, quiet),
      });
    }
    case 'simulator':
      throw new TuneError('This tuning is for the simulator, which needs no GPU.');
    case 'endpoint':
      throw new TuneError(
        'This tuning is for a real server; name it with --endpoint, or in the room Connect.',
      );
    default:
      return scenario.executor satisfies never;
  }
}
