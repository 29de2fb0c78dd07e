import { describe, expect, test } from 'vitest';
import { prefillSlices } from '../../../src/gpu/kernels/prefill-slices.ts';

const work = {
  tileTokens: 8,
  kvHeads: 6,
  macsPerTokenHeadKey: 256,
  batch: 3,
  maxQueryTokens: 93,
  maxContextTokens: 500,
};
const tileMacs = work.batch * work.tileTokens * work.maxContextTokens * work.macsPerTokenHeadKey;

describe('prefill slices', () => {
  test('are one where nothing limits them', () => {
    const all = { firstToken: 0, tokens: 93, firstHead: 0, heads: 6 };
    expect(prefillSlices({ ...work, maxDispatchMacs: Infinity })).toEqual([all]);
  });

  test.each([1, tileMacs * 2, tileMacs * 4.5, tileMacs * 6, tileMacs * 20])(
    'of at most %d multiply-adds cover each token of each head once',
    (maxDispatchMacs) => {
      const slices = prefillSlices({ ...work, maxDispatchMacs });
      const seen = new Set<string>();
      for (const { firstToken, tokens, firstHead, heads } of slices) {
        expect(firstToken % work.tileTokens).toBe(0);
        const macs = Math.ceil(tokens / work.tileTokens) * heads * tileMacs;
        // One tile of one head cannot be cut.
        expect(macs).toBeLessThanOrEqual(Math.max(maxDispatchMacs, tileMacs));
        for (let token = firstToken; token < firstToken + tokens; token++) {
          for (let head = firstHead; head < firstHead + heads; head++) seen.add(`${token},${head}`);
        }
      }
      expect(seen.size).toBe(93 * 6);
      expect(slices.reduce((sum, { tokens, heads }) => sum + tokens * heads, 0)).toBe(93 * 6);
    },
  );
});
