/** The serving lab without a GPU: the driver, the records, the fit and the prediction on the simulated engine. */
import { expect, test } from 'vitest';
import { servedPoint } from '../../../src/core/metrics/serving/predicted.ts';
import { servedRepetition } from '../../../src/core/metrics/serving/served.ts';
import { DEFAULT_SERVING } from '../../../src/core/scenario/serve/defaults.ts';
import type { ServeScenario } from '../../../src/core/scenario/serve/schema.ts';
import { linearTokens, type StepWork } from '../../../src/core/schedule/work.ts';
import { generateRequests } from '../../../src/core/workload/generate.ts';
import { fitOf, predict } from '../../../src/lab/serving/calibrate.ts';
import { drive } from '../../../src/lab/serving/drive.ts';
import { plannedRounds, plannedTurns } from '../../../src/lab/serving/plan.ts';
import { promptWriter } from '../../../src/lab/serving/prompts.ts';
import { prefillPairs, SimulatedEngine } from '../../../src/lab/serving/simulated-engine.ts';
import { lawMs } from '../../../src/lab/serving/step-law.ts';
import { createRandom } from '../../../src/core/random.ts';
import { createLinear } from '../../../src/sim/cost/linear.ts';
import { emptyBasis, type CostModel } from '../../../src/sim/cost/model.ts';

const SETTINGS = {
  blockSize: 16,
  numBlocks: 64,
  maxSequences: 8,
  tokenBudget: 128,
  longPrefillTokens: 0,
  maxContextTokens: 256,
  prefixCaching: false,
  layout: 'paged',
} as const;

const TRUE = {
  baseMs: 2,
  perTokenMs: 0.05,
  perPrefillPairMs: 1e-5,
  perContextTokenMs: 1e-3,
  perSequenceMs: 0.2,
};

function workload(changes: Partial<ServeScenario['workload']> = {}): ServeScenario['workload'] {
  return { ...DEFAULT_SERVING.workload, ...changes };
}

function requestsOf(seed: number, changes: Partial<ServeScenario['workload']> = {}) {
  return generateRequests({ workload: workload(changes), seed, engine: { blockSize: 16 } }, null);
}

const NO_TEXT = { prompt: () => [], generated: () => undefined };
const signal = new AbortController().signal;

/** A machine that obeys the linear law with noise of a few percent, and now and then stands still. */
function noisy(seed: number): CostModel {
  const random = createRandom(seed);
  const law = createLinear({ kind: 'linear', ...TRUE });
  return {
    name: 'noisy',
    about: '',
    basis: emptyBasis(),
    stepMs: (work: StepWork) =>
      law.stepMs(work) * (1 + 0.05 * random.normal()) + (random.uniform() < 0.01 ? 5 : 0),
  };
}

async function recordOn(
  cost: CostModel,
  seed: number,
  changes = {},
  settings: object = {},
  depth: 1 | 2 = 2,
) {
  const requests = requestsOf(seed, changes);
  const engine = new SimulatedEngine({
    requests,
    settings: { ...SETTINGS, ...settings },
    cost,
    depth,
    gapMs: 0,
  });
  return { requests, record: await drive(engine, { requests, prompts: NO_TEXT, seed, signal }) };
}

test.each([1, 2] as const)('every token comes once, in order, %i under way', async (depth) => {
  const { requests, record } = await recordOn(createLinear({ kind: 'linear', ...TRUE }), 3, {}, {}, depth);
  expect(record.requests.tokens).toEqual([...requests.outputTokens]);
  let at = 0;
  record.requests.tokens.forEach((tokens, row) => {
    const times = record.requests.tokenMs.slice(at, (at += tokens ?? 0));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times[0]).toBe(record.requests.firstTokenMs[row]);
    expect(times.at(-1)).toBe(record.requests.endMs[row]);
    expect(record.requests.arrivalMs[row]).toBeLessThanOrEqual(record.requests.startMs[row] ?? -1);
  });
});

test('a closed loop never has more requests under way than users', async () => {
  const { record } = await recordOn(noisy(1), 5, { arrivals: { kind: 'closed', users: 3, thinkSeconds: 0 } });
  const { arrivalMs, endMs } = record.requests;
  for (const now of arrivalMs) {
    const under = arrivalMs.filter((ms, row) => (ms ?? 0) <= (now ?? 0) && (endMs[row] ?? 0) > (now ?? 0));
    expect(under.length).toBeLessThanOrEqual(3);
  }
});

test('an open loop counts from when a request was due, not from when the engine had time', async () => {
  const rate = 1000;
  const { requests, record } = await recordOn(noisy(1), 5, { arrivals: { kind: 'constant', rate } });
  expect(record.requests.arrivalMs).toEqual(
    [...requests.arrivalMs].map((ms) => Math.round(ms * 1000) / 1000),
  );
  const late = record.requests.sentMs.filter((ms, row) => (ms ?? 0) > (record.requests.arrivalMs[row] ?? 0));
  expect(late.length).toBeGreaterThan(0);
});

