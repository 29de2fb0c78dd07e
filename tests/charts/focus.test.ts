import { beforeEach, describe, expect, it } from 'vitest';
import { FigureFocus } from '../../src/charts/focus.svelte.ts';
import type { Hit } from '../../src/charts/marks.ts';

/** Two series of three points; the second lies 40 px lower and starts with the layout's last hits. */
const HITS: readonly Hit[] = [0, 1].flatMap((seriesIndex) =>
  [0, 1, 2].map((pointIndex) => ({ x: 100 * pointIndex, y: 50 + 40 * seriesIndex, seriesIndex, pointIndex })),
);

let focus: FigureFocus;
const at = () => (focus.current ? [focus.current.seriesIndex, focus.current.pointIndex] : null);

beforeEach(() => {
  focus = new FigureFocus();
  focus.update(HITS.toReversed());
});

describe('keys', () => {
  it.each([
    [['ArrowRight'], [0, 0]],
    [
      ['ArrowRight', 'ArrowRight'],
      [0, 1],
    ],
    [['End'], [1, 2]],
    [
      ['End', 'ArrowRight'],
      [1, 2],
    ],
    [
      ['Home', 'ArrowLeft'],
      [0, 0],
    ],
    [
      ['Home', 'ArrowRight', 'ArrowDown'],
      [1, 1],
    ],
    [
      ['End', 'ArrowUp'],
      [0, 2],
    ],
    [
      ['Home', 'ArrowUp'],
      [0, 0],
    ],
    [['ArrowDown'], [0, 0]],
  ])('%j lead to %j', (keys, point) => {
    for (const key of keys) expect(focus.key(key)).toBe(true);
    expect(at()).toEqual(point);
  });

  it('Escape lets go, and other keys are not ours', () => {
    focus.key('End');
    expect(focus.key('Tab')).toBe(false);
    expect(at()).toEqual([1, 2]);
    expect(focus.key('Escape')).toBe(true);
    expect(at()).toBeNull();
  });

  it('a figure without points takes no key', () => {
    focus.update([]);
    expect(focus.key('ArrowRight')).toBe(false);
  });
});

describe('pointer', () => {
  it.each([
    [98, 55, [0, 1]],
    [98, 80, [1, 1]],
    [150, 300, null],
  ])('at %d, %d finds %j', (x, y, point) => {
    focus.point(x, y);
    expect(at()).toEqual(point);
  });
});

describe('a new layout', () => {
  it('keeps the point in focus where it went', () => {
    focus.point(200, 90);
    focus.update(HITS.map((hit) => ({ ...hit, x: hit.x / 2 })));
    expect(at()).toEqual([1, 2]);
    expect(focus.current?.x).toBe(100);
  });

  it('lets go of a point that is gone', () => {
    focus.point(200, 90);
    focus.update(HITS.slice(0, 2));
    expect(at()).toBeNull();
  });
});
