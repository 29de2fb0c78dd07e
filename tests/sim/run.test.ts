import { expect, test } from 'vitest';
import { parseRun } from '../../src/core/run/parse.ts';
import { DEFAULT_SIMULATION } from '../../src/core/scenario/simulate/defaults.ts';
import type { SimScenario } from '../../src/core/scenario/simulate/schema.ts';
import {
  runSimulation,
  runSimulationAsync,
  seedOf,
  simulationTask,
  type RunStamp,
} from '../../src/sim/run.ts';

const stamp: RunStamp = { id: 'sim-1', createdAt: '2026-09-01T12:00:00Z', appVersion: '1', command: null };

/** A small engine under some pressure. */
function scenario(changes: Partial<SimScenario> = {}): SimScenario {
  return {
    ...DEFAULT_SIMULATION,
    title: 'A small simulation',
    hardware: { ...DEFAULT_SIMULATION.hardware, kvBlocks: 600 },
    engine: { ...DEFAULT_SIMULATION.engine, maxSequences: 32 },
    workload: {
      ...DEFAULT_SIMULATION.workload,
      requests: 150,
      arrivals: { kind: 'poisson', rate: 20 },
      promptTokens: { kind: 'uniform', min: 20, max: 900 },
      outputTokens: { kind: 'uniform', min: 1, max: 120 },
    },
    cost: {
      kind: 'linear',
      baseMs: 8,
      perTokenMs: 0.02,
      perPrefillPairMs: 0,
      perContextTokenMs: 1e-4,
      perSequenceMs: 0.02,
    },
    ...changes,
  };
}

test('a run is a document that its own door reads back', () => {
  const run = runSimulation(scenario(), { stamp });
  expect(parseRun(JSON.stringify(run))).toEqual({ ok: true, run });
  expect(run).toMatchObject({
    complete: true,
    origin: 'simulated',
    id: 'sim-1',
    title: 'A small simulation',
  });
  const [point] = run.points;
  expect(point).toMatchObject({ settings: {}, status: 'done', reason: null });
  expect(point?.costModel).toMatch(/^linear\. 8 ms a step/);
  const [repetition] = point?.repetitions ?? [];
  expect(repetition?.summary).toMatchObject({ requests: 150, finished: 150, kvBlocks: 600 });
  expect(repetition?.summary.preemptions).toBeGreaterThan(0);
  expect(repetition?.basis.assumed).toBe(repetition?.summary.steps);
  expect(repetition?.requests.endMs).toHaveLength(150);
});

test('the same scenario and seed give the same run, another seed another one', () => {
  const text = (seed: number) => JSON.stringify(runSimulation(scenario({ seed }), { stamp }));
  expect(text(1)).toBe(text(1));
  expect(text(2)).not.toBe(text(1));
});

test('points and repetitions: what is swept differs, the arrivals do not', () => {
  const swept = scenario({
    repeats: 3,
    sweep: [{ path: 'engine.maxSequences', values: [4, 32], labels: ['four', 'many'] }],
  });
  const { points } = runSimulation(swept, { stamp });
  expect(points.map(({ settings }) => settings)).toEqual([
    { 'engine.maxSequences': 'four' },
    { 'engine.maxSequences': 'many' },
  ]);
  const [four, many] = points.map(({ repetitions }) => repetitions);
  expect(four?.map(({ seed }) => seed)).toEqual([1, seedOf(1, 1), seedOf(1, 2)]);
  four?.forEach(({ requests }, i) => {
    const other = many?.[i]?.requests;
    expect(other?.arrivalMs).toEqual(requests.arrivalMs);
    expect(other?.promptTokens).toEqual(requests.promptTokens);
    expect(other?.endMs).not.toEqual(requests.endMs);
  });
  expect(four?.[0]?.requests.arrivalMs).not.toEqual(four?.[1]?.requests.arrivalMs);
  // A single run is the first repetition of many.
  const alone = runSimulation(scenario(), { stamp }).points[0]?.repetitions[0];
  expect(many?.[0]?.requests).toEqual(alone?.requests);
});

