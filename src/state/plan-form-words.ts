/** What the settings of a plan are called and mean, one definition each. */
import type { Words } from './form.ts';
import { SIM_WORDS } from './sim-words.ts';

/** The lengths of a load are those of a simulation's workload. */
const LENGTH_WORDS: Words = Object.fromEntries(
  Object.entries(SIM_WORDS).flatMap(([path, words]) =>
    /^workload\.(prompt|output)Tokens/.test(path)
      ? [[path.replace(/^workload/, 'load'), words] as const]
      : [],
  ),
);

const CHOSEN = 'Empty: the planner chooses.';

export const PLAN_WORDS: Words = {
  ...LENGTH_WORDS,
  title: ['Title', 'Names the plan and its files.'],
  about: ['About', 'What the plan is for, in a sentence or two.'],
  seed: ['Seed', 'Draws the lengths and the simulated prefix cache: the same seed gives the same plan.'],
  'hardware.count': ['GPUs', `Of the whole deployment. ${CHOSEN}`],
  'hardware.tensorParallel': ['Tensor parallel', `GPUs that share each layer. ${CHOSEN}`],
  'hardware.pipelineParallel': [
    'Pipeline parallel',
    `GPUs that hold the layers one after the other. ${CHOSEN}`,
  ],
  'hardware.expertParallel': ['Experts whole', 'Each expert on one rank, instead of a part of each on all.'],
  'engine.name': ['Engine', 'Whose rules of memory and whose settings count.'],
  'engine.version': ['Version', 'Its overheads; empty: the newest that is known.'],
  'engine.weights': ['Weights', `Format of the weights, apart from the KV cache’s. ${CHOSEN}`],
  'engine.kvFormat': ['KV format', `How K and V are stored. ${CHOSEN}`],
  'engine.blockSize': ['Block size', `Tokens in one block. ${CHOSEN}`],
  'engine.memoryUtilization': [
    'Memory share',
    'Share of a GPU’s memory that the engine takes, in its own meaning; empty: its default.',
  ],
  'engine.tokenBudget': ['Token budget', `Tokens that one step may process. ${CHOSEN}`],
  'engine.maxSequences': ['Sequences', `Most that run together in one replica. ${CHOSEN}`],
  'engine.maxModelTokens': [
    'Longest sequence',
    'Prompt and output that it is started for; empty: what the load needs.',
  ],
  'engine.prefixCaching': ['Prefix caching', 'Blocks of prompts that begin alike are kept and shared.'],
  'engine.offloadGB': ['Offload, GB', `Host memory of one GPU for evicted KV. ${CHOSEN}`],
  'engine.speculation': ['Speculative decoding', 'A draft proposes tokens that the model checks together.'],
  'engine.speculation.draftTokens': ['Draft tokens', 'Proposed in one step.'],
  'engine.speculation.acceptance': ['Acceptance', 'Share of proposed tokens that the model keeps.'],
  'engine.speculation.draftCost': ['Cost of the draft', 'Its time and memory as a share of the model’s.'],
  'engine.disaggregated': ['Apart', 'Prefill and decode on GPUs of their own.'],
  'load.sharedPrefix': ['Shared prefix', 'Tokens that prompts begin with in common: a system prompt.'],
  'load.sharedPrefix.tokens': ['Prefix tokens', 'Length of what prompts have in common.'],
  'load.sharedPrefix.prompts': ['Different ones', 'How many such prefixes there are.'],
  'load.images': ['Images', 'In a prompt, for models that take them.'],
  'load.images.each': ['Images each', 'In one prompt.'],
  'load.images.imageTokens': ['Tokens each', 'That one image takes of the KV cache.'],
  'goal.weights.cost': ['Cost', 'Weight of $ per million output tokens.'],
  'goal.weights.latency': ['Latency', 'Weight of first token and time per token.'],
  'goal.weights.throughput': ['Throughput', 'Weight of output tokens a second.'],
  'goal.weights.quality': ['Quality', 'Weight of what the formats cost.'],
  'goal.weights.energy': ['Energy', 'Weight of joules per token.'],
  'constraints.e2eMs': ['Whole request, ms', 'Most that a request may take; empty: any.'],
  'constraints.percentile': ['Percentile', 'Share of requests that keep the limits.'],
  'constraints.costPerMillionOutputTokens': ['$ per million output', 'Most that it may cost; empty: any.'],
  'constraints.maxGpus': ['Most GPUs', 'Of one deployment; empty: any.'],
  'constraints.qualityLossPercent': [
    'Quality loss, %',
    'Most that formats may cost against bf16, in percent of perplexity; empty: not asked.',
  ],
  'prices.contract': ['Contract', 'On demand, on the spot market, or reserved.'],
  'prices.provider': ['Provider', 'Empty: the cheapest that is known.'],
  'prices.region': ['Region', 'Empty: any.'],
  'prices.perGpuHour': ['$ a GPU and hour', 'Replaces the record’s price.'],
  'prices.spotShare': ['Spot share', 'Share of the GPUs that are rented on the spot market.'],
  'prices.apiPerMillionOutput': ['API, $ per M output', 'A price elsewhere to break even against.'],
  'prices.apiPerMillionInput': ['API, $ per M input', 'The same for input tokens.'],
  'prices.owned': ['Own hardware', 'Bought instead of rented.'],
  'prices.owned.perGpu': ['$ a GPU', 'With its part of the server.'],
  'prices.owned.years': ['Years', 'Over which it is written off.'],
  'prices.owned.perKwh': ['$ a kWh', 'Of electricity.'],
  'prices.owned.otherPerHour': ['Other, $ an hour', 'Hosting, people, network.'],
  'prices.pue': ['PUE', 'Power of the whole site over power of the machines.'],
};
