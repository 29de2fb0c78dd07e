/** Memory risk: what a run will take beside what is thought to be free, and the smallest change that fits. */
import type { KvFormat } from '../core/kv/formats.ts';
import { withValueAt } from '../core/scenario/layer.ts';
import type { Json } from '../core/json.ts';
import type { Scenario } from '../core/scenario/schema.ts';
import { validateScenario } from '../core/scenario/parse.ts';
import { expandSweep, type SweepPoint } from '../core/scenario/sweep.ts';
import { planMemory, type MemoryPlan } from './memory-plan.ts';
import type { MemoryRisk } from './types.ts';

const MIB = 1_048_576;
const GIB = 1024 * MIB;

/** Above this share of the free memory the risk is medium, above the other high. */
export const MEDIUM_SHARE = 0.7;
export const HIGH_SHARE = 0.9;

/** What is known of the device's memory. */
export interface AvailableMemory {
  readonly bytes: number;
  readonly origin: 'measured' | 'assumed';
  /** Largest buffer and binding; no layer's pool may be larger. */
  readonly maxBufferBytes: number;
}

export interface MemoryFacts {
  readonly isFallback: boolean;
  /** The smaller of maxBufferSize and maxStorageBufferBindingSize. */
  readonly maxBufferBytes: number;
  readonly hostMemoryBytes: number | null;
  /** What the hardware check's probe really got; null without a check on this adapter. */
  readonly measuredBytes: number | null;
}

/** Most that is asked of a software adapter: 2 GiB or a quarter of the host's memory, where it is told. */
export function softwareCapBytes(hostMemoryBytes: number | null): number {
  return Math.min(2 * GIB, hostMemoryBytes === null ? Infinity : hostMemoryBytes / 4);
}

/** WebGPU tells nobody how much is free: the probe's figure, else an assumption that says so. */
export function availableMemory(facts: MemoryFacts): AvailableMemory {
  const { maxBufferBytes, measuredBytes } = facts;
  if (measuredBytes !== null) return { bytes: measuredBytes, origin: 'measured', maxBufferBytes };
  // A device that allows one buffer of this size is assumed to have it free, once.
  const assumed = facts.isFallback
    ? softwareCapBytes(facts.hostMemoryBytes)
    : Math.max(256 * MIB, Math.min(maxBufferBytes, 4 * GIB));
  return { bytes: assumed, origin: 'assumed', maxBufferBytes };
}

interface WorstPoint {
  readonly point: SweepPoint;
  readonly plan: MemoryPlan;
}

/** The point that takes most. Points run one after another, so the run takes as much as its largest point. */
export function worstPoint(scenario: Scenario): WorstPoint {
  const points = expandSweep(scenario).map((point) => ({ point, plan: planMemory(point.scenario) }));
  const worst = points.reduce<WorstPoint | null>(
    (most, next) => (most && most.plan.totalBytes >= next.plan.totalBytes ? most : next),
    null,
  );
  if (worst === null) throw new RangeError('The scenario has no points.');
  return worst;
}

/** @param scenario as it will run: a software adapter's reductions already applied */
export function assessRisk(scenario: Scenario, available: AvailableMemory): MemoryRisk {
  const { point, plan } = worstPoint(scenario);
  const share = plan.totalBytes / available.bytes;
  const tooLarge = plan.largestBufferBytes > available.maxBufferBytes;
  const risk = share > HIGH_SHARE || tooLarge ? 'high' : share > MEDIUM_SHARE ? 'medium' : 'low';
  return {
    risk,
    neededBytes: plan.totalBytes,
    availableBytes: available.bytes,
    availableOrigin: available.origin,
    advice: adviceFor(risk, scenario, point, plan, available),
  };
}

function adviceFor(
  risk: MemoryRisk['risk'],
  scenario: Scenario,
  point: SweepPoint,
  plan: MemoryPlan,
  available: AvailableMemory,
): string {
  const known =
    available.origin === 'measured'
      ? 'measured by the hardware check'
      : 'assumed, because no hardware check has measured it on this adapter';
  if (risk === 'low')
    return `It fits: ${gigabytes(plan.totalBytes)} of ${gigabytes(available.bytes)}, ${known}.`;
  const where = scenario.sweep.length === 0 ? '' : ` at “${point.label}”`;
  const problem =
    plan.largestBufferBytes > available.maxBufferBytes
      ? `One layer’s pool${where} is ${gigabytes(plan.largestBufferBytes)}; the device’s largest buffer is ${gigabytes(available.maxBufferBytes)}`
      : `The run takes ${gigabytes(plan.totalBytes)}${where} of ${gigabytes(available.bytes)}, ${known}`;
  const change = smallestChange(point.scenario, available);
  return `${problem}. ${change ?? 'No single change makes it fit: choose a smaller model shape.'}`;
}

const SMALLER_FORMATS: Readonly<Record<KvFormat, readonly KvFormat[]>> = {
  f32: ['f16', 'int8', 'int4'],
  f16: ['int8', 'int4'],
  'fp8-e4m3': ['int4'],
  'fp8-e5m2': ['int4'],
  int8: ['int4'],
  int4: ['int2'],
  int2: [],
};

/** The first change, in order of how little it takes away, that brings the risk down to low; null when none does. */
function smallestChange(scenario: Scenario, available: AvailableMemory): string | null {
  const fits = (changed: Scenario | null): changed is Scenario =>
    changed !== null && isLow(changed, available);
  const { engine, workload } = scenario;
  if (engine.layout === 'contiguous' && fits(changedTo(scenario, 'engine.layout', 'paged'))) {
    return 'Set engine.layout to paged, which reserves only what is used.';
  }
  for (const format of SMALLER_FORMATS[engine.kvFormat]) {
    if (fits(changedTo(scenario, 'engine.kvFormat', format))) return `Set engine.kvFormat to ${format}.`;
  }
  if (workload.groups.length > 0) return 'Lower the counts or the prompts of workload.groups.';
  const concurrency = largest(workload.concurrency - 1, (n) =>
    fits(changedTo(scenario, 'workload.concurrency', n)),
  );
  if (concurrency > 0) return `Keep workload.concurrency at ${concurrency} or below.`;
  const promptTokens = largest(workload.promptTokens - 1, (n) =>
    fits(changedTo(scenario, 'workload.promptTokens', n)),
  );
  if (promptTokens > 0) return `Keep workload.promptTokens at ${promptTokens} or below.`;
  return null;
}

function isLow(scenario: Scenario, available: AvailableMemory): boolean {
  const { totalBytes, largestBufferBytes } = planMemory(scenario);
  return totalBytes <= MEDIUM_SHARE * available.bytes && largestBufferBytes <= available.maxBufferBytes;
}

function changedTo(scenario: Scenario, path: string, value: Json): Scenario | null {
  const changed = withValueAt(scenario, path, value);
  const checked = changed === null ? null : validateScenario(changed);
  return checked?.ok ? checked.scenario : null;
}

/** The largest n from 1 to `most` with the property, which must hold for all smaller n; 0 when there is none. */
function largest(most: number, holds: (n: number) => boolean): number {
  let low = 0;
  let high = most;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (holds(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function gigabytes(bytes: number): string {
  return bytes >= 0.1 * GIB ? `${(bytes / GIB).toFixed(2)} GiB` : `${(bytes / MIB).toFixed(1)} MiB`;
}
