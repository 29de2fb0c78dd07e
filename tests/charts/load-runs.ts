/** A load whose server is made of numbers: what figures, files and doors are tested with. */
import type { LoadPoint, LoadRecord, LoadRun, Telemetry, WatchRun } from '../../src/core/run/load.ts';
import { DEFAULT_LOAD } from '../../src/core/scenario/load/defaults.ts';
import { loadPoints } from '../../src/core/scenario/load/points.ts';
import { parseLoad } from '../../src/core/scenario/parse.ts';
import type { LoadScenario } from '../../src/core/scenario/load/schema.ts';
import { fitLoad, predictLoad } from '../../src/endpoints/predict.ts';

const SERVER = {
  kind: 'vllm',
  version: '0.9',
  models: ['m'],
  maxModelTokens: 4096,
  maxSequences: 8,
  kvTokens: 4096,
  vocabulary: null,
  metrics: true,
} as const;

const REQUESTS = 12;
const TOKENS = 6;

export function telemetryAt(atMs: number, changes: Partial<Telemetry> = {}): Telemetry {
  return {
    atMs,
    running: 2,
    waiting: 1,
    kvUsage: 0.5,
    prefixLookups: null,
    prefixHits: null,
    preemptions: null,
    promptTokens: 100 + atMs,
    outputTokens: 10 + atMs,
    ttftMs: null,
    itlMs: null,
    e2eMs: null,
    queueMs: null,
    ...changes,
  };
}

/** `users` streams, each token slower the more there are; the last request fails where asked. */
export function loadRecord(seed: number, users: number, fails = false): LoadRecord {
  const rows = Array.from({ length: REQUESTS }, (_, row) => {
    const due = Math.floor(row / users) * 100 * (1 + users / 4);
    const first = due + 10 + 4 * users + (row % users) + (seed % 3);
    const gone = fails && row === REQUESTS - 1;
    const times = Array.from({ length: gone ? 2 : TOKENS }, (_, i) => first + i * (5 + users));
    return { due, times, gone };
  });
  return {
    seed,
    requests: {
      arrivalMs: rows.map(({ due }) => due),
      sentMs: rows.map(({ due }) => due + 1),
      firstTokenMs: rows.map(({ times }) => times[0] ?? null),
      endMs: rows.map(({ times, gone }) => (gone ? null : (times.at(-1) ?? null))),
      askedPromptTokens: rows.map(() => 20),
      askedOutputTokens: rows.map(() => TOKENS),
      promptTokens: rows.map(() => 20),
      outputTokens: rows.map(({ gone }) => (gone ? null : TOKENS)),
      cachedTokens: rows.map(() => 0),
      chunks: rows.map(({ times }) => times.length),
      chunkMs: rows.flatMap(({ times }) => times),
      attempts: rows.map(() => 1),
    },
    faults: fails
      ? [
          {
            row: REQUESTS - 1,
            attempt: 0,
            atMs: 500,
            kind: 'stream cut',
            status: null,
            sentence: 'Cut.',
            retried: false,
          },
        ]
      : [],
    heldBack: 0,
    telemetry: [0, 100, 200].map((ms) => telemetryAt(ms)),
  };
}

/** A ramp over users, with predictions where there is a fit; the last of its points saturates. */
export function loadRun(users: readonly number[], title = 'A load'): LoadRun {
  const parsed = parseLoad({
    ...DEFAULT_LOAD,
    title,
    workload: { ...DEFAULT_LOAD.workload, requests: REQUESTS },
    objectives: { ttftMs: 60, tpotMs: null, e2eMs: null },
    sweep: users.length === 1 ? null : { path: 'workload.arrivals.users', values: [...users], stop: null },
  });
  if (!parsed.ok) throw new Error(parsed.sentence);
  const points = loadPoints(parsed.scenario).map((plan, i) =>
    pointOf(plan, users[i] ?? 1, i === users.length - 1),
  );
  return {
    version: 1,
    kind: 'load',
    id: `load-${users.join('-')}`,
    title,
    createdAt: '2026-01-01T00:00:00Z',
    origin: 'measured',
    appVersion: '0',
    command: null,
    scenario: parsed.scenario,
    model: 'm',
    server: { ...SERVER, models: ['m'] },
    client: 'a test',
    points,
    notes: [],
    complete: true,
  };
}

function pointOf(
  { label, settings, scenario }: { label: string; settings: LoadPoint['settings']; scenario: LoadScenario },
  users: number,
  last: boolean,
): LoadPoint {
  const calibration = [loadRecord(7, users)];
  const fit = fitLoad(calibration);
  const measured = loadRecord(1, users, last);
  const predicted = fit === null ? null : predictLoad(scenario, { ...SERVER, models: ['m'] }, fit, 1, null);
  return {
    label,
    settings: { ...settings },
    status: 'done',
    reason: null,
    saturated: last && label !== 'single point' ? `Saturated at ${label}: no more.` : null,
    fit,
    repetitions: [{ measured, predicted }],
    calibration,
  };
}

export function watchRun(samples: readonly Telemetry[]): WatchRun {
  return {
    version: 1,
    kind: 'watch',
    id: 'a-watch',
    title: 'A watch',
    command: null,
    createdAt: '2026-01-01T00:00:00Z',
    origin: 'measured',
    appVersion: '0',
    server: 'vllm',
    intervalSeconds: 0.1,
    samples: [...samples],
    notes: [],
    complete: true,
  };
}
