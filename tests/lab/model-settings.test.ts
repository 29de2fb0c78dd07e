/** From a wish to the engine's settings: what is offered as the nearest that works does work. */
import { expect, test } from 'vitest';
import { checkSettings } from '../../src/engine/rules.ts';
import { WishError } from '../../src/lab/model/errors.ts';
import { engineSettings, type Demand } from '../../src/lab/model/settings.ts';
import type { CacheWish } from '../../src/lab/model/types.ts';
import { SMALL_CONFIGS } from '../support/small-models.ts';

const CONFIG = { ...SMALL_CONFIGS.llama, maxPositionTokens: 1024 };
const ROOM = { isFallback: true, poolBytes: 2 ** 30 };
const WISH: CacheWish = {
  ...{ kvFormat: 'f32', blockSize: 16, prefixCaching: true, layout: 'paged', tier: 'auto', numBlocks: null },
  eviction: { policy: 'none', budgetTokens: 16 },
};
const DEMAND: Demand = { sequences: 3, tokens: 100 };

test('room for every sequence, rounded up so that the next wish fits too', () => {
  const settings = engineSettings(CONFIG, WISH, DEMAND, ROOM);
  expect(settings).toMatchObject({ maxSequences: 4, maxContextTokens: 512, numBlocks: 4 * 33 + 1 });
  checkSettings(CONFIG, settings);
});

test.each([
  { name: 'too few blocks', wish: { ...WISH, numBlocks: 3 }, says: /give it 8 at least/ },
  { name: 'too many blocks', wish: { ...WISH, numBlocks: 1e6 }, says: /there is room for \d+ blocks/ },
  {
    name: 'no room at all',
    wish: WISH,
    room: { ...ROOM, poolBytes: 4096 },
    says: /needs 8 blocks of \d+ bytes, and there is room for \d+/,
  },
  {
    name: 'a sequence that is too long',
    wish: WISH,
    demand: { sequences: 1, tokens: 1100 },
    says: /ask for 76 fewer/,
  },
  {
    name: 'too many sequences',
    wish: WISH,
    demand: { sequences: 65, tokens: 10 },
    says: /ask for 64 at most/,
  },
])('$name is a sentence', ({ wish, room = ROOM, demand = DEMAND, says }) => {
  expect(() => engineSettings(CONFIG, wish, demand, room)).toThrow(WishError);
  expect(() => engineSettings(CONFIG, wish, demand, room)).toThrow(says);
});

test('the smallest pool that is offered is one that the engine takes', () => {
  const settings = engineSettings(CONFIG, { ...WISH, numBlocks: 8 }, DEMAND, ROOM);
  expect(settings).toMatchObject({ numBlocks: 8, maxContextTokens: 128 });
  checkSettings(CONFIG, settings);
});

test('where the room holds less than the longest context, the engine is made for what fits', () => {
  const settings = engineSettings(CONFIG, WISH, DEMAND, { ...ROOM, poolBytes: 10 * 8192 });
  expect(settings).toMatchObject({ numBlocks: 10, maxContextTokens: 160 });
  checkSettings(CONFIG, settings);
});
