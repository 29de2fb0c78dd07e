/** Names as people and other tools write them in a policy, and what they are here. */
import { KV_TIERS, type KVTier } from '../../core/kv/kv-pool-types.ts';
import { compactName, editDistance } from '../../core/names.ts';
import { KV_ACTION_KINDS, type KvActionKind } from '../../core/scenario/autopilot/action.ts';
import { DEFAULT_POLICY } from '../../core/scenario/autopilot/policy.ts';

/** By compact name. */
const TIER_NAMES: Readonly<Record<string, KVTier>> = {
  gpu: 'hbm',
  vram: 'hbm',
  gddr: 'hbm',
  device: 'hbm',
  ddr: 'host',
  dram: 'host',
  ram: 'host',
  cpu: 'host',
  ssd: 'nvme',
  disk: 'nvme',
  network: 'remote',
};

const ACTION_NAMES: Readonly<Record<string, KvActionKind>> = {
  quantise: 'quantize',
  drop: 'evict',
  swap: 'offload',
  prefetch: 'fetch',
  chunksize: 'chunk',
};

const POLICY_FIELDS: readonly string[] = Object.keys(DEFAULT_POLICY);

function oneOf<T extends string>(
  known: readonly T[],
  also: Readonly<Record<string, T>>,
  name: string,
): T | string {
  const compact = compactName(name);
  return (
    known.find((id) => compactName(id) === compact) ??
    (Object.hasOwn(also, compact) ? also[compact] : name) ??
    name
  );
}

/** The tier that is meant; the name itself where none is, for the schema to refuse. */
export function tierNamed(name: string): string {
  return oneOf(KV_TIERS, TIER_NAMES, name);
}

export function actionNamed(name: string): string {
  return oneOf(KV_ACTION_KINDS, ACTION_NAMES, name);
}

/** `latency_p95_ms` and `latency-p95-ms` are latencyP95Ms; null where no field is meant. */
export function fieldNamed(name: string): string | null {
  const compact = compactName(name);
  return POLICY_FIELDS.find((field) => compactName(field) === compact) ?? null;
}

export function nearestField(name: string): string {
  const compact = compactName(name.slice(0, 60));
  const scored = POLICY_FIELDS.map((field, order) => ({
    field,
    order,
    changes: editDistance(compact, compactName(field)),
  }));
  scored.sort((a, b) => a.changes - b.changes || a.order - b.order);
  return scored[0]?.field ?? '';
}
