/** Advice on runs that are no simulations: our engine, a real server, its metrics alone, an experiment. */
import { expect, test, vi } from 'vitest';
import { advice, AdviseError } from '../../src/advise/index.ts';
import type { LoadRecord, LoadRun, Telemetry } from '../../src/core/run/load.ts';
import type { LabRun, Repetition, Run } from '../../src/core/run/schema.ts';
import type { SimRepetition } from '../../src/core/run/simulation.ts';
import { DEFAULT_SERVING } from '../../src/core/scenario/serve/defaults.ts';
import { runSimulation } from '../../src/sim/run.ts';
import { loadRun, telemetryAt, watchRun } from '../charts/load-runs.ts';
import { toyRun } from '../charts/runs.ts';
import { servingRun, servingScenario } from '../charts/serve-runs.ts';
import { engine } from './scenarios.ts';

// Simulations on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 30_000 });

const FEW = { seeds: 4, requests: 150 };

test('our own engine: four users and one place; the setting has the engine’s name, the cost is its own', async () => {
  const run = await servingRun(
    servingScenario({
      measurement: { repeats: 1, calibrationRepeats: 1, warmupRepeats: 0 },
      engine: { ...DEFAULT_SERVING.engine, kvFormat: 'f16', maxSequences: 1 },
      workload: {
        ...DEFAULT_SERVING.workload,
        requests: 40,
        arrivals: { kind: 'closed', users: 4, thinkSeconds: 0 },
      },
    }),
  );
  const { recommendations, notes } = await advice(run, { ...FEW, only: ['batch-limit', 'tensor-parallel'] });
  expect(recommendations.map(({ id }) => id)).toEqual(['batch-limit']);
  expect(recommendations[0]?.assignments[0]).toMatch(/^engine\.maxSequences=[24]$/);
  expect(recommendations[0]?.evidence[0]?.origin).toBe('measured');
  expect(notes[0]).toMatch(/cost of this engine’s own steps/);
});

test('our own engine: more places in the pool are its blocks', async () => {
  const run = await servingRun(
    servingScenario({
      measurement: { repeats: 1, calibrationRepeats: 1, warmupRepeats: 0 },
      engine: { ...DEFAULT_SERVING.engine, kvFormat: 'f16', blocks: 14 },
      workload: {
        ...DEFAULT_SERVING.workload,
        requests: 40,
        arrivals: { kind: 'closed', users: 8, thinkSeconds: 0 },
        promptTokens: { kind: 'fixed', tokens: 64 },
        outputTokens: { kind: 'fixed', tokens: 60 },
      },
    }),
  );
  const { recommendations } = await advice(run, { ...FEW, only: ['kv-budget', 'kv-format'] });
  expect(recommendations.map(({ assignments }) => assignments[0]).sort()).toEqual([
    expect.stringMatching(/^engine\.blocks=\d+$/),
    expect.stringMatching(/^engine\.kvFormat=(fp8-e4m3|int8)$/),
  ]);
});

/** What a client would have seen of a simulated engine, a token at a time. */
function seenBy({ requests, series }: SimRepetition): LoadRecord {
  const rows = requests.arrivalMs.map((_, row) => row);
  const tokens = rows.map((row) => requests.outputTokens[row] ?? 0);
  const moments = rows.flatMap((row) => {
    const [first, end] = [requests.firstTokenMs[row] ?? 0, requests.endMs[row] ?? 0];
    const count = tokens[row] ?? 0;
    return Array.from({ length: count }, (_, i) => first + ((end - first) * i) / Math.max(1, count - 1));
  });
  return {
    seed: 1,
    requests: {
      arrivalMs: requests.arrivalMs,
      sentMs: requests.arrivalMs,
      firstTokenMs: requests.firstTokenMs,
      endMs: requests.endMs,
      askedPromptTokens: rows.map((row) => requests.promptTokens[row] ?? 0),
      askedOutputTokens: tokens,
      promptTokens: requests.promptTokens,
      outputTokens: tokens,
      cachedTokens: rows.map(() => 0),
      chunks: tokens,
      chunkMs: moments,
      attempts: rows.map(() => 1),
    },
    faults: [],
    heldBack: 0,
    telemetry: series.timeMs.map((ms, at) =>
      telemetryAt(ms ?? 0, {
        running: series.running[at] ?? 0,
        waiting: series.waiting[at] ?? 0,
        kvUsage: 0.3,
      }),
    ),
  };
}

function loaded(): LoadRun {
  const scenario = engine({ engine: { maxSequences: 4, prefixCache: 'off' } });
  const [point] = runSimulation(scenario).points;
  const [repetition] = point?.repetitions ?? [];
  const base = loadRun([2]);
  const [first] = base.points;
  if (!repetition || !first) throw new Error('The test has no load.');
  return {
    ...base,
    server: { ...base.server, maxSequences: 4, kvTokens: 20_000 },
    scenario: { ...base.scenario, workload: scenario.workload, objectives: scenario.objectives },
    points: [
      { ...first, settings: {}, fit: null, repetitions: [{ measured: seenBy(repetition), predicted: null }] },
    ],
  };
}

