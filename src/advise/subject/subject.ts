/**
 * A run as the rules see it: its figures, and a scenario of the simulator that stands for it.
 *
 * Figures are what the run itself says; null is what it does not say, and a rule that needs it stays silent.
 */
import type { Json } from '../../core/json.ts';
import type { SimDistribution } from '../../core/run/simulation.ts';
import type { SimScenario } from '../../core/scenario/simulate/schema.ts';
import type { SimInputs } from '../../sim/repetition.ts';

export interface Facts {
  readonly origin: 'measured' | 'simulated';
  readonly requests: number | null;
  readonly ttftMs: SimDistribution | null;
  readonly tpotMs: SimDistribution | null;
  readonly itlMs: SimDistribution | null;
  readonly e2eMs: SimDistribution | null;
  /** Shares of 1 of finished requests; null without objectives. */
  readonly attainment: number | null;
  readonly within: Readonly<Record<'ttftMs' | 'tpotMs' | 'e2eMs', number | null>>;
  readonly outputTokensPerSecond: number | null;
  readonly preemptions: number | null;
  readonly recomputedTokens: number | null;
  /** Shares of the pool's blocks. */
  readonly peakKvUse: number | null;
  readonly meanKvUse: number | null;
  /** Share of slots in given blocks that hold no token. */
  readonly fragmentation: number | null;
  readonly hitRatio: number | null;
  /** Shares of the time in which somebody waited, and in which the batch was at its limit with somebody waiting. */
  readonly waitingShare: number | null;
  readonly fullBatchShare: number | null;
  readonly meanRunning: number | null;
  readonly maxRunning: number | null;
  /** False where the number of requests in the system still grew at the end. */
  readonly steady: boolean | null;
  /** Bytes fetched from lower tiers, tokens found there. */
  readonly tierInBytes: number | null;
  readonly tierHitTokens: number | null;
}

/** Settings of the simulator as the run's own scenario has them. */
export interface OwnSetting {
  readonly path: string;
  readonly from: Json;
  readonly to: Json;
  readonly flag: string | null;
  /** null: it can't be given to `--set`. */
  readonly assignment: string | null;
}

export interface Subject {
  readonly title: string;
  readonly facts: Facts;
  /** One point, no sweep. */
  readonly scenario: SimScenario;
  readonly inputs: SimInputs;
  /** Blocks that the memory of a replica has room for; null where nobody knows. */
  readonly blocksThatFit: number | null;
  /** Why a setting of the simulator can't be changed in what was run; null where it can. */
  readonly fixed: (path: string) => string | null;
  /** What a setting is called there; of a path that is not fixed. */
  readonly own: (path: string, to: Json) => OwnSetting;
  readonly notes: readonly string[];
}

export type ReadSubject =
  { readonly ok: true; readonly subject: Subject } | { readonly ok: false; readonly sentence: string };
