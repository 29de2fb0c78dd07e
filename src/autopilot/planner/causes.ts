/** What calls for a plan: memory above the target, latency above the target, or limits that nothing needs any more. */
import type { AutopilotTelemetry } from '../../core/run/autopilot.ts';
import type { AutopilotPolicy } from '../../core/scenario/autopilot/policy.ts';

export type Cause =
  | { readonly kind: 'memory'; readonly sentence: string; readonly needBytes: number }
  | { readonly kind: 'latency'; readonly sentence: string }
  | { readonly kind: 'slack'; readonly sentence: string }
  | { readonly kind: 'none'; readonly sentence: string };

/** Points of KV use that are kept below the target. */
export const MARGINS: Readonly<Record<AutopilotPolicy['priority'], number>> = {
  low: 0,
  medium: 0.02,
  high: 0.05,
};

/** So far below the target, limits are loosened; nearer, they would be tightened again at once. */
export const SLACK = 0.1;

/** What the KV use is brought down to. */
export function aimOf(policy: AutopilotPolicy): number {
  // 0.85 − 0.05 is a little below 0.8 in doubles, and the little would ask for a block more.
  return Math.max(0, Math.round((policy.kvUseTarget - MARGINS[policy.priority]) * 1e9) / 1e9);
}

/** 0.8321 → 83.2 %. */
export function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}

/**
 * @param growthBytes that come by themselves until a plan made now is over: all priorities but `low`, which acts on what is
 *   there, make room for them before they come
 */
export function causeOf(telemetry: AutopilotTelemetry, policy: AutopilotPolicy, growthBytes = 0): Cause {
  const { kvUse, kvBytes, kvBudgetBytes, p95Ms } = telemetry;
  const aim = aimOf(policy);
  const target = `the target is ${percent(policy.kvUseTarget)}`;
  const margin = aim < policy.kvUseTarget ? `, kept ${percent(policy.kvUseTarget - aim)} below it` : '';
  const comingBytes = policy.priority === 'low' ? 0 : growthBytes;
  const coming = comingBytes / Math.max(1, kvBudgetBytes);
  if (kvUse + coming > aim) {
    const growth =
      percent(coming) === '0 %' ? '' : `, and ${percent(coming)} more comes while a plan is carried out`;
    const sentence = `KV use is ${percent(kvUse)} of the budget${growth}; ${target}${margin}.`;
    return { kind: 'memory', sentence, needBytes: Math.max(1, kvBytes + comingBytes - aim * kvBudgetBytes) };
  }
  const most = policy.latencyP95Ms;
  if (most !== null && p95Ms !== null && p95Ms > most) {
    return { kind: 'latency', sentence: `p95 is ${Math.round(p95Ms)} ms; the target is ${most} ms.` };
  }
  const calm = most === null || p95Ms === null || p95Ms <= 0.8 * most;
  if (kvUse < aim - SLACK && calm) {
    return {
      kind: 'slack',
      sentence: `KV use is ${percent(kvUse)}, more than ${percent(SLACK)} below the target of ${percent(policy.kvUseTarget)}.`,
    };
  }
  return { kind: 'none', sentence: `KV use is ${percent(kvUse)}; ${target}${margin}: nothing to do.` };
}
