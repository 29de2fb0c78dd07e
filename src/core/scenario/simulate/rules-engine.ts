/** Engine settings that contradict one another or the model, each in one sentence with a remedy. */
import {
  architectureNames,
  findArchitecture,
  keepsState,
  layerCount,
  type Architecture,
} from '../../model/architecture.ts';
import { findGpu, knownGpus } from '../../hardware/records.ts';
import { tensorRanks } from '../../kv/stages.ts';
import { nearestName } from './nearest.ts';
import { CLUSTER_RULES } from './rules-cluster.ts';
import type { SimScenario } from './schema.ts';

type Rule = (scenario: SimScenario, model: Architecture) => string | null;

/** Schedulers that set memory aside for a whole request: without pages there is nothing to share, move or take away. */
export const UNPAGED_SCHEDULERS: ReadonlySet<string> = new Set(['orca', 'static', 'static-bucketed']);

function nearestNumber(wanted: number, known: readonly number[]): number {
  return known.reduce((best, n) => (Math.abs(n - wanted) < Math.abs(best - wanted) ? n : best));
}

const parallelism: Rule = ({ hardware }, model) => {
  const { tensorParallel, pipelineParallel } = hardware;
  const ranks = tensorRanks(model);
  if (!ranks.includes(tensorParallel)) {
    return `hardware.tensorParallel is ${tensorParallel}, to which the heads of ${model.name} can’t be dealt; the nearest that works is ${nearestNumber(tensorParallel, ranks)}.`;
  }
  const layers = layerCount(model);
  return pipelineParallel > layers
    ? `hardware.pipelineParallel is ${pipelineParallel}, but ${model.name} has ${layers} layers; the most is ${layers}.`
    : null;
};

/** Latent caches are stored in the activations' format or in fp8 (vLLM's fp8_ds_mla); their latent is no head's vector. */
const latentFormat: Rule = ({ engine }, { name, kinds }) => {
  const isLatent = kinds.some(({ mixer }) => mixer.kind === 'latent');
  return isLatent && engine.kvFormat !== 'bf16' && engine.kvFormat !== 'fp8'
    ? `engine.kvFormat is ${engine.kvFormat}, but the latent attention of ${name} can be stored in bf16 or fp8 only; set fp8.`
    : null;
};

/** A state is overwritten at each token: what it was at an earlier block's end is lost. */
const statePrefix: Rule = ({ engine }, model) => {
  return keepsState(model) && engine.prefixCache !== 'off'
    ? `engine.prefixCache is ${engine.prefixCache}, but ${model.name} has layers that keep a state, of which no prefix can be found again; set off.`
    : null;
};

/** A radix tree keeps one run of tokens for all layers; windows and chunks free theirs at different times. */
const windowRadix: Rule = ({ engine }, { name, kinds }) => {
  const slides = kinds.some(({ mixer }) => mixer.kind === 'sliding' || mixer.kind === 'chunked');
  return slides && engine.prefixCache === 'radix'
    ? `engine.prefixCache is radix, but ${name} has layers that forget old tokens; set hash, or off.`
    : null;
};

const cachePolicy: Rule = ({ engine }) => {
  const { prefixCache, cachePolicy: policy } = engine;
  if (prefixCache === 'off' && policy !== 'lru') {
    return `engine.cachePolicy is ${policy}, but engine.prefixCache is off; set it to hash, or the policy to lru.`;
  }
  return prefixCache === 'radix' && policy !== 'lru' && policy !== 'suffix'
    ? `engine.cachePolicy is ${policy}, but a radix tree gives up its least recently used leaf; set lru, or engine.prefixCache to hash.`
    : null;
};

/** What a scheduler without pages can't do, and what to set instead. */
const unpaged: Rule = ({ engine, cluster }) => {
  const { scheduler: name, speculation, preemption, priorities } = engine;
  if (!UNPAGED_SCHEDULERS.has(name)) return null;
  const wrong: readonly (readonly [boolean, string])[] = [
    [
      cluster.disaggregation !== null,
      `which can’t hand a request over, as cluster.disaggregation asks; set vllm, or disaggregation to null`,
    ],
    [
      speculation !== null,
      'which has no speculative decoding; set vllm or sarathi, or engine.speculation to null',
    ],
    [
      preemption !== 'recompute',
      `which reserves what a request may need and preempts nobody, but engine.preemption is ${preemption}; set recompute, or vllm`,
    ],
    [
      cluster.tiers.length > 0,
      `which has no prefix cache to fill from the ${cluster.tiers.length} of cluster.tiers; set vllm, or tiers to []`,
    ],
    [
      cluster.router === 'prefix-aware',
      'which has no prefix cache for a prefix-aware router; set vllm, or cluster.router to least-loaded',
    ],
    [
      priorities === 'priority' && name !== 'orca',
      'which takes requests in order, but engine.priorities is priority; set fcfs, or vllm',
    ],
  ];
  const found = wrong.find(([is]) => is);
  return found ? `engine.scheduler is ${name}, ${found[1]}.` : null;
};

const router: Rule = ({ engine, cluster }) =>
  cluster.router === 'prefix-aware' && engine.prefixCache === 'off'
    ? 'cluster.router is prefix-aware, but engine.prefixCache is off; set it to hash, or the router to least-loaded.'
    : null;

const tiers: Rule = ({ engine, cluster }) => {
  if (cluster.tiers.length === 0) return null;
  if (engine.prefixCache === 'off') {
    return `cluster.tiers has ${cluster.tiers.length}, but engine.prefixCache is off, so nothing in them is ever found; set it to hash.`;
  }
  const slower = cluster.tiers.findIndex((tier, i) => {
    const above = cluster.tiers[i - 1];
    return above !== undefined && tier.bandwidthGBps > above.bandwidthGBps;
  });
  if (slower < 0) return null;
  return `cluster.tiers.${slower} has ${cluster.tiers[slower]?.bandwidthGBps} GB/s, more than the ${cluster.tiers[slower - 1]?.bandwidthGBps} of the tier above it; put the fastest first.`;
};

const RULES: readonly Rule[] = [
  parallelism,
  latentFormat,
  statePrefix,
  windowRadix,
  cachePolicy,
  unpaged,
  router,
  tiers,
  ...CLUSTER_RULES,
];

function unknownHardware({ model, hardware }: SimScenario): string | null {
  if (!findArchitecture(model)) {
    return `model is “${model.slice(0, 40)}”, which is not known; the nearest is ${nearestName(model, architectureNames())}.`;
  }
  if (findGpu(hardware.gpu)) return null;
  const known = knownGpus().map(({ id }) => id);
  return `hardware.gpu is “${hardware.gpu.slice(0, 40)}”, which is not known; the nearest is ${nearestName(hardware.gpu, known)}.`;
}

export function engineContradiction(scenario: SimScenario): string | null {
  const model = findArchitecture(scenario.model);
  if (!model) return unknownHardware(scenario);
  const unknown = unknownHardware(scenario);
  if (unknown !== null) return unknown;
  for (const rule of RULES) {
    const sentence = rule(scenario, model);
    if (sentence !== null) return sentence;
  }
  return null;
}
