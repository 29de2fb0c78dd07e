/**
 * What an autopilot steers: a running KV cache, simulated or on a GPU, through one port.
 *
 *   advance → telemetry, sequences, limits → (policy, plan, guard) → price, shadow, apply → undo, or keep → advance …
 *
 * Boundary: types. The simulated engine is in simulated/, the real one in engine/; the books of formats and ranges that
 * both keep are in book/.
 */
import type {
  AutopilotCounters,
  AutopilotTelemetry,
  KvLimits,
  SequenceState,
} from '../core/run/autopilot.ts';
import type { KvAction, KvActionKind } from '../core/scenario/autopilot/action.ts';

/** What an action would do now, or the sentence that says why it can't be done: the number and the remedy in it. */
export type Priced =
  | { readonly ok: true; readonly freesBytes: number; readonly tokens: number; readonly movedBytes: number }
  | { readonly ok: false; readonly sentence: string };

/** An action that was done. `id` is the plant's, for `undo`. */
export interface Applied {
  readonly id: number;
  readonly action: KvAction;
  readonly freedBytes: number;
}

/** The loss of quality of actions on copies of sequences, one sample a compared position. */
export interface ShadowSample {
  readonly sequence: string;
  /** Nats, of the copy's next-token distribution from the untouched one's. */
  readonly kl: number;
  /** 1 where the most probable token is the same, else 0. */
  readonly top1: number;
}

export interface AutopilotPlant {
  readonly origin: 'simulated' | 'measured';
  /** What this backend can do at all. */
  readonly capabilities: ReadonlySet<KvActionKind>;
  /**
   * Ranges of tokens begin and end at multiples of it, and end with a whole one: others are refused by `price` with the
   * nearest that works. Left out: any token will do.
   */
  readonly blockTokens?: number;
  /** Of the link to the fastest lower tier, bytes in 10⁹ a second, where the plant knows it. */
  readonly linkGBps?: number;
  readonly nowMs: number;
  /**
   * Serves on until `untilMs` of its own clock, or until nothing is left to do.
   * @returns false when everything that was asked is over
   */
  advance(untilMs: number): Promise<boolean>;
  telemetry(): AutopilotTelemetry;
  sequences(): readonly SequenceState[];
  limits(): KvLimits;
  counters(): AutopilotCounters;
  price(action: KvAction): Priced;
  /**
   * Does one action, whole or not at all.
   * @throws ActionError where it can't be done (any more); nothing has changed then
   */
  apply(action: KvAction): Promise<Applied>;
  /** Takes back what was applied, newest first; the sequences that are still there hold again exactly what they held. */
  undo(applied: readonly Applied[]): Promise<void>;
  /** Lets go of what `undo` would need. */
  keep(applied: readonly Applied[]): void;
  /**
   * Tries actions on copies, beside the untouched sequences, by teacher forcing.
   * @param fraction of the sequences that the actions touch; at least one
   */
  shadow(
    actions: readonly KvAction[],
    fraction: number,
    signal: AbortSignal,
  ): Promise<readonly ShadowSample[]>;
  /** Digest of block tables, formats, tiers and limits: equal before an action and after its undo. */
  digest(): string;
  /** @throws Error that names the first thing that does not add up */
  check(): void;
}

/** An action that can't be done here or now; nothing has changed. */
export class ActionError extends Error {
  readonly code = 'action';
  constructor(sentence: string) {
    super(sentence);
    this.name = 'ActionError';
  }
}
