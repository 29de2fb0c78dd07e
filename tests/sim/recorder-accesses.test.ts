/** Accesses of a recorded run against what the run itself says of its cache. */
import { expect, test } from 'vitest';
import { presetSimulation } from '../../src/core/scenario/presets.ts';
import { accessProfile } from '../../src/core/metrics/accesses.ts';
import { recordBlocks } from '../../src/sim/record.ts';
import { accessLogOf } from '../../src/sim/recorder-accesses.ts';

test('the worked example, access by access', () => {
  const { history, requests } = recordBlocks(presetSimulation('ten-blocks'));
  const log = accessLogOf(history, requests);
  const rows = [...log.block].map(
    (block, i) => `${log.names[block]}${log.hit[i] === 1 ? '+' : '-'}@${log.time[i]}`,
  );
  expect(rows).toEqual([
    // A fills four blocks, B finds three of them and fills two.
    ...['0-@20', '1-@20', '2-@20', '3-@20'],
    ...['0+@40', '1+@40', '2+@40', '4-@40', '5-@40'],
    // C; D; D again after its preemption, which finds its own block, too.
    ...['0+@60', '1+@60', '2+@60', '7-@60'],
    ...['0+@80', '1+@80', '2+@80', '9-@80'],
    ...['0+@100', '1+@100', '2+@100', '9+@100'],
  ]);
  expect([...(log.depth ?? [])].slice(4, 9)).toEqual([0, 1, 2, 3, 4]);
});

test('hits are the tokens that the requests found', () => {
  const base = presetSimulation('ten-blocks');
  const scenario = {
    ...base,
    hardware: { ...base.hardware, kvBlocks: 60 },
    workload: { ...base.workload, requests: 200 },
  };
  const { history, requests } = recordBlocks(scenario);
  const { summary } = accessProfile(accessLogOf(history, requests), 'reuse');
  const { kind, tokens } = history.phases;
  const admitted = tokens.filter((_, i) => kind[i] === 1);
  const found = admitted.reduce((sum, count) => sum + count, 0);
  // Blocks of generated text are found after a preemption, but are no prompt.
  expect(summary.hits).toBeLessThanOrEqual(found / 4);
  expect(summary.hits).toBeGreaterThan(0.9 * (found / 4));
  expect(summary.hitRatio).toBeLessThanOrEqual(summary.unboundedHitRatio);
});
