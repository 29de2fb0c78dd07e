/** What the settings of a tuning are called and mean, one definition each. */
import type { TuneAxis } from '../core/scenario/tune/schema.ts';
import type { Words } from './form.ts';

export const TUNE_WORDS: Words = {
  title: ['Title', 'Names the tuning and its files.'],
  about: ['About', 'What the tuning is for, in a sentence or two.'],
  seed: ['Seed', 'Draws the requests and the order of measurements: every candidate gets the same requests.'],
  'hardware.gpu': ['GPU', 'Of the simulator.'],
  'hardware.tensorParallel': ['Tensor parallel', 'GPUs that share each layer, in the simulator.'],
  'hardware.memoryUtilization': [
    'Memory share',
    'Of the GPU’s memory that the engine takes, in the simulator.',
  ],
  'hardware.adapter': ['Adapter', 'Which GPU of this machine, where it has two.'],
  'load.users': ['Users', 'Requests in flight; empty: the executor’s own.'],
  'load.requests': ['Requests', 'Of one measurement; empty: the executor’s own.'],
  'load.spread': ['Spread', 'Prompts are as long as the context, down to this share less.'],
  'load.shared': ['In common', 'Share of a prompt that all have in common; empty: the profile’s.'],
  'budget.repeats': ['Repeats', 'Of each cell, for whoever comes to the end.'],
  'budget.share': ['Share', 'Of all measurements that a full grid would take, what may be spent.'],
  'budget.eta': ['One of', 'How many stay when a rung ends: one of so many.'],
  'budget.seconds': ['Seconds', 'After which nothing new is begun; empty: no limit.'],
  'budget.measurementSeconds': [
    'Of one',
    'Seconds after which a measurement is given up, and its setting with it.',
  ],
  'budget.memoryGB': ['Memory, GB', 'Settings that take more are not possible; empty: what the device has.'],
};

export const AXIS_NAMES: Readonly<Record<TuneAxis, string>> = {
  strategy: 'Cache',
  backend: 'Backend',
  kvFormat: 'KV format',
  weights: 'Weights',
  blockSize: 'Block size',
  maxSequences: 'Sequences',
  tokenBudget: 'Token budget',
  chunkTokens: 'Chunk, tokens',
  prefixCaching: 'Prefix caching',
  cachePolicy: 'Cache policy',
  eviction: 'Eviction',
  evictionTokens: 'Tokens kept',
  offload: 'Offload',
  tier: 'Kernel tier',
  lanes: 'Lanes',
  splits: 'Splits',
};
