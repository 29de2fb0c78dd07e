/**
 * Advice on a run: what to change, what shows it, what it would bring, what it risks.
 *
 * A recommendation without evidence in the run and without an effect that a trial showed does not exist.
 */
import type { Json } from '../core/json.ts';
import type { Interval } from '../core/metrics/intervals.ts';
import type { Quantity } from '../core/metrics/serving/compare.ts';
import type { Origin, QualityRun } from '../core/run/schema.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import type { SimInputs } from '../sim/repetition.ts';

export const RULE_IDS = [
  'kv-budget',
  'block-size',
  'kv-format',
  'eviction-policy',
  'offload',
  'prefix-cache',
  'chunk-size',
  'concurrency',
  'batch-limit',
  'mixed-lengths',
  'tensor-parallel',
  'quantization',
] as const;
export type RuleId = (typeof RULE_IDS)[number];

/** One figure that the recommendation rests on. */
export interface Evidence {
  /** Such as `Preemptions`. */
  readonly figure: string;
  readonly value: number;
  /** `share` (0…1), `ms`, `bytes`, or as it is printed. */
  readonly unit: string;
  readonly origin: Origin;
  /** What the figure says, with its number. */
  readonly sentence: string;
}

/** One setting that changes. */
export interface Change {
  /** In the run's own scenario, such as `engine.tokenBudget`; of a server the simulator's name for it. */
  readonly path: string;
  readonly from: Json;
  readonly to: Json;
  /** How the server that was measured calls it, such as `--max-num-seqs 64`; null where there is no server, or no such flag. */
  readonly flag: string | null;
}

/** What a trial says of one quantity: the run as it is against the run as it would be, on the same arrivals. */
export interface Effect {
  readonly quantity: string;
  readonly name: string;
  readonly unit: string;
  readonly a: number | null;
  readonly b: number | null;
  /** b / a − 1. */
  readonly change: number | null;
  /** 95 %, of the change. */
  readonly interval: Interval | null;
  readonly verdict: 'better' | 'worse' | 'no difference found' | 'unknown';
  readonly origin: 'simulated' | 'measured';
  readonly sentence: string;
}

/** What it costs in quality. */
export interface Risk {
  /** Percent of the metric that the source names; 0 where the outputs are the same, null where nobody measured it. */
  readonly lossPercent: number | null;
  /** null where nothing can be lost. */
  readonly origin: Origin | null;
  readonly sentence: string;
}

export interface Recommendation {
  readonly id: RuleId;
  /** What to do, in one sentence. */
  readonly title: string;
  /** Why that helps. */
  readonly why: string;
  readonly evidence: readonly Evidence[];
  readonly changes: readonly Change[];
  /** The same as `path=value`, as `--set` takes them; of the run's own kind of scenario. */
  readonly assignments: readonly string[];
  /** The quantity it is for first, then whatever else moved. */
  readonly effects: readonly Effect[];
  readonly risk: Risk;
  /** To try it: the run as it is and as it would be, in the simulator; null for an experiment of the laboratory. */
  readonly trial: { readonly a: SimScenario; readonly b: SimScenario } | null;
  /** By which they are ranked; of no unit. */
  readonly score: number;
}

/** What became of each rule, for whoever asks why there is no advice. */
export interface Considered {
  readonly id: RuleId;
  readonly outcome: 'recommended' | 'no evidence' | 'no gain' | 'not applicable' | 'outranked';
  readonly sentence: string;
}

export interface Advice {
  /** Five at most, the most useful first; empty where all is well. */
  readonly recommendations: readonly Recommendation[];
  readonly considered: readonly Considered[];
  /** How the run was put into the simulator, and what that leaves out. */
  readonly notes: readonly string[];
}

export interface AdviceProgress {
  readonly fraction: number;
  readonly message: string;
}

export interface AdviseOptions {
  /** Which point of a sweep; the first that ran unless told. */
  readonly point?: number;
  /** Traces, profiles and checks that the scenario names. */
  readonly inputs?: SimInputs;
  /** Rules that are asked; all unless told. */
  readonly only?: readonly RuleId[];
  /** Seeds of each side of a trial; 5 unless told. */
  readonly seeds?: number;
  /** Requests of a trial; 600 unless told. */
  readonly requests?: number;
  /** Quality experiments whose measurements replace published ones. */
  readonly quality?: readonly QualityRun[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: AdviceProgress) => void;
  /** Lets others run; called between two trials. */
  readonly pause?: () => Promise<void>;
}

export type { Quantity };

/** A run that no advice can be given on; the sentence says why. */
export class AdviseError extends Error {
  readonly code = 'no-advice';
}
