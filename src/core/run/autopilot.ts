/**
 * The run of an autopilot: what the cache did with it (and without it), every plan with what became of it, and the audit
 * log from which the whole can be replayed.
 */
import * as v from 'valibot';
import { KvAction } from '../scenario/autopilot/action.ts';
import { AutopilotScenario } from '../scenario/autopilot/schema.ts';
import { KV_FORMATS } from '../kv/formats.ts';
import { KV_TIERS } from '../kv/kv-pool-types.ts';
import { Environment } from './environment.ts';
import { SimSummary } from './simulation.ts';
import { RUN_VERSION } from './version.ts';

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const count = v.pipe(v.number(), v.minValue(0), v.finite());
const number = v.pipe(v.number(), v.finite());
const share = v.pipe(v.number(), v.minValue(0), v.finite());
const column = v.pipe(v.array(v.nullable(number)), v.maxLength(100_000));

/** One look at the cache. Latencies are of the requests that ended in the last window; null where none did. */
export const AutopilotTelemetry = v.strictObject({
  atMs: number,
  /** Bytes of the GPU's KV budget in use over all of it, 0…1. */
  kvUse: share,
  kvBytes: count,
  kvBudgetBytes: count,
  /** Bytes in lower tiers, and of all they may hold; 0 where there are none. */
  hostBytes: count,
  hostBudgetBytes: count,
  running: count,
  waiting: count,
  /** Since the start. */
  finished: count,
  failed: count,
  preemptions: count,
  p95Ms: v.nullable(count),
  ttftP95Ms: v.nullable(count),
  outputTokensPerSecond: count,
  /** Prompt tokens asked of the prefix cache and found there, since the start. */
  lookedUpTokens: count,
  hitTokens: count,
});
export type AutopilotTelemetry = v.InferOutput<typeof AutopilotTelemetry>;

/** Tokens [from, to) of a sequence that lie in one tier in one format; evicted ones have no part. */
export const SequencePart = v.strictObject({
  from: count,
  to: count,
  tier: v.picklist(KV_TIERS),
  format: v.picklist(KV_FORMATS),
});
export type SequencePart = v.InferOutput<typeof SequencePart>;

export const SequenceState = v.strictObject({
  name: text(80),
  /** Computed so far, evicted ones included. */
  tokens: count,
  bytes: count,
  /** Of it in the GPU's memory. */
  gpuBytes: count,
  phase: v.picklist(['waiting', 'running', 'ended']),
  lastUsedMs: number,
  /** Times that it was used: steps in which it took part. */
  uses: count,
  pinned: v.boolean(),
  parts: v.pipe(v.array(SequencePart), v.maxLength(10_000)),
});
export type SequenceState = v.InferOutput<typeof SequenceState>;

/** The limits that actions move. */
export const KvLimits = v.strictObject({
  maxSequences: count,
  tokenBudget: count,
  admissionBelowUse: share,
  prefixCacheBlocks: v.nullable(count),
});
export type KvLimits = v.InferOutput<typeof KvLimits>;

/** What one action costs and brings, as far as is known before it is done. */
export const PlannedAction = v.strictObject({
  action: KvAction,
  /** Of the GPU's memory. */
  freesBytes: count,
  /** Tokens × risk: the policy's weight, or what was measured. */
  risk: count,
  riskOrigin: v.picklist(['assumed', 'measured']),
  reason: text(300),
});
export type PlannedAction = v.InferOutput<typeof PlannedAction>;

export const PLAN_STATUSES = [
  'pending',
  'executing',
  'completed',
  'rolledBack',
  'failed',
  'cancelled',
] as const;
export type PlanStatus = (typeof PLAN_STATUSES)[number];

/** A plan of actions and what became of it. */
export const PlanState = v.strictObject({
  planId: text(40),
  status: v.picklist(PLAN_STATUSES),
  atMs: number,
  /** Which target called for it, in a sentence. */
  cause: text(300),
  actions: v.pipe(v.array(PlannedAction), v.maxLength(100)),
  actionsCompleted: count,
  actionsTotal: count,
  kvUseBefore: share,
  kvUseAfter: v.nullable(share),
  /** On the shadowed sequences; null where no shadow ran. */
  qualityDelta: v.nullable(number),
  /** 95 % upper bound of it that holds however often it was looked at (mSPRT). */
  qualityUpper: v.nullable(number),
  rollbackReason: v.nullable(text(300)),
  guard: v.strictObject({ plans: count, successRate: share, rollbackRate: share }),
});
export type PlanState = v.InferOutput<typeof PlanState>;

export const AUDIT_KINDS = [
  'telemetry',
  'plan',
  'shadow',
  'apply',
  'watch',
  'keep',
  'rollback',
  'cancel',
  'fail',
  'idle',
] as const;

/** One line of the audit log. */
export const AuditEntry = v.strictObject({
  sequence: count,
  atMs: number,
  kind: v.picklist(AUDIT_KINDS),
  planId: v.nullable(text(40)),
  sentence: text(400),
  /** `apply`: what was done. `rollback`: what was undone. */
  actions: v.pipe(v.array(KvAction), v.maxLength(200)),
  /** Digest of the cache's state behind it (block tables, formats, limits); null where none was taken. */
  state: v.nullable(text(64)),
});
export type AuditEntry = v.InferOutput<typeof AuditEntry>;

export const AutopilotCounters = v.strictObject({
  tokensEvicted: count,
  tokensQuantized: count,
  tokensOffloaded: count,
  tokensFetched: count,
  reuseHits: count,
  reuseMisses: count,
  applies: count,
  rollbacks: count,
});
export type AutopilotCounters = v.InferOutput<typeof AutopilotCounters>;

/** Samples at each look, column by column. */
export const AutopilotSeries = v.strictObject({
  timeMs: column,
  kvUse: column,
  hostBytes: column,
  running: column,
  waiting: column,
  preemptions: column,
  p95Ms: column,
  ttftP95Ms: column,
  outputTokensPerSecond: column,
});
export type AutopilotSeries = v.InferOutput<typeof AutopilotSeries>;

/** One way through the requests. */
export const AutopilotSide = v.strictObject({
  series: AutopilotSeries,
  /** As a simulation or a serving run sums it up; null before anything ended. */
  summary: v.nullable(SimSummary),
  counters: AutopilotCounters,
});
export type AutopilotSide = v.InferOutput<typeof AutopilotSide>;

export const AutopilotRun = v.strictObject({
  version: v.literal(RUN_VERSION),
  kind: v.literal('autopilot'),
  id: text(60),
  title: text(120),
  createdAt: text(40),
  /** `simulated` with the simulated engine, `measured` with the real one. */
  origin: v.picklist(['simulated', 'measured']),
  appVersion: text(40),
  command: v.nullable(text(1000)),
  /** null for the simulated engine. */
  environment: v.nullable(Environment),
  scenario: AutopilotScenario,
  with: AutopilotSide,
  /** The same requests without the autopilot; null where it was not asked for. */
  without: v.nullable(AutopilotSide),
  plans: v.pipe(v.array(PlanState), v.maxLength(10_000)),
  log: v.pipe(v.array(AuditEntry), v.maxLength(100_000)),
  /** At the end. */
  sequences: v.pipe(v.array(SequenceState), v.maxLength(10_000)),
  limits: KvLimits,
  /** How far the KV in the GPU's memory is really smaller, where a backend keeps the books of a format that it emulates. */
  notes: v.pipe(v.array(text(600)), v.maxLength(50)),
  complete: v.boolean(),
});
export type AutopilotRun = v.InferOutput<typeof AutopilotRun>;
