/**
 * What the planner sees: the cache at one moment, what it may ask of it, and what the guard has learned.
 *
 * Boundary: a snapshot and a price list. It changes nothing and holds no clock, so the same view gives the same plan.
 */
import type { AutopilotTelemetry, KvLimits, SequenceState } from '../../core/run/autopilot.ts';
import type { KvAction, KvActionKind } from '../../core/scenario/autopilot/action.ts';
import type { AutopilotPlant, Priced } from '../plant.ts';

/** Blocks of vLLM; a plant that names none takes any range. */
const BLOCK_TOKENS = 16;

/** What is weighed, barred and measured as one: `evict`, `offload`, `quantize int8` … */
export type ActionClass = string;

export function classOf(action: KvAction): ActionClass {
  return action.kind === 'quantize' ? `quantize ${action.format}` : action.kind;
}

/** What the guard has learned so far. */
export interface Learned {
  /** Classes that were rolled back and are put aside for a while. */
  readonly barred: ReadonlySet<ActionClass>;
  /** Risk of a token of a class, in the unit of the policy's weights: 1 uses up maxQualityDelta. */
  readonly measured: ReadonlyMap<ActionClass, number>;
}

export const NOTHING_LEARNED: Learned = { barred: new Set(), measured: new Map() };

export interface PlanView extends Learned {
  readonly nowMs: number;
  readonly telemetry: AutopilotTelemetry;
  readonly sequences: readonly SequenceState[];
  readonly limits: KvLimits;
  /** Before the autopilot moved any: what it loosens them back to. */
  readonly initialLimits: KvLimits;
  readonly capabilities: ReadonlySet<KvActionKind>;
  readonly blockTokens: number;
  /** Of the plant's link to lower tiers; Infinity where it knows none. */
  readonly linkGBps: number;
  /** That the GPU's memory will take by itself until a plan made now is over; 0 where nobody knows. */
  readonly growthBytes: number;
  readonly price: (action: KvAction) => Priced;
}

export function viewOf(plant: AutopilotPlant, initialLimits: KvLimits, learned = NOTHING_LEARNED): PlanView {
  return {
    nowMs: plant.nowMs,
    telemetry: plant.telemetry(),
    sequences: plant.sequences(),
    limits: plant.limits(),
    initialLimits,
    capabilities: plant.capabilities,
    blockTokens: plant.blockTokens ?? BLOCK_TOKENS,
    linkGBps: plant.linkGBps ?? Infinity,
    growthBytes: 0,
    price: (action) => plant.price(action),
    ...learned,
  };
}
