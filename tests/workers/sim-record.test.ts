/** Recording as the simulator's worker does it: what comes back, progress, and refusals as sentences. */
import { expect, test } from 'vitest';
import { presetSimulation } from '../../src/core/scenario/presets.ts';
import { HistoryReader } from '../../src/sim/recorder-reader.ts';
import { recordAccesses, recordRun } from '../../src/workers/sim-record.ts';

const TEN = presetSimulation('ten-blocks');
const SWEPT = {
  ...TEN,
  sweep: [{ path: 'engine.prefixCache', values: ['hash', 'off'], labels: ['cached', 'not cached'] }],
};
const FIRST = { point: 0, replica: 0 };
const nothing = () => Promise.resolve({});
const silent = () => undefined;

test('a recording comes back with what it is of', async () => {
  const outcome = await recordRun(SWEPT, { point: 1, replica: 0 }, nothing, () => 0, silent);
  if (!outcome.ok) throw new Error(outcome.error.message);
  const { history, ...facts } = outcome.value;
  expect(facts).toEqual({
    title: 'Ten blocks of four tokens',
    pointLabel: 'prefixCache not cached',
    replica: 0,
    costModel: 'linear',
    seed: 8,
    cachePolicy: 'lru',
  });
  // Without a cache nothing is found, and nothing stays when a request ends.
  const reader = new HistoryReader(history);
  expect(reader.stateAt(reader.numEvents).numCached).toBe(0);
});

test('accesses come back with their figures', async () => {
  const told: string[] = [];
  const outcome = await recordAccesses(
    TEN,
    FIRST,
    nothing,
    () => 0,
    ({ message }) => told.push(message),
  );
  if (!outcome.ok) throw new Error(outcome.error.message);
  const { profile, figures } = outcome.value;
  expect(profile.summary).toMatchObject({ accesses: 21, hits: 13, blocks: 8 });
  expect(figures).toHaveLength(4);
  expect(figures.every(({ origin, subtitle }) => origin === 'simulated' && subtitle.includes('seed 8'))).toBe(
    true,
  );
  expect(told).toContain('Miss ratios under belady');
});

test.each([
  {
    what: 'a point that is not there',
    scenario: SWEPT,
    wish: { point: 2, replica: 0 },
    says: 'no point 2; it has 2',
  },
  {
    what: 'a replica that is not there',
    scenario: TEN,
    wish: { point: 0, replica: 3 },
    says: 'no replica 3',
  },
  {
    what: 'a cache that is off',
    scenario: SWEPT,
    wish: { point: 1, replica: 0 },
    says: 'set engine.prefixCache to hash',
  },
])('$what is refused in a sentence', async ({ scenario, wish, says }) => {
  const outcome = await recordAccesses(scenario, wish, nothing, () => 0, silent);
  expect(outcome).toMatchObject({ ok: false });
  if (!outcome.ok) expect(outcome.error.message).toContain(says);
});
