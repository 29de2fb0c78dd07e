/** Limits of a running engine: within its buffers, one at a time, and back. */
import { describe, expect, it } from 'vitest';
import { EngineLimits, type LimitAction } from '../../../src/autopilot/engine/limits.ts';

const SIZES = { maxSequences: 8, tokenBudget: 128, prefixCaching: true };

describe('limits of the engine', () => {
  it('move one at a time and come back in any order of kinds', () => {
    const limits = new EngineLimits(SIZES, () => 0.5);
    const start = limits.now;
    const actions: readonly LimitAction[] = [
      { kind: 'concurrency', maxSequences: 3 },
      { kind: 'chunk', tokenBudget: 16 },
      { kind: 'admission', belowUse: 0.4 },
      { kind: 'prefixCache', blocks: 7 },
    ];
    const before = actions.map((action) => ({ action, limits: limits.apply(action) }));
    expect(limits.now).toEqual({
      maxSequences: 3,
      tokenBudget: 16,
      admissionBelowUse: 0.4,
      prefixCacheBlocks: 7,
    });
    expect([limits.maxSequences, limits.tokenBudget, limits.maxChunks]).toEqual([3, 16, 8]);
    for (const { action, limits: old } of before.toReversed()) limits.undo(action, old);
    expect(limits.now).toEqual(start);
  });

  it.each([
    { use: 0.39, admits: true },
    { use: 0.4, admits: false },
  ])('below a use of 0.4: $use → $admits', ({ use, admits }) => {
    const limits = new EngineLimits(SIZES, () => use);
    expect(limits.admits()).toBe(true);
    limits.apply({ kind: 'admission', belowUse: 0.4 });
    expect(limits.admits()).toBe(admits);
  });

  it.each<{ action: LimitAction; sentence: string }>([
    { action: { kind: 'concurrency', maxSequences: 9 }, sentence: 'Ask for 8 at most' },
    { action: { kind: 'chunk', tokenBudget: 129 }, sentence: 'Ask for 128 at most' },
    { action: { kind: 'chunk', tokenBudget: 7 }, sentence: 'too short for 8 sequences' },
  ])('$action.kind is refused: $sentence', ({ action, sentence }) => {
    expect(new EngineLimits(SIZES, () => 0).price(action)).toEqual({
      ok: false,
      sentence: expect.stringContaining(sentence) as string,
    });
  });

  it('a prefix cache that is not there is not limited', () => {
    const limits = new EngineLimits({ ...SIZES, prefixCaching: false }, () => 0);
    expect(limits.price({ kind: 'prefixCache', blocks: 3 })).toMatchObject({ ok: false });
    expect(new EngineLimits(SIZES, () => 0).price({ kind: 'prefixCache', blocks: 3 })).toMatchObject({
      ok: true,
    });
  });
});
