import { expect, test } from 'vitest';
import { parseRun } from '../../src/core/run/parse.ts';
import type { TuneRun } from '../../src/core/run/tune.ts';
import { resolveTuning } from '../../src/core/scenario/tune/resolved.ts';
import { candidatesOf } from '../../src/core/scenario/tune/space.ts';
import { OtherTuningError, tune, TuneError } from '../../src/tune/index.ts';
import { fakeExecutor, trueMs, wideTuning } from './support.ts';

const BEST = 10 * 0.9;

function winnerOf(run: TuneRun) {
  const row = run.rows[run.ranking[0] ?? -1];
  if (row === undefined) throw new Error('nothing was ranked');
  return row;
}

test.each([1, 2, 3, 4, 5])(
  'seed %i: the best of 200 within 2 percent at a quarter of the measurements',
  async (seed) => {
    const scenario = wideTuning({ seed });
    const run = await tune(scenario, fakeExecutor());
    expect(run.rows).toHaveLength(200);
    expect(trueMs(winnerOf(run).settings, 0)).toBeLessThanOrEqual(1.02 * BEST);
    expect(run.counts.taken).toBeLessThanOrEqual(0.25 * run.counts.full);
    const { full, taken, extra, skipped } = run.counts;
    expect(taken - extra + skipped.halved + skipped.separated + skipped.infeasible).toBe(full);
    expect(run.samples.candidate).toHaveLength(taken);
    expect(run.complete && winnerOf(run).status).toBe('won');
  },
);

test('with five percent of noise too, whatever the seed', { timeout: 30_000 }, async () => {
  for (let seed = 11; seed <= 18; seed++) {
    const run = await tune(wideTuning({ seed }), fakeExecutor({ noise: 0.05 }));
    expect(trueMs(winnerOf(run).settings, 0)).toBeLessThanOrEqual(1.02 * BEST);
    expect(run.counts.taken).toBeLessThanOrEqual(0.25 * run.counts.full);
  }
});

test('a run is a document that its own door takes', async () => {
  const run = await tune(wideTuning(), fakeExecutor());
  expect(parseRun(JSON.parse(JSON.stringify(run)))).toEqual({ ok: true, run });
});

test('the same scenario and executor give the same run', async () => {
  expect(await tune(wideTuning(), fakeExecutor())).toEqual(await tune(wideTuning(), fakeExecutor()));
});

test('a device that becomes twice as slow does not change the winner, because the baseline slows down too', async () => {
  const executor = fakeExecutor({ drift: 0.002 });
  const run = await tune(wideTuning(), executor);
  const last = executor.asked.length;
  expect(1.002 ** last).toBeGreaterThan(2);
  expect(trueMs(winnerOf(run).settings, 0)).toBeLessThanOrEqual(1.02 * BEST);
  expect(run.counts.anchors).toBeGreaterThan(50);
  // Scores are of the candidate, not of the moment: the winner's is as on a device that does not drift.
  const steady = await tune(wideTuning(), fakeExecutor());
  expect(winnerOf(run).score?.value).toBeCloseTo(winnerOf(steady).score?.value ?? 0, 0);
});

test('within a block everybody is measured once, in an order that differs from block to block', async () => {
  const run = await tune(wideTuning(), fakeExecutor());
  const order = (block: number): number[] =>
    run.samples.candidate.filter((_, at) => run.samples.block[at] === block);
  expect([...order(0)].sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i));
  expect(order(0)[0]).toBe(0);
  expect(order(0)).not.toEqual(order(1));
});

test('what is impossible is refused before it is measured, or once it broke, and never tried again', async () => {
  const executor = fakeExecutor({
    refuses: ({ kvFormat }) => (kvFormat === 'fp8' ? 'No fp8 here.' : null),
    breaks: ({ blockSize }) => blockSize === 32,
  });
  const run = await tune(wideTuning(), executor);
  const broken = executor.asked.filter(({ settings }) => settings.blockSize === 32);
  expect(executor.asked.some(({ settings }) => settings.kvFormat === 'fp8')).toBe(false);
  expect(new Set(broken.map(({ settings }) => JSON.stringify(settings))).size).toBe(broken.length);
  const reasons = run.rows.filter(({ status }) => status === 'infeasible').map(({ reason }) => reason);
  expect(reasons.filter((reason) => reason === 'No fp8 here.')).toHaveLength(100);
  expect(reasons.filter((reason) => reason === 'It broke.')).toHaveLength(20);
  const { full, taken, extra, skipped } = run.counts;
  expect(taken - extra + skipped.halved + skipped.separated + skipped.infeasible).toBe(full);
  const again = fakeExecutor({ breaks: ({ blockSize }) => blockSize === 32 });
  await tune(wideTuning(), again, { resume: run });
  expect(again.asked.filter(({ settings }) => settings.blockSize === 32)).toEqual([]);
});