test('a stopped run keeps the points that were finished and says so', () => {
  const swept = scenario({ sweep: [{ path: 'engine.maxSequences', values: [8, 16, 32] }] });
  let seen = 0;
  const run = runSimulation(swept, {
    stamp,
    onProgress: ({ fraction }) => (seen = fraction),
    shouldStop: () => seen > 0.4,
  });
  expect(run.complete).toBe(false);
  expect(run.points).toHaveLength(1);
  expect(run.points).toEqual(runSimulation(swept, { stamp }).points.slice(0, 1));
  expect(parseRun(run)).toMatchObject({ ok: true });
});

test('progress rises to the end and shows what there is so far', () => {
  const task = simulationTask(scenario({ repeats: 2 }), { stamp });
  const fractions: number[] = [];
  let halfWay = null;
  for (let turn = task.next(); !turn.done; turn = task.next()) {
    fractions.push(turn.value.fraction);
    if (turn.value.fraction > 0.2 && halfWay === null) halfWay = turn.value.snapshot(true);
    expect(turn.value.message).toMatch(/^single point, seed [12] of 2: \d+ of 150 requests$/);
  }
  expect(fractions.length).toBeGreaterThan(1);
  expect([...fractions].sort((a, b) => a - b)).toEqual(fractions);
  const soFar = halfWay?.points[0]?.repetitions[0]?.summary.finished ?? 0;
  expect(soFar).toBeGreaterThan(0);
  expect(halfWay?.complete).toBe(false);
  expect(parseRun(halfWay)).toMatchObject({ ok: true });
});

test('looking at a run on its way does not change it', () => {
  const run = runSimulation(scenario(), { stamp, onProgress: ({ snapshot }) => snapshot(true) });
  expect(run).toEqual(runSimulation(scenario(), { stamp }));
});

test('given way to others it is the same run, and ends when it is told to', async () => {
  let pauses = 0;
  const pause = () => (pauses++ % 2 === 0 ? Promise.resolve() : undefined);
  expect(await runSimulationAsync(scenario(), { stamp, pause })).toEqual(
    runSimulation(scenario(), { stamp }),
  );
  const stopped = await runSimulationAsync(scenario(), { stamp, pause, shouldStop: () => true });
  expect(stopped).toMatchObject({ complete: false, points: [] });
});

test('an impossible point fails with its sentence, and the others run', () => {
  const swept = scenario({
    sweep: [{ path: 'model', values: ['Llama-3.1-8B', 'No such model'] }],
    cost: {
      kind: 'linear',
      baseMs: 8,
      perTokenMs: 0,
      perPrefillPairMs: 0,
      perContextTokenMs: 0,
      perSequenceMs: 0,
    },
  });
  const { points, complete } = runSimulation(swept, { stamp });
  expect(points.map(({ status, repetitions }) => [status, repetitions.length])).toEqual([
    ['done', 1],
    ['failed', 0],
  ]);
  expect(points[1]?.reason).toMatch(/“No such model”/);
  expect(complete).toBe(true);
  const missing = runSimulation(scenario({ cost: { kind: 'table', name: 'nowhere' } }), { stamp });
  expect(missing.points).toMatchObject([{ status: 'failed', reason: expect.stringContaining('“nowhere”') }]);
});

test('a request that no pool of this size can hold is refused before the first step', () => {
  const { points } = runSimulation(scenario({ hardware: { ...scenario().hardware, kvBlocks: 40 } }), {
    stamp,
  });
  expect(points).toMatchObject([{ status: 'failed', repetitions: [] }]);
  expect(points[0]?.reason).toMatch(
    /^Request \d+ has .* a replica has 40: set hardware.kvBlocks to \d+ or more/,
  );
});