test('a real server: what it said of itself is the evidence, and the change has the server’s own name', async () => {
  const { recommendations, notes } = await advice(loaded(), {
    ...FEW,
    only: ['batch-limit', 'block-size', 'offload'],
  });
  expect(recommendations.map(({ id }) => id)).toEqual(['batch-limit']);
  const [found] = recommendations;
  expect(found?.changes[0]?.flag).toMatch(/^--max-num-seqs (8|16)$/);
  expect(found?.assignments).toEqual([]);
  expect(found?.evidence.every(({ origin }) => origin === 'measured')).toBe(true);
  expect(notes[0]).toMatch(/fitted on this very load/);
});

const BUSY: Partial<Telemetry> = {
  running: 20,
  waiting: 12,
  kvUsage: 0.995,
  e2eMs: 8000,
  ttftMs: 2600,
  itlMs: 25,
  queueMs: 2000,
};

function watched(changes: Partial<Telemetry>, samples = 10): Run {
  return watchRun(
    Array.from({ length: samples }, (_, i) =>
      telemetryAt(1000 * i, {
        ...BUSY,
        preemptions: 3 * i,
        promptTokens: 1600 * i,
        outputTokens: 800 * i,
        ...changes,
      }),
    ),
  );
}

test('a watch alone: Little’s law makes a load of it, and a full cache is evidence enough', async () => {
  const { recommendations, notes } = await advice(watched({}), {
    ...FEW,
    only: ['kv-budget', 'kv-format', 'prefix-cache'],
  });
  expect(recommendations.map(({ id }) => id)).toContain('kv-format');
  expect(recommendations.find(({ id }) => id === 'kv-format')?.changes[0]?.flag).toMatch(
    /^--kv-cache-dtype (fp8|int8)$/,
  );
  // (20 + 12) / 8 s, 1,600 / 4 and 800 / 4 tokens.
  expect(notes[0]).toMatch(/4 requests a second \(Little’s law\), 400 prompt and 200 output tokens/);
});

test('a watch that has room says nothing, one that says too little is refused', async () => {
  const calm = await advice(
    watched({ waiting: 0, kvUsage: 0.6, preemptions: 0, queueMs: 0, ttftMs: 600, e2eMs: 5000 }),
    FEW,
  );
  expect(calm.recommendations).toEqual([]);
  await expect(advice(watched({ e2eMs: null }), FEW)).rejects.toThrow(AdviseError);
  await expect(advice(watched({}, 1), FEW)).rejects.toThrow(/two samples or more/);
});

/** Every step of a point takes `factor` times as long. */
function paced(run: LabRun, factor: (settings: LabRun['points'][number]['settings']) => number): LabRun {
  const slower = (repetition: Repetition, by: number): Repetition => ({
    ...repetition,
    steps: repetition.steps.map((step) => ({
      ...step,
      wallMs: step.wallMs * by,
      startMs: step.startMs * by,
    })),
    requests: repetition.requests.map((request) => ({
      ...request,
      firstTokenMs: request.firstTokenMs === null ? null : request.firstTokenMs * by,
      endMs: request.endMs === null ? null : request.endMs * by,
    })),
  });
  return {
    ...run,
    points: run.points.map((point) => ({
      ...point,
      repetitions: point.repetitions.map((one) => slower(one, factor(point.settings))),
    })),
  };
}

test('an experiment: a block size that decodes faster, as it was measured; nothing where all are alike', async () => {
  const run = toyRun('blockSize');
  const fast = paced(run, (settings) => (settings['engine.blockSize'] === 64 ? 0.5 : 1));
  const { recommendations } = await advice(fast, { only: ['block-size'] });
  expect(recommendations[0]?.assignments).toEqual(['engine.blockSize=64']);
  expect(recommendations[0]?.effects[0]).toMatchObject({ origin: 'measured', verdict: 'better' });
  expect(recommendations[0]?.trial).toBeNull();
  const alike = {
    ...run,
    points: run.points.map((point) => ({ ...point, repetitions: run.points[0]?.repetitions ?? [] })),
  };
  expect((await advice(alike, {})).recommendations).toEqual([]);
});

test('an experiment: requests beyond the knee only wait', async () => {
  const run = toyRun('concurrency');
  const { considered } = await advice(run, { only: ['concurrency'] });
  expect(considered[0]?.outcome).toBe('no evidence');
  // From four requests on every step takes as much longer as there are more of them.
  const full = paced(run, (settings) => Math.max(1, Number(settings['workload.concurrency']) / 4));
  const { recommendations } = await advice(full, { only: ['concurrency'] });
  expect(recommendations[0]?.changes[0]?.from).toBe(16);
  expect(recommendations[0]?.effects.map(({ origin }) => origin)).toEqual(['measured', 'measured']);
});

test('a run that has no requests is refused in a sentence', async () => {
  const { toyCheck } = await import('../charts/runs.ts');
  await expect(advice(toyCheck())).rejects.toThrow(/A run of kind check says nothing/);
});
