/**
 * What the schema of a plan can't say: scenarios that contradict themselves whatever model and GPU they name. Each refusal
 * names the wrong number and the nearest that works. What depends on the records (an unknown name, experts of a dense
 * model) is refused by plan/subject.ts; what can't be reached (no GPU within the budget) is the plan's answer, no refusal.
 */
import { lengthRange } from '../../workload/lengths.ts';
import { lengthContradiction } from '../simulate/rules-workload.ts';
import type { PlanScenario } from './schema.ts';

type Rule = (scenario: PlanScenario) => string | null;

const lengths: Rule = ({ load }) =>
  load.trace !== null
    ? null
    : (lengthContradiction('load.promptTokens', load.promptTokens) ??
      lengthContradiction('load.outputTokens', load.outputTokens));

const openOrClosed: Rule = ({ load: { rate, concurrency } }) =>
  rate !== null && concurrency !== null
    ? `load.rate is ${rate} and load.concurrency is ${concurrency}; requests come at a rate or keep a number in flight: set one of them to null.`
    : null;

const prefix: Rule = ({ load }) => {
  if (load.sharedPrefix === null || load.trace !== null) return null;
  const longest = lengthRange(load.promptTokens).max;
  const { tokens } = load.sharedPrefix;
  return tokens >= longest
    ? `load.sharedPrefix.tokens is ${tokens}, but the longest prompt has ${longest}; ${Math.max(1, longest - 1)} or fewer can be shared.`
    : null;
};

const modelLength: Rule = ({ load, engine: { maxModelTokens } }) => {
  if (maxModelTokens === null || load.trace !== null) return null;
  const least = lengthRange(load.promptTokens).min + lengthRange(load.outputTokens).min;
  return least > maxModelTokens
    ? `engine.maxModelTokens is ${maxModelTokens}, but the shortest request has ${least} tokens; set ${least} or more, or null.`
    : null;
};

const ranks: Rule = ({ hardware: { count, tensorParallel, pipelineParallel } }) => {
  const group = (tensorParallel ?? 1) * (pipelineParallel ?? 1);
  if (count === null || count % group === 0) return null;
  const nearest = Math.max(group, Math.floor(count / group) * group);
  return `hardware.count is ${count}, which ${group} GPUs a replica (tensor × pipeline) do not divide; the nearest that works is ${nearest}.`;
};

const apart: Rule = ({ engine, hardware }) => {
  if (engine.disaggregated !== true || hardware.count === null) return null;
  const least = 2 * (hardware.tensorParallel ?? 1) * (hardware.pipelineParallel ?? 1);
  return hardware.count < least
    ? `hardware.count is ${hardware.count}; prefill and decode on GPUs of their own need ${least} at the least.`
    : null;
};

const available: Rule = ({ hardware, constraints: { gpus, maxGpus } }) => {
  if (maxGpus !== null && hardware.count !== null && hardware.count > maxGpus) {
    return `hardware.count is ${hardware.count}, more than the ${maxGpus} of constraints.maxGpus; lower one or raise the other.`;
  }
  const group = (hardware.tensorParallel ?? 1) * (hardware.pipelineParallel ?? 1);
  if (maxGpus !== null && group > maxGpus) {
    return `A replica takes ${group} GPUs (tensor × pipeline), more than the ${maxGpus} of constraints.maxGpus; the nearest that works is constraints.maxGpus ${group}.`;
  }
  if (gpus === null || hardware.gpu === null || hardware.custom !== null) return null;
  return gpus.some((id) => id.toLowerCase() === hardware.gpu?.toLowerCase())
    ? null
    : `hardware.gpu is ${hardware.gpu}, which constraints.gpus (${gpus.join(', ').slice(0, 120)}) does not list; add it there, or set hardware.gpu to null.`;
};

/** A loss that a format has in every published table: int4 weights are never free of it. */
const qualityKept: Rule = ({ goal, engine, constraints: { qualityLossPercent } }) => {
  const narrow = engine.weights === 'int4' ? 'engine.weights int4' : null;
  const kv =
    engine.kvFormat === 'int4' || engine.kvFormat === 'int2' ? `engine.kvFormat ${engine.kvFormat}` : null;
  const given = narrow ?? kv;
  if (given === null) return null;
  if (qualityLossPercent === 0) {
    return `constraints.qualityLossPercent is 0, but ${given} always loses some; allow 1, or leave the format to the planner (null).`;
  }
  return goal.kind === 'quality'
    ? `The goal is quality, but ${given} is given, which is not the best there is; leave the format to the planner (null), or choose another goal.`
    : null;
};

const weighed: Rule = ({ goal }) =>
  goal.kind === 'balanced' && Object.values(goal.weights).every((weight) => weight === 0)
    ? 'goal.weights are all 0, so nothing is preferred; give one of them a weight, such as cost 1.'
    : null;

const waits: Rule = ({ constraints: { ttftMs, tpotMs, e2eMs }, load }) => {
  if (e2eMs === null || load.trace !== null) return null;
  if (ttftMs !== null && ttftMs > e2eMs) {
    return `constraints.ttftMs is ${ttftMs}, longer than the ${e2eMs} of the whole answer (constraints.e2eMs); set it to ${e2eMs} or less, or null.`;
  }
  const steps = lengthRange(load.outputTokens).min - 1;
  return tpotMs !== null && steps > 0 && tpotMs > e2eMs
    ? `constraints.tpotMs is ${tpotMs}, longer than the ${e2eMs} of the whole answer (constraints.e2eMs); set it to ${Math.floor(e2eMs / steps)} or less, or null.`
    : null;
};

/** One price of one GPU. */
const prices: Rule = ({ prices: { contract, spotShare, owned, perGpuHour } }) => {
  if (contract === 'spot' && spotShare > 0) {
    return `prices.contract is spot, so all GPUs are; prices.spotShare is ${spotShare}: set it to 0, or the contract to on-demand.`;
  }
  return owned !== null && perGpuHour !== null
    ? `prices.owned and prices.perGpuHour are two prices of one GPU; set one of them to null.`
    : null;
};

/** Replicas that 100,000 GPUs can't be divided into are a load nobody has. */
const absurd: Rule = ({ load: { rate }, load }) => {
  if (rate === null || load.trace !== null) return null;
  const tokens = rate * (lengthRange(load.promptTokens).min + lengthRange(load.outputTokens).min);
  return tokens > MAX_TOKENS_PER_SECOND
    ? `load.rate is ${rate}, ${tokens.toExponential(1)} tokens a second at the least, more than the ${MAX_TOKENS_PER_SECOND.toExponential(0)} that 100,000 GPUs carry; ask for ${Math.max(1, Math.floor((rate * MAX_TOKENS_PER_SECOND) / tokens))} requests a second or fewer.`
    : null;
};
const MAX_TOKENS_PER_SECOND = 1e10;

const RULES: readonly Rule[] = [
  openOrClosed,
  lengths,
  prefix,
  modelLength,
  ranks,
  apart,
  available,
  qualityKept,
  weighed,
  waits,
  prices,
  absurd,
];

/** The first contradiction, or null. */
export function planContradiction(scenario: PlanScenario): string | null {
  for (const rule of RULES) {
    const sentence = rule(scenario);
    if (sentence !== null) return sentence;
  }
  return null;
}
