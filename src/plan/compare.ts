/** Two plans field by field. */
import type { Deployment, PlanRun } from '../core/run/plan.ts';

export interface PlanDifference {
  /** Dotted, as in the plan's file: `memory.kvTokens`. */
  readonly path: string;
  /** In words: what it is, and its unit. */
  readonly label: string;
  readonly unit: string;
  readonly a: number | string | null;
  readonly b: number | string | null;
  readonly same: boolean;
  /** b over a; null where one of them is no number above 0. */
  readonly ratio: number | null;
  /** Which is the better one; null where neither is, or nobody can say. */
  readonly better: 'a' | 'b' | null;
}

type Value = number | string | boolean | null;

interface Field {
  readonly path: string;
  readonly label: string;
  readonly unit: string;
  /** Whether less or more is better; null: a setting. */
  readonly wanted: 'less' | 'more' | null;
  readonly read: (deployment: Deployment) => Value;
}

const setting = (path: string, label: string, read: Field['read'], unit = ''): Field => ({
  path,
  label,
  unit,
  wanted: null,
  read,
});
const less = (path: string, label: string, unit: string, read: Field['read']): Field => ({
  path,
  label,
  unit,
  wanted: 'less',
  read,
});
const more = (path: string, label: string, unit: string, read: Field['read']): Field => ({
  ...less(path, label, unit, read),
  wanted: 'more',
});

/** In the order in which they are shown. */
const FIELDS: readonly Field[] = [
  setting('choice.model', 'model', ({ choice }) => choice.model),
  setting('choice.gpu', 'GPU', ({ choice }) => choice.gpuName),
  less('choice.gpus', 'GPUs', '', ({ choice }) => choice.gpus),
  setting('choice.replicas', 'replicas', ({ choice }) => choice.replicas),
  setting('choice.tensorParallel', 'tensor parallel', ({ choice }) => choice.tensorParallel),
  setting('choice.pipelineParallel', 'pipeline parallel', ({ choice }) => choice.pipelineParallel),
  setting('choice.expertParallel', 'expert parallel', ({ choice }) => choice.expertParallel),
  setting('choice.disaggregated', 'prefill and decode apart', ({ choice }) => choice.disaggregated !== null),
  setting('choice.engine', 'engine', ({ choice }) => choice.engine),
  setting('choice.weights', 'weights', ({ choice }) => choice.weights),
  setting('choice.kvFormat', 'KV', ({ choice }) => choice.kvFormat),
  setting('choice.blockSize', 'block', ({ choice }) => choice.blockSize, 'tokens'),
  setting('choice.memoryUtilization', 'share of the memory', ({ choice }) => choice.memoryUtilization),
  setting('choice.tokenBudget', 'tokens a step', ({ choice }) => choice.tokenBudget, 'tokens'),
  setting('choice.maxSequences', 'sequences a step', ({ choice }) => choice.maxSequences),
  setting('choice.maxModelTokens', 'longest request', ({ choice }) => choice.maxModelTokens, 'tokens'),
  setting('choice.prefixCaching', 'prefix caching', ({ choice }) => choice.prefixCaching),
  setting('choice.offloadGB', 'host memory for KV', ({ choice }) => choice.offloadGB, 'GB'),
  less('memory.weightsBytes', 'weights a GPU', 'B', ({ memory }) => memory.weightsBytes),
  less('memory.kvBytesPerToken', 'KV of a token', 'B', ({ memory }) => memory.kvBytesPerToken),
  more('memory.kvTokens', 'KV tokens of a replica', 'tokens', ({ memory }) => memory.kvTokens),
  more('memory.sequencesAtMean', 'sequences at the mean length', '', ({ memory }) => memory.sequencesAtMean),
  setting('speed.batch', 'in flight on a replica', ({ speed }) => speed?.batch ?? null),
  less('speed.ttftMs', 'TTFT', 'ms', ({ speed }) => speed?.ttftMs ?? null),
  less('speed.ttftTailMs', 'TTFT, tail', 'ms', ({ speed }) => speed?.ttftTailMs ?? null),
  less('speed.tpotMs', 'TPOT', 'ms', ({ speed }) => speed?.tpotMs ?? null),
  less('speed.tpotTailMs', 'TPOT, tail', 'ms', ({ speed }) => speed?.tpotTailMs ?? null),
  less('speed.e2eMs', 'whole answer', 'ms', ({ speed }) => speed?.e2eMs ?? null),
  more('speed.outputTokensPerSecond', 'output', 'tok/s', ({ speed }) => speed?.outputTokensPerSecond ?? null),
  more('speed.requestsPerSecond', 'requests', '/s', ({ speed }) => speed?.requestsPerSecond ?? null),
  more(
    'speed.maxRequestsPerSecond',
    'most requests',
    '/s',
    ({ speed }) => speed?.maxRequestsPerSecond ?? null,
  ),
  more('prefixCache.hitRatio', 'prefix hits', '', ({ prefixCache }) => prefixCache?.hitRatio ?? null),
  less('cost.perHour', 'an hour', '$', ({ cost }) => cost?.perHour ?? null),
  less(
    'cost.perMillionOutputTokens',
    'M output tokens',
    '$',
    ({ cost }) => cost?.perMillionOutputTokens ?? null,
  ),
  less('cost.perRequest', 'a request', '$', ({ cost }) => cost?.perRequest ?? null),
  setting('cost.utilization', 'utilization', ({ cost }) => cost?.utilization ?? null),
  less(
    'energy.joulesPerOutputToken',
    'energy of an output token',
    'J',
    ({ energy }) => energy?.joulesPerOutputToken ?? null,
  ),
  less(
    'energy.gramsCo2PerMillionOutputTokens',
    'carbon of M output tokens',
    'g CO₂e',
    ({ energy }) => energy?.gramsCo2PerMillionOutputTokens ?? null,
  ),
  less('quality.lossPercent', 'quality lost', '%', ({ quality }) => quality.lossPercent),
];

const shown = (value: Value): number | string | null =>
  typeof value === 'boolean' ? (value ? 'yes' : 'no') : value;

function better(wanted: Field['wanted'], a: Value, b: Value): 'a' | 'b' | null {
  if (wanted === null || typeof a !== 'number' || typeof b !== 'number' || a === b) return null;
  return a < b === (wanted === 'less') ? 'a' : 'b';
}

/** Every field of both, the same ones too; a plan without a deployment has none. */
export function comparePlans(a: PlanRun, b: PlanRun): PlanDifference[] {
  const feasible: PlanDifference = {
    path: 'feasible',
    label: 'works',
    unit: '',
    a: a.feasible ? 'yes' : 'no',
    b: b.feasible ? 'yes' : 'no',
    same: a.feasible === b.feasible,
    ratio: null,
    better: a.feasible === b.feasible ? null : a.feasible ? 'a' : 'b',
  };
  const fields = FIELDS.map(({ path, label, unit, wanted, read }): PlanDifference => {
    const [left, right] = [a.deployment && read(a.deployment), b.deployment && read(b.deployment)];
    const both = typeof left === 'number' && typeof right === 'number' && left > 0;
    return {
      path,
      label,
      unit,
      a: shown(left),
      b: shown(right),
      same: left === right,
      ratio: both ? right / left : null,
      better: better(wanted, left, right),
    };
  });
  return [feasible, ...fields];
}
