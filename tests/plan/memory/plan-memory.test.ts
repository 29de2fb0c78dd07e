/** Memory of a deployment: what the waterfall adds up to, what fits, what is wasted. */
import { describe, expect, test } from 'vitest';
import { loadLengths } from '../../../src/plan/lengths.ts';
import { pagedWaste, planMemory, reservedWaste } from '../../../src/plan/memory/index.ts';
import { candidate, subject } from './support.ts';

describe('the waterfall', () => {
  test('adds up: what is taken away from the memory is the KV cache', () => {
    const plan = planMemory(candidate(), subject(), loadLengths(subject().scenario.load));
    const kv = plan.steps.find(({ id }) => id === 'kv');
    const rest = plan.steps.filter(({ id }) => id !== 'kv');
    expect(rest.reduce((sum, { bytes }) => sum + bytes, 0)).toBeCloseTo(kv?.bytes ?? NaN, 0);
    for (const { formula, source } of plan.steps) {
      expect(formula).not.toBe('');
      expect(source).not.toBe('');
    }
  });
});

describe('waste', () => {
  test('reserving 4,096 tokens for a mean of 512 wastes 87.5 %', () => {
    expect(reservedWaste([256, 512, 768, 512], 4096)).toBe(0.875);
  });

  test('paging wastes the rest of the last block', () => {
    // 17 tokens take two blocks of 16: 15 of 32 slots are empty.
    expect(pagedWaste([17], 16)).toBe(15 / 32);
    expect(pagedWaste([16, 32], 16)).toBe(0);
  });
});
