/** What the control loop is asked and answers. */
import type {
  AuditEntry,
  AutopilotCounters,
  AutopilotSeries,
  AutopilotTelemetry,
  KvLimits,
  PlanState,
  SequenceState,
} from '../../core/run/autopilot.ts';

/** What happens while the loop runs, for whoever looks on. */
export type AutopilotNews =
  | {
      readonly kind: 'look';
      readonly telemetry: AutopilotTelemetry;
      readonly sequences: readonly SequenceState[];
      readonly limits: KvLimits;
      readonly counters: AutopilotCounters;
    }
  /** A plan was made or changed its state; the same planId replaces the one before. */
  | { readonly kind: 'plan'; readonly plan: PlanState }
  | { readonly kind: 'log'; readonly entry: AuditEntry };

/** A place between two steps of a plan. */
export interface FaultPoint {
  readonly planId: string;
  readonly before: 'shadow' | 'apply' | 'watch' | 'keep' | 'undo';
  /** Steps of this plan before it. */
  readonly index: number;
}

export interface AutopilotOptions {
  /** Between two looks at the cache. */
  readonly controlMs: number;
  /** Plans, and does nothing. */
  readonly dryRun?: boolean;
  /** Which sequences the canary steps begin with. */
  readonly seed?: number;
  /** Ends the run at once; the plan under way is taken back. */
  readonly signal?: AbortSignal;
  /** The stop button: the plan under way is taken back and no other is made; the cache serves on. */
  readonly stop?: AbortSignal;
  readonly onNews?: (news: AutopilotNews) => void;
  /** For tests: called between any two steps of a plan; what it throws is a fault of that step. */
  readonly faults?: (point: FaultPoint) => void | Promise<void>;
}

export interface AutopilotOutcome {
  readonly plans: readonly PlanState[];
  readonly log: readonly AuditEntry[];
  readonly series: AutopilotSeries;
  readonly counters: AutopilotCounters;
  /** Whether all that was asked of the plant is over. */
  readonly complete: boolean;
}
