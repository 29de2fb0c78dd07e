/**
 * A figure as plain data. Runs become figures (charts/figures), figures become marks (layout), and marks become the
 * page's Svelte elements or an SVG file: one look, whatever the surface.
 */
import type { Origin } from '../core/run/schema.ts';

export interface FigurePoint {
  readonly x: number | string;
  /** null: the point failed or is missing; `reason` says why. Drawn as a gap with a mark, never as 0. */
  readonly y: number | null;
  /** Of a heat map: what the cell around (x, y) counts. */
  readonly z?: number;
  /** Of a heat map: the cell is struck out, such as a token that was evicted. */
  readonly struck?: boolean;
  /** Name of the point within its series, where x does not name it: 'median', 'p99'. */
  readonly label?: string;
  /** Interval around y, when there is one; around x in a `cdf`, where x is the measured quantity. */
  readonly low?: number;
  readonly high?: number;
  /** Samples behind the point. */
  readonly n?: number;
  readonly reason?: string;
  /** One line for hover: variant, what was excluded, how the run was shrunk. */
  readonly detail?: string;
}

/** Raw values behind a series: the cloud of a `strip`, or the curve of a `cdf` (whose category is null). */
export interface FigureSamples {
  readonly x: string | null;
  readonly values: readonly number[];
}

export interface FigureSeries {
  readonly id: string;
  readonly label: string;
  /** Index into the colour-blind-safe palette; the marker's shape follows it. */
  readonly colour: number;
  /** The other run of a comparison: dashed lines and hollow markers. */
  readonly dashed?: boolean;
  /** Drawn broad and pale, so that a series that lies on it stays visible: what contains the others. */
  readonly broad?: boolean;
  /** Each value holds until the next one: drawn as a stair. */
  readonly step?: boolean;
  /** `fit` is a line without markers that stands in no table; `total` stands on zero in a waterfall; default `data`. */
  readonly role?: 'data' | 'fit' | 'total';
  /** What this series measures, where the figure's series measure different things: those are never averaged. */
  readonly quantity?: string;
  /** What this series shows, where the figure's definition speaks of several. */
  readonly definition?: string;
  readonly points: readonly FigurePoint[];
  readonly samples?: readonly FigureSamples[];
}

export interface FigureAxis {
  readonly label: string;
  /** `bytes`, `ms`, `share` (0…1, shown as %) and `ratio` are formatted by kind; any other is printed as it stands. */
  readonly unit: string;
  readonly scale: 'linear' | 'log' | 'category';
  /** Ends where the values end, not at a round number: a course of time. */
  readonly tight?: boolean;
  /** Names in the order in which they stand; unless given, that of the series. */
  readonly categories?: readonly string[];
}

/** A level to compare with, such as a measured peak. */
export interface FigureReference {
  readonly y: number;
  readonly label: string;
}

/** A value of x to compare with, such as an objective. */
export interface FigureUpright {
  readonly x: number;
  readonly label: string;
}

/** What happened at moments of x, such as preemptions: ticks at the head of the plot. */
export interface FigureEvents {
  readonly label: string;
  readonly at: readonly number[];
}

/** The grid of a heat map. */
export interface FigureCells {
  /** What the cells count, as a heading of their colours. */
  readonly label: string;
  readonly unit: string;
  /** Rising; one more than there are columns, and rows. */
  readonly xEdges: readonly number[];
  readonly yEdges: readonly number[];
  /** Names of the columns and rows, where the edges are only their order. */
  readonly xLabels?: readonly string[];
  readonly yLabels?: readonly string[];
  /** counts (default): each colour twice the one below. even: equal steps from 0 to `most`, the largest value unless told. */
  readonly steps?: 'counts' | 'even';
  readonly most?: number;
  /** What a struck-out cell is, for the legend. */
  readonly struck?: string;
}

export interface FigureSpec {
  /** Stable name, also of the file: fig1_mem_vs_concurrency, … */
  readonly id: string;
  readonly mark: 'line' | 'scatter' | 'bar' | 'cdf' | 'strip' | 'area' | 'stack' | 'waterfall' | 'heatmap';
  readonly title: string;
  /** Model, format and device. */
  readonly subtitle: string;
  readonly x: FigureAxis;
  readonly y: FigureAxis;
  readonly series: readonly FigureSeries[];
  readonly cells?: FigureCells;
  readonly references?: readonly FigureReference[];
  readonly uprights?: readonly FigureUpright[];
  readonly events?: FigureEvents;
  /** Names of the points beside them, where there is room: of a scatter with few. */
  readonly named?: boolean;
  readonly origin: Origin;
  /** Definition of the plotted metric, from core/metrics/definitions. */
  readonly definition: string;
  /** What `low` and `high` are, in words: '95 % bootstrap interval of the median'. */
  readonly intervalMeaning?: string;
  /** The one computed sentence: slope, exponent or knee, with its interval. */
  readonly finding: string;
  /** What else a reader has to know: reductions, drift, a cut run, series that are not drawn. */
  readonly notes?: readonly string[];
  readonly source: {
    readonly runId: string;
    readonly command: string | null;
    /** ISO 8601, UTC. */
    readonly createdAt?: string;
  };
}