test('a pool that is too small preempts, and every request still ends', async () => {
  const { record } = await recordOn(noisy(2), 7, {}, { numBlocks: 14 });
  const { summary } = servedRepetition(record, {
    kvBlocks: 14,
    blockSize: 16,
    objectives: DEFAULT_SERVING.objectives,
    prefixCache: false,
  });
  expect(summary.finished).toBe(24);
  expect(summary.preemptions).toBeGreaterThan(0);
  expect(summary.recomputedTokens).toBeGreaterThan(0);
  expect(summary.peakKvBlocks).toBeLessThanOrEqual(14);
});

test('in the same bytes pages keep more sequences than reservations, and more of the bytes in use', async () => {
  const ragged = {
    requests: 48,
    arrivals: { kind: 'closed', users: 16, thinkSeconds: 0 } as const,
    promptTokens: { kind: 'lognormal', mu: 3.2, sigma: 0.8, min: 4, max: 160 } as const,
  };
  const shape = { kvBlocks: 64, blockSize: 16, objectives: DEFAULT_SERVING.objectives, prefixCache: false };
  const running = { maxSequences: 16 };
  const paged = (await recordOn(noisy(2), 7, ragged, running)).record;
  const reserved = (await recordOn(noisy(2), 7, ragged, { ...running, layout: 'contiguous' })).record;
  expect(Math.max(...reserved.steps.running)).toBe(4);
  expect(Math.max(...paged.steps.running)).toBe(16);
  const kept = (record: typeof paged) => 1 - servedRepetition(record, shape).summary.fragmentation;
  expect(kept(paged)).toBeGreaterThan(0.8);
  expect(kept(reserved)).toBeLessThan(0.5);
});

test('the constants of a machine that obeys the law are found again', async () => {
  const law = createLinear({ kind: 'linear', ...TRUE });
  const { record } = await recordOn(law, 11, { promptTokens: { kind: 'uniform', min: 8, max: 180 } });
  const fit = fitOf([{ point: 0, record }]);
  expect(fit?.depth).toBe(2);
  expect(fit?.meanErrorPercent).toBeLessThan(0.1);
  expect(fit?.baseMs).toBeCloseTo(TRUE.baseMs, 1);
});

test('requests of other seeds are predicted within the bars on a noisy machine', async () => {
  const calibrations = await Promise.all(
    [100, 101].map(async (seed, point) => ({ point, record: (await recordOn(noisy(seed), seed)).record })),
  );
  const fit = fitOf(calibrations);
  if (fit === null) throw new Error('Nothing was fitted.');
  expect(fit.from.map(({ seed }) => seed)).toEqual([100, 101]);
  const repetitions = await Promise.all(
    [1, 2, 3].map(async (seed) => {
      const { requests, record } = await recordOn(noisy(seed), seed);
      return { measured: record, predicted: await predict(requests, SETTINGS, fit, seed) };
    }),
  );
  const { pairs } = servedPoint(
    { repetitions },
    { kvBlocks: 64, blockSize: 16, objectives: DEFAULT_SERVING.objectives, prefixCache: false },
  );
  const error = (metric: string) => pairs.find((pair) => pair.metric === metric)?.errorPercent ?? NaN;
  expect(Math.abs(error('tpotMs.mean'))).toBeLessThan(10);
  expect(Math.abs(error('e2eMs.mean'))).toBeLessThan(15);
  expect(error('peakKvBlocks')).not.toBeNaN();
});

test('a prediction is the same to the byte whenever it is made', async () => {
  const { record } = await recordOn(noisy(9), 9);
  const fit = fitOf([{ point: 0, record }]);
  if (fit === null) throw new Error('Nothing was fitted.');
  const once = await predict(requestsOf(4), SETTINGS, fit, 4);
  expect(JSON.stringify(await predict(requestsOf(4), SETTINGS, fit, 4))).toBe(JSON.stringify(once));
});

test('too few steps are fitted with nothing', () => {
  expect(fitOf([])).toBeNull();
});

test('a prefix that is shared is found, and prompts that share blocks share tokens', async () => {
  const sharing = { kind: 'system', prompts: 2, systemTokens: 40, exponent: 1 } as const;
  const requests = requestsOf(3, { sharing });
  const writer = promptWriter({
    ...{ requests, sharing, blockSize: 16, vocab: 50, reserved: new Set([0, 1]), seed: 3 },
  });
  const prompts = Array.from({ length: requests.size }, (_, row) => writer.prompt(row));
  prompts.forEach((prompt, row) => {
    expect(prompt.length).toBe(requests.promptTokens[row]);
    expect(prompt.every((token) => token > 1 && token < 50)).toBe(true);
  });
  const first = (row: number) => requests.blockIds[requests.blockStart[row] ?? 0];
  const other = prompts.findIndex((_, row) => first(row) !== first(0));
  const same = prompts.findIndex((_, row) => row > 0 && first(row) === first(0));
  expect(prompts[same]?.slice(0, 40)).toEqual(prompts[0]?.slice(0, 40));
  expect(prompts[other]?.slice(0, 16)).not.toEqual(prompts[0]?.slice(0, 16));
  const { record } = await recordOn(noisy(1), 3, { sharing }, { prefixCaching: true });
  expect(record.requests.cachedTokens.filter((tokens) => tokens === 32).length).toBeGreaterThan(10);
});

