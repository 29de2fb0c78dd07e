/**
 * The policy of an autopilot: targets, limits and what it may do, as one small document in JSON or YAML.
 *
 * Every field changes behaviour, and has a test in which it does. The text form, with the names that people write (DDR for
 * the host's memory), is read in src/autopilot.
 */
import * as v from 'valibot';
import { KV_TIERS } from '../../kv/kv-pool-types.ts';
import { KV_ACTION_KINDS } from './action.ts';

const int = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const real = (min: number, max: number) => v.pipe(v.number(), v.finite(), v.minValue(min), v.maxValue(max));
const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const share = real(0, 1);

export const POLICY_PRIORITIES = ['low', 'medium', 'high'] as const;
/** What takes memory from sequences, and so can be weighed. */
export const RISKY_ACTIONS = ['evict', 'offload', 'quantize'] as const;
export type RiskyAction = (typeof RISKY_ACTIONS)[number];

export const AutopilotPolicy = v.strictObject({
  /** p95 of the end-to-end latency that the autopilot keeps; null: it looks at memory alone. */
  latencyP95Ms: v.nullable(real(0, 1e9)),
  /** Share of the KV budget that it holds. */
  kvUseTarget: real(0.05, 1),
  /** Link to the lower tiers, bytes in 10⁹ a second. */
  offloadGBps: real(0.001, 100_000),
  /** Newest tokens of each sequence that no action touches. */
  keepRecentTokens: int(0, 10_000_000),
  /** A block policy by name, or an expression over age, frequency, position and cost: the largest goes first. */
  eviction: text(400),
  /** Where KV may lie, fastest first; the first is the GPU's memory. */
  tiers: v.pipe(v.array(v.picklist(KV_TIERS)), v.minLength(1), v.maxLength(KV_TIERS.length)),
  /** Share of the running sequences that an action is tried on first, on copies; at least one. */
  shadowFraction: share,
  /** Largest loss of quality on the shadowed sequences, as 1 − top-1 agreement or in nats of KL, whichever is larger. */
  maxQualityDelta: real(0, 10),
  /** Whether what was done is taken back when the guard says so; false: it stops and says so. */
  rollback: v.boolean(),
  /** Risk of a token touched, until it is measured. */
  riskWeights: v.strictObject({ evict: real(0, 100), offload: real(0, 100), quantize: real(0, 100) }),
  /** Of one plan. */
  maxActions: int(1, 100),
  /** How early and how much: low acts above the target only, medium keeps 2 % below it, high keeps 5 % below. */
  priority: v.picklist(POLICY_PRIORITIES),
  /** Shorter sequences are left alone. */
  minSequenceTokens: int(0, 10_000_000),
  /** Sequences that keep less of their tokens in the GPU's memory are left alone, 0…1. */
  minSequenceUse: share,
  /** Bytes of a quantized token over those of the model's own format, tried in order: .5 is int8, .25 int4, .125 int2. */
  quantizationScales: v.pipe(v.array(v.picklist([0.5, 0.25, 0.125])), v.minLength(1), v.maxLength(3)),
  /** What is tried first where two cost the same risk; kinds that are not in it are not taken. */
  actionPriority: v.pipe(v.array(v.picklist(KV_ACTION_KINDS)), v.minLength(1), v.maxLength(8)),
  /** Shares of the planned sequences that the steps act on, growing; the last is 1. */
  canarySteps: v.pipe(v.array(share), v.minLength(1), v.maxLength(8)),
  /** Time that a step is watched before the next, and after the last before the plan is kept. */
  watchMs: real(0, 1e9),
  /** After a plan, before the next is made. */
  cooldownMs: real(0, 1e9),
  /** Error of the first kind of the sequential test. */
  alpha: real(0.0001, 0.5),
  /** Rolls back where p95 under the plan is larger by more, as a ratio. */
  maxLatencyRatio: real(1, 100),
  /** Rolls back where more of the requests fail under the plan, 0…1. */
  maxErrorRate: share,
});
export type AutopilotPolicy = v.InferOutput<typeof AutopilotPolicy>;

export const DEFAULT_POLICY: AutopilotPolicy = {
  latencyP95Ms: 2000,
  kvUseTarget: 0.85,
  offloadGBps: 120,
  keepRecentTokens: 4096,
  eviction: 'lru',
  tiers: ['hbm', 'host', 'cxl', 'nvme'],
  shadowFraction: 0.05,
  maxQualityDelta: 0.05,
  rollback: true,
  riskWeights: { evict: 1, offload: 0.8, quantize: 0.5 },
  maxActions: 10,
  priority: 'medium',
  minSequenceTokens: 100,
  minSequenceUse: 0.3,
  quantizationScales: [0.5, 0.25],
  actionPriority: ['evict', 'offload', 'quantize'],
  canarySteps: [0.25, 1],
  watchMs: 1000,
  cooldownMs: 2000,
  alpha: 0.05,
  maxLatencyRatio: 1.25,
  maxErrorRate: 0.01,
};
