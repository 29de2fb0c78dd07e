import { expect, test } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { lengthDraws } from '../../src/core/workload/lengths.ts';
import { REASONING_NAMES, REASONING_PRESETS, reasoningOutput } from '../../src/plan/index.ts';

test.each(REASONING_NAMES)('%s has the mean and the tail that it is named for', (name) => {
  const next = lengthDraws(reasoningOutput(name), createRandom(5));
  const draws = Array.from({ length: 20_000 }, next).sort((a, b) => a - b);
  const { mean, p99, answer } = REASONING_PRESETS[name];
  const found = draws.reduce((sum, tokens) => sum + tokens, 0) / draws.length;
  expect(Math.abs(found / (mean + answer) - 1)).toBeLessThan(0.1);
  expect(Math.abs((draws[19_800] ?? 0) / (p99 + answer) - 1)).toBeLessThan(0.05);
});
