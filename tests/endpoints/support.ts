/** Loads for tests: small, quick, without a warm-up. */
import { runLoad, type LoadOptions } from '../../src/endpoints/load.ts';
import { readEndpoint, type Endpoint } from '../../src/endpoints/endpoint.ts';
import type { LoadRun } from '../../src/core/run/load.ts';
import { parseLoad } from '../../src/core/scenario/parse.ts';
import type { LoadScenario } from '../../src/core/scenario/load/schema.ts';

const SMALL = {
  workload: {
    requests: 6,
    arrivals: { kind: 'closed', users: 3, thinkSeconds: 0 },
    promptTokens: { kind: 'fixed', tokens: 20 },
    outputTokens: { kind: 'fixed', tokens: 4 },
  },
  telemetrySeconds: 0,
  resetCache: false,
  measurement: { repeats: 1, calibrationRepeats: 0, warmupRequests: 0 },
};

type Layer = Record<string, unknown>;

export function smallLoad({ workload, ...layer }: { workload?: Layer } & Layer = {}): LoadScenario {
  const parsed = parseLoad({ version: 1, ...SMALL, ...layer, workload: { ...SMALL.workload, ...workload } });
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.scenario;
}

export function endpointAt(url: string, key: string | null = null): Endpoint {
  const read = readEndpoint({ url, key });
  if (!read.ok) throw new Error(read.sentence);
  return read.endpoint;
}

export function loadOn(
  url: string,
  scenario: LoadScenario,
  { key = null, ...options }: Partial<LoadOptions> & { key?: string | null } = {},
): Promise<LoadRun> {
  return runLoad(scenario, endpointAt(url, key), {
    signal: new AbortController().signal,
    trace: null,
    stamp: { id: 'test', createdAt: '', appVersion: 'test', command: null, client: 'test' },
    ...options,
  });
}
