/** The canvas of the block view without a canvas: places, keys, classes and pixels. */
import { describe, expect, test } from 'vitest';
import { THEMES } from '../../../src/charts/theme.ts';
import { PoolState } from '../../../src/sim/recorder-state.ts';
import { EVENT_CODE } from '../../../src/sim/recorder-history.ts';
import { contrast, hexOf, inkOn, mix, rgbOf, wordOf } from '../../../src/views/simulate/blocks/colour.ts';
import { COLOUR_MODES, COLOURINGS } from '../../../src/views/simulate/blocks/colouring.ts';
import { blockAt, blockForKey, gridLayout, placeOf } from '../../../src/views/simulate/blocks/layout.ts';
import { classifyBlocks, paintBlocks } from '../../../src/views/simulate/blocks/paint.ts';

const CONTEXT = {
  ageFrom: [10, 7, 3, 1, 0],
  tierNames: ['host', 'nvme'],
  tiersOf: (id: number) => (id === 102 ? 3 : 0),
};

describe('layout', () => {
  test.each([
    { numBlocks: 10, width: 358, maxHeight: 460, cell: 64, columns: 5 },
    { numBlocks: 10, width: 616, maxHeight: 140, cell: 56, columns: 10 },
    { numBlocks: 10, width: 300, maxHeight: 140, cell: 56, columns: 5 },
    { numBlocks: 10, width: 1200, maxHeight: 460, cell: 64, columns: 10 },
    { numBlocks: 1000, width: 1168, maxHeight: 460, cell: 20, columns: 58 },
    { numBlocks: 28_000, width: 1168, maxHeight: 460, cell: 4, columns: 292 },
    { numBlocks: 100_000, width: 1168, maxHeight: 460, cell: 2, columns: 584 },
    { numBlocks: 100_000, width: 358, maxHeight: 640, cell: 1.5, columns: 238 },
  ])('$numBlocks blocks in $width px', ({ numBlocks, width, maxHeight, cell, columns }) => {
    const layout = gridLayout(numBlocks, width, maxHeight);
    expect(layout).toMatchObject({ cell, columns });
    expect(layout.columns * layout.rows).toBeGreaterThanOrEqual(numBlocks);
    expect(layout.width).toBeLessThanOrEqual(width);
    expect(layout.height).toBeLessThanOrEqual(maxHeight);
    for (const block of [0, 1, columns - 1, columns % numBlocks, numBlocks - 1]) {
      const { x, y } = placeOf(layout, block);
      expect(blockAt(layout, x + cell / 2, y + cell / 2)).toBe(block);
    }
    expect(blockAt(layout, layout.width + 1, 0)).toBeNull();
  });

  test.each([
    { key: 'ArrowRight', from: 7, to: 8 },
    { key: 'ArrowLeft', from: 0, to: 0 },
    { key: 'ArrowDown', from: 2, to: 7 },
    { key: 'ArrowDown', from: 7, to: 7 },
    { key: 'ArrowUp', from: 7, to: 2 },
    { key: 'Home', from: 7, to: 0 },
    { key: 'End', from: 1, to: 9 },
    { key: 'Enter', from: 1, to: null },
  ])('$key from block $from', ({ key, from, to }) => {
    expect(blockForKey(gridLayout(10, 358, 460), from, key)).toBe(to);
  });
});

/** Blocks 0 shared, 1 of request 9, 2 cached, 3 empty but used once, 4 and 5 never used. */
function pool(): PoolState {
  const state = new PoolState(6);
  const { alloc, hit, cache, evict, free, load } = EVENT_CODE;
  state.apply(alloc, 0, 8, -1);
  state.apply(cache, 0, 8, 100);
  state.apply(hit, 0, 9, 100);
  state.apply(alloc, 3, 8, -1);
  state.apply(cache, 3, 8, 103);
  state.apply(free, 3, 8, -1);
  state.apply(evict, 3, 9, 103);
  state.apply(alloc, 2, 8, -1);
  state.apply(cache, 2, 8, 102);
  state.apply(free, 2, 8, -1);
  state.apply(alloc, 1, 9, -1);
  state.apply(load, 1, 9, 2);
  return state;
}

