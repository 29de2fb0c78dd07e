/**
 * A figure as plain data. Runs become figures (charts/figures), figures become marks (layout), and marks become the
 * page's Svelte elements or an SVG file: one look, whatever the surface.
 */
import type { Origin } from '../core/run/schema.ts';

export interface FigurePoint {
  readonly x: number | string;
  /** null: the point failed or is missing; `reason` says why. Drawn as a gap with a mark, never as 0. */
  readonly y: number | null;
  /** Interval around y, when there is one. */
  readonly low?: number;
  readonly high?: number;
  readonly reason?: string;
  /** One line for hover: samples, variant, what was excluded. */
  readonly detail?: string;
}

export interface FigureSeries {
  readonly id: string;
  readonly label: string;
  /** Index into the colour-blind-safe palette. */
  readonly colour: number;
  readonly dashed?: boolean;
  readonly points: readonly FigurePoint[];
}

export interface FigureAxis {
  readonly label: string;
  readonly unit: string;
  readonly scale: 'linear' | 'log' | 'category';
}

export interface FigureSpec {
  /** Stable name, also of the file: fig1_mem_vs_concurrency, … */
  readonly id: string;
  readonly mark: 'line' | 'bar' | 'cdf' | 'strip' | 'area';
  readonly title: string;
  /** Model, format and device. */
  readonly subtitle: string;
  readonly x: FigureAxis;
  readonly y: FigureAxis;
  readonly series: readonly FigureSeries[];
  readonly origin: Origin;
  /** Definition of the plotted metric, from core/metrics/definitions. */
  readonly definition: string;
  /** The one computed sentence: slope, exponent or knee, with its interval. */
  readonly finding: string;
  readonly source: { readonly runId: string; readonly command: string | null };
}
