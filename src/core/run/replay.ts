/**
 * What a replay of a recorded run says: predicted beside measured, request by request and second by second.
 *
 * Plain data, so that the page, the figures and the command line read one thing. It is made in src/sim/replay.
 */

/** Milliseconds. */
export interface LatencySummary {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
}

export const REPLAY_METRICS = ['ttftMs', 'tpotMs', 'e2eMs'] as const;
export type ReplayMetric = (typeof REPLAY_METRICS)[number];
export type ReplayLatencies = Readonly<Record<ReplayMetric, LatencySummary>>;
/** One value a request, rising. */
export type ReplaySamples = Readonly<Record<ReplayMetric, readonly number[]>>;

export const REPLAY_SERIES = ['running', 'waiting', 'kvUsagePercent'] as const;
export type ReplaySeriesName = (typeof REPLAY_SERIES)[number];

/** The same quantity, measured and predicted, at the times of the recording. */
export interface ReplaySeries {
  /** From the first request's arrival in the engine. */
  readonly timeSeconds: readonly number[];
  readonly measured: readonly number[];
  readonly predicted: readonly number[];
  /** In the series' own unit. */
  readonly meanAbsoluteError: number;
  /** Σ|predicted − measured| / Σ measured, in percent. */
  readonly errorPercent: number;
}

/** Where a number of the settings comes from. */
export type SettingOrigin = 'recorded' | 'derived';

export interface ReplayReport {
  readonly model: string;
  readonly gpu: string;
  readonly vllmVersion: string;
  readonly requests: number;
  readonly costModel: {
    readonly name: string;
    readonly about: string;
    /** How many steps rested on what. */
    readonly basis: Readonly<Record<'measured' | 'interpolated' | 'extrapolated' | 'assumed', number>>;
  };
  readonly kvBlocks: { readonly value: number; readonly origin: SettingOrigin };
  readonly predicted: ReplayLatencies;
  readonly measured: ReplayLatencies;
  /** 100 · (predicted / measured − 1), and `errorPercent` of each series that was recorded. */
  readonly errorPercent: ReplayLatencies & Readonly<Partial<Record<ReplaySeriesName, number>>>;
  /** A series that was not recorded is absent. */
  readonly series: Readonly<Partial<Record<ReplaySeriesName, ReplaySeries>>>;
  readonly samples: { readonly predicted: ReplaySamples; readonly measured: ReplaySamples };
  /** Of the simulation. */
  readonly steps: number;
  readonly preemptions: number;
  readonly notes: readonly string[];
}