describe('classes', () => {
  const names = (mode: (typeof COLOUR_MODES)[number]) => {
    const { classes, classOf } = classifyBlocks(mode, pool(), CONTEXT, THEMES.light);
    return [...classOf].map((at) => classes[at]?.name);
  };

  test('by owner', () => {
    expect(names('owner')).toEqual([
      'shared by several',
      'one request',
      'free, contents still cached',
      'free, empty',
      'free, empty',
      'free, empty',
    ]);
    const { classOf } = classifyBlocks('owner', pool(), CONTEXT, THEMES.light);
    expect(classOf[1]).toBe(2 + (9 % 8));
  });

  test('by references', () => {
    expect(names('references').slice(0, 4)).toEqual(['2', '1', 'free, contents still cached', 'free, empty']);
    const state = pool();
    for (const count of [1, 2, 3, 4, 5, 8, 9, 16, 17, 400]) {
      state.references[5] = count;
      const { classes, classOf } = classifyBlocks('references', state, CONTEXT, THEMES.light);
      const expected = [
        '1',
        '2',
        '3 to 4',
        '3 to 4',
        '5 to 8',
        '5 to 8',
        '9 to 16',
        '9 to 16',
        '17 and more',
        '17 and more',
      ];
      expect(classes[classOf[5] ?? 0]?.name).toBe(
        expected[[1, 2, 3, 4, 5, 8, 9, 16, 17, 400].indexOf(count)],
      );
    }
  });

  test('by age: events of this step are the newest class, untouched blocks have none', () => {
    // The last events of blocks 0 to 3 are number 2, 11, 9 and 6.
    expect(names('age')).toEqual([
      '16 to 63 steps ago',
      'in this step',
      '1 to 3 steps ago',
      '4 to 15 steps ago',
      'never used',
      'never used',
    ]);
  });

  test('by tier', () => {
    expect(names('tier').slice(0, 4)).toEqual([
      'computed here',
      'loaded from nvme',
      'computed here',
      'free, empty',
    ]);
  });

  test('by copies below, the fastest tier that has one', () => {
    expect(names('copies').slice(0, 4)).toEqual([
      'only here',
      'in use, found by nobody else',
      'also in host',
      'free, empty',
    ]);
  });

  test.each(COLOUR_MODES)('every block is counted once: %s', (mode) => {
    const { counts } = classifyBlocks(mode, pool(), CONTEXT, THEMES.dark);
    expect([...counts].reduce((sum, n) => sum + n, 0)).toBe(6);
  });
});

describe('pixels', () => {
  test('one word a block, the rest clear; what is not chosen pales', () => {
    const theme = THEMES.light;
    const painting = classifyBlocks('owner', pool(), CONTEXT, theme);
    const pixels = new Uint32Array(8).fill(1);
    paintBlocks(pixels, painting, theme, null);
    expect(pixels[0]).toBe(wordOf(rgbOf(theme.ink)));
    expect([...pixels.slice(6)]).toEqual([0, 0]);
    const pale = new Uint32Array(8);
    paintBlocks(pale, painting, theme, [1]);
    expect(pale[1]).toBe(pixels[1]);
    expect(pale[0]).not.toBe(pixels[0]);
  });

  test('a word is a pixel of ImageData', () => {
    const word = Uint32Array.of(wordOf(rgbOf('#123456')));
    expect([...new Uint8Array(word.buffer)]).toEqual([0x12, 0x34, 0x56, 255]);
  });
});

describe.each(['light', 'dark'] as const)('the %s palettes', (name) => {
  const theme = THEMES[name];

  test.each(COLOUR_MODES)('labels on every class are read: %s', (mode) => {
    for (const { colour } of COLOURINGS[mode].classes(theme, CONTEXT)) {
      expect(contrast(colour, rgbOf(inkOn(colour)))).toBeGreaterThan(4.5);
    }
  });

  test.each(['age', 'references'] as const)('amounts differ in lightness alone, step by step: %s', (mode) => {
    const classes = COLOURINGS[mode].classes(theme, CONTEXT).slice(mode === 'age' ? 1 : 2);
    const surface = rgbOf(theme.surface);
    const contrasts = classes.map(({ colour }) => contrast(colour, surface));
    const rising = mode === 'age' ? contrasts.toReversed() : contrasts;
    rising.slice(1).forEach((value, i) => expect(value / (rising[i] ?? 1)).toBeGreaterThan(1.07));
  });

  test.each(['owner', 'references'] as const)(
    'free, cached and used are told apart without hue: %s',
    (mode) => {
      const [empty, cached, ...used] = COLOURINGS[mode].classes(theme, CONTEXT);
      const lightness = (entry: typeof empty) => contrast(entry?.colour ?? [0, 0, 0], rgbOf(theme.surface));
      expect(lightness(cached) / lightness(empty)).toBeGreaterThan(1.4);
      for (const entry of used) expect(lightness(entry) / lightness(cached)).toBeGreaterThan(1);
    },
  );
});

test('mixing and writing colours', () => {
  expect(hexOf(mix(rgbOf('#000000'), rgbOf('#ffffff'), 0.25))).toBe('#bfbfbf');
});