test('a turn begins with the whole turn before it, output included', () => {
  const sharing = { kind: 'sessions', systemTokens: 8, turns: 2, thinkSeconds: 0 } as const;
  const requests = requestsOf(3, { sharing, requests: 2 });
  const writer = promptWriter({
    ...{ requests, sharing, blockSize: 16, vocab: 50, reserved: new Set<number>(), seed: 3 },
  });
  const first = writer.prompt(0);
  const output = Array.from({ length: requests.outputTokens[0] ?? 0 }, (_, i) => i % 50);
  for (const token of output) writer.generated(0, token);
  expect(writer.prompt(1).slice(0, first.length + output.length)).toEqual([...first, ...output]);
});

test('a step’s pairs are those of causal attention', () => {
  const work = { prefillCount: 1, prefillTokens: [3], prefillContextTokens: [10] } as unknown as StepWork;
  expect(prefillPairs(work)).toBe(3 * 10 + 6);
  expect(linearTokens({ ...work, decodeSequences: 2, draftTokens: 0 })).toBe(5);
});

test('a machine whose decode steps climb in stairs is predicted at each number of users', async () => {
  // Kernels on tiles of 1, 4 and 8 rows, as measured: a line through these is 15 % off at 1, 2 and 8.
  const stairs = [2.8, 4.9, 4.9, 4.9, 7.5, 7.5, 7.5, 7.5];
  const law = createLinear({ kind: 'linear', ...TRUE });
  const machine = (): CostModel => ({
    ...{ name: 'stairs', about: '', basis: emptyBasis() },
    stepMs: (work) =>
      work.prefillCount > 0
        ? law.stepMs(work)
        : (stairs[work.decodeSequences - 1] ?? 0) + 1e-3 * work.decodeContextTokens,
  });
  const load = (users: number) => ({ arrivals: { kind: 'closed', users, thinkSeconds: 0 } as const });
  const all = [1, 2, 4, 8];
  const fit = fitOf(
    await Promise.all(
      all.map(async (users, point) => ({
        point,
        record: (await recordOn(machine(), 100, load(users))).record,
      })),
    ),
  );
  if (fit === null) throw new Error('Nothing was fitted.');
  expect(fit.decode.perContextTokenMs).toBeCloseTo(1e-3, 5);
  for (const users of all) {
    const { requests, record } = await recordOn(machine(), 1, load(users));
    const predicted = await predict(requests, SETTINGS, fit, 1);
    const { pairs } = servedPoint(
      { repetitions: [{ measured: record, predicted }] },
      { kvBlocks: 64, blockSize: 16, objectives: DEFAULT_SERVING.objectives, prefixCache: false },
    );
    const error = pairs.find(({ metric }) => metric === 'tpotMs.mean')?.errorPercent ?? NaN;
    expect(Math.abs(error)).toBeLessThan(1);
  }
});

test('numbers of sequences that were never measured lie between their neighbours and beyond the last', () => {
  const decode = { sequences: [1, 4], ms: [2, 5], perContextTokenMs: 0 };
  const law = { ...TRUE, baseMs: 0, perTokenMs: 1, perSequenceMs: 0, decode };
  const ms = (sequences: number) =>
    lawMs(law, { tokens: sequences, prefillPairs: 0, decodeContextTokens: 0, decodeSequences: sequences });
  expect([1, 2, 3, 4, 8].map(ms)).toEqual([2, 3, 4, 5, 10]);
});

test('a point’s kept and calibrating rounds are neighbours in time, in both orders', () => {
  const letters = (repeats: number, calibrationRepeats: number) =>
    plannedTurns({ ...DEFAULT_SERVING, measurement: { repeats, calibrationRepeats, warmupRepeats: 1 } })
      .map((turn) => turn.map(({ kind }) => kind.slice(0, 1)).join(''))
      .join(' ');
  expect(letters(3, 3)).toBe('w kc ck kc');
  expect(letters(3, 2)).toBe('w k ck kc');
  expect(letters(1, 3)).toBe('w kcc c');
});

test.each([
  { repeats: 3, calibrationRepeats: 2, order: 'wkckck' },
  { repeats: 2, calibrationRepeats: 1, order: 'wkck' },
  { repeats: 2, calibrationRepeats: 2, order: 'wckck' },
  { repeats: 2, calibrationRepeats: 0, order: 'wkk' },
])('$repeats kept and $calibrationRepeats calibrating rounds take turns', ({ order, ...measurement }) => {
  const rounds = plannedRounds({ ...DEFAULT_SERVING, measurement: { ...measurement, warmupRepeats: 1 } });
  const letters = { 'warm-up': 'w', calibration: 'c', kept: 'k' } as const;
  expect(rounds.map(({ kind }) => letters[kind]).join('')).toBe(order);
  expect(new Set(rounds.map(({ seed }) => seed)).size).toBe(rounds.length);
});