test('a tuning that was stopped goes on without repeating a measurement, and ends where it would have', async () => {
  const whole = await tune(wideTuning(), fakeExecutor());
  const stop = new AbortController();
  const first = fakeExecutor();
  const half = await tune(wideTuning(), first, {
    signal: stop.signal,
    onProgress: () => first.asked.length >= 300 && stop.abort(),
  });
  expect(half.complete).toBe(false);
  expect(half.samples.candidate.length).toBe(first.asked.length);
  const second = fakeExecutor();
  const rest = await tune(wideTuning(), second, { resume: half });
  expect(first.asked.length + second.asked.length).toBe(whole.samples.candidate.length);
  expect({ ...rest, notes: [] }).toEqual({ ...whole, notes: [] });
  expect(rest.notes[0]).toMatch(/^30\d measurements are those of an earlier part/);
  expect(whole.notes).toEqual([
    'The score sees no quality: what KV in fp8 may cost is the quality lab’s to measure.',
  ]);
});

test('a run of other work is not gone on from', async () => {
  const run = await tune(wideTuning(), fakeExecutor());
  await expect(tune(wideTuning({ seed: 2 }), fakeExecutor(), { resume: run })).rejects.toThrow(
    OtherTuningError,
  );
  const elsewhere = { ...fakeExecutor(), about: 'Another device.' };
  await expect(tune(wideTuning(), elsewhere, { resume: run })).rejects.toThrow(
    /made elsewhere \(“A made-up device\.”, here “Another device\.”\)/,
  );
});

test('a budget of seconds ends the search with what it has', async () => {
  let now = 0;
  const scenario = wideTuning();
  const budgeted = { ...scenario, budget: { ...scenario.budget, seconds: 30 } };
  const run = await tune(budgeted, fakeExecutor(), { now: () => (now += 100) });
  expect(run.complete).toBe(false);
  expect(run.notes[0]).toMatch(/The 30 s of budget\.seconds were over/);
  expect(run.counts.skipped.unfinished).toBeGreaterThan(0);
});

test('settings that do nothing are one candidate', () => {
  const tuning = resolveTuning(
    wideTuning({
      space: { strategy: ['paged', 'reserved'], prefixCaching: [true, false], blockSize: [16, 32] },
    }),
  );
  // Pages: two sizes, with and without prefix cache; a reservation has neither.
  expect(candidatesOf(tuning)).toHaveLength(5);
  const withOther = {
    ...tuning,
    space: { ...tuning.space, backend: ['ours' as const, 'transformers.js' as const] },
  };
  // The other engine has one cache of its own, whatever else is set.
  expect(candidatesOf(withOther)).toHaveLength(6);
});

test('where every cell is too long, the sentence says how long one may be', async () => {
  const short = { ...fakeExecutor(), maxTokens: () => 512 };
  await expect(tune(wideTuning(), short)).rejects.toThrow(
    /more than the 512 of .* Shorten profile\.contexts\./,
  );
});

test('a grid of one cell leaves little to halve, and says so', async () => {
  const profile = { name: 'custom' as const, contexts: [1024], outputs: [64], weights: null };
  const run = await tune(wideTuning({ profile }), fakeExecutor());
  expect(run.counts.taken).toBeGreaterThan(0.25 * run.counts.full);
  expect(run.notes[0]).toMatch(/is \d+ % of so small a grid, more than the 25 % of budget\.share/);
});

test('where even the baseline can run nowhere, one sentence says why', async () => {
  const executor = fakeExecutor({ refuses: () => 'Too large.' });
  await expect(tune(wideTuning(), executor)).rejects.toThrow(
    new TuneError('No cell of the profile can run. Too large.'),
  );
});

test('cells past the model’s context are dropped and listed', async () => {
  const executor = { ...fakeExecutor(), maxTokens: () => 5000 };
  const run = await tune(wideTuning(), executor);
  expect(run.cells.map(({ context }) => context)).toEqual([1024, 1024, 4096, 4096]);
  expect(run.dropped.map(({ reason }) => reason)[0]).toMatch(
    /16384 tokens of prompt and 64 of output are 16448, more/,
  );
});

test('several models are one tuning: each has its cells, and a setting must serve all of them', async () => {
  const scenario = wideTuning({ models: ['Llama-3.1-8B', 'Qwen3-8B'] });
  const executor = fakeExecutor({ refuses: () => null });
  const perModel = { ...executor, maxTokens: (model: string) => (model === 'Qwen3-8B' ? 5000 : 131_072) };
  const run = await tune(scenario, perModel);
  const cellsOf = (name: string) => run.cells.filter(({ model }) => model === name).length;
  expect([cellsOf('Llama-3.1-8B'), cellsOf('Qwen3-8B'), run.dropped.length]).toEqual([6, 4, 2]);
  expect(winnerOf(run).cells).toBe(10);
  const firstTwo = run.samples.block.map((block, at) => (block < 2 ? run.samples.cell[at] : undefined));
  const models = new Set(firstTwo.flatMap((cell) => (cell === undefined ? [] : [run.cells[cell]?.model])));
  // The first cells stand for all, so both models are among them.
  expect(models.size).toBe(2);
});
