/**
 * Marks: what a layout consists of. Two kinds are enough, paths and texts, and both surfaces (Svelte and SVG text) can
 * draw them without knowing what they mean. Coordinates are px of the figure's own box.
 */
import { symbol } from 'd3-shape';
import { MARKERS } from './markers.ts';
import { SERIES_COLOURS, type Paint } from './theme.ts';

export interface PathMark {
  readonly kind: 'path';
  /** What it is, for tests and styles: grid, axis, line, band, marker, whisker, bar, gap, cloud, reference, legend. */
  readonly role: string;
  readonly d: string;
  /** Where the path's origin lies; a marker is drawn around 0,0. */
  readonly at?: readonly [number, number];
  readonly stroke: Paint;
  readonly fill: Paint;
  readonly strokeWidth: number;
  readonly dash?: string;
  readonly opacity?: number;
}

export interface TextMark {
  readonly kind: 'text';
  readonly role: string;
  readonly x: number;
  readonly y: number;
  readonly text: string;
  readonly anchor: 'start' | 'middle' | 'end';
  readonly fill: Paint;
  readonly size: number;
  readonly bold?: boolean;
}

export type Mark = PathMark | TextMark;

/** A place where the pointer or the arrow keys find a point. */
export interface Hit {
  readonly x: number;
  readonly y: number;
  readonly seriesIndex: number;
  readonly pointIndex: number;
}

export function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** A straight line. */
export function segment(x1: number, y1: number, x2: number, y2: number): string {
  return `M${round(x1)},${round(y1)}L${round(x2)},${round(y2)}`;
}

/** The marker of a palette index around 0,0; `area` in px². Hollow for the other run of a comparison. */
export function marker(
  role: string,
  at: readonly [number, number],
  colour: number,
  paint: Paint,
  hollow: boolean,
  area = 38,
): PathMark {
  const type = MARKERS[colour % SERIES_COLOURS];
  return {
    kind: 'path',
    role,
    d: symbol(type).digits(2).size(area)() ?? '',
    at: [round(at[0]), round(at[1])],
    stroke: paint,
    fill: hollow ? 'surface' : paint,
    strokeWidth: hollow ? 1.5 : 0.75,
  };
}

/** The sign of a failed or missing point: a cross of 7 px. */
export function gapMark(at: readonly [number, number], paint: Paint): PathMark {
  return {
    kind: 'path',
    role: 'gap',
    d: 'M-3.5,-3.5L3.5,3.5M-3.5,3.5L3.5,-3.5',
    at: [round(at[0]), round(at[1])],
    stroke: paint,
    fill: 'none',
    strokeWidth: 1.75,
  };
}
