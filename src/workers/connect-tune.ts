/** A tuning on a server that is there: settings that go with each request. */
import '../core/all-records.ts';
import type { TuneRun } from '../core/run/tune.ts';
import type { TuneScenario } from '../core/scenario/tune/schema.ts';
import type { Endpoint } from '../endpoints/index.ts';
import { createEndpointExecutor, thereAlready } from '../tune/executors/endpoint.ts';
import { tune } from '../tune/search.ts';
import type { OnTuneNews } from './tune-api.ts';
import { tuneNews } from './tune-news.ts';

interface TuningOnServer {
  readonly endpoint: Endpoint;
  readonly scenario: TuneScenario;
  readonly resume: TuneRun | null;
  readonly onNews: OnTuneNews;
  readonly signal: AbortSignal;
  readonly client: string;
  readonly bound: { readonly connections?: number };
  readonly stamp: { readonly id: string; readonly createdAt: string; readonly appVersion: string };
  readonly now: () => number;
}

export async function tuneOnServer(asked: TuningOnServer): Promise<TuneRun> {
  const { endpoint, scenario, resume, onNews, signal, client, bound, stamp, now } = asked;
  const executor = await createEndpointExecutor(scenario, thereAlready(endpoint), {
    client,
    ...bound,
    signal,
  });
  try {
    return await tune(scenario, executor, {
      stamp: { ...stamp, id: resume?.id ?? stamp.id, command: null },
      resume,
      signal,
      onProgress: tuneNews(onNews, now),
      now,
    });
  } finally {
    await executor.close();
  }
}
