/** Which axes each executor can act on, the space that it starts with, and the baseline that it is measured against. */
import type { TuneAxis, TuneExecutorName, TuneSettings, TuneSpace } from './schema.ts';

export interface ExecutorAxes {
  readonly name: string;
  /** Axes that change what it measures. */
  readonly axes: readonly TuneAxis[];
  readonly kvFormats: readonly TuneSettings['kvFormat'][];
  readonly weights: readonly TuneSettings['weights'][];
  readonly baseline: TuneSettings;
  readonly space: TuneSpace;
  readonly models: readonly string[];
  readonly users: number;
  readonly requests: number;
}

const COMMON: TuneSettings = {
  strategy: 'paged',
  backend: 'ours',
  kvFormat: 'bf16',
  weights: 'bf16',
  blockSize: 16,
  maxSequences: 16,
  tokenBudget: 8192,
  chunkTokens: 0,
  prefixCaching: true,
  cachePolicy: 'lru',
  eviction: 'none',
  evictionTokens: 0,
  offload: 'none',
  tier: 'auto',
  lanes: 0,
  splits: 0,
};

export const EXECUTOR_AXES: Readonly<Record<TuneExecutorName, ExecutorAxes>> = {
  simulator: {
    name: 'the simulator',
    axes: [
      'strategy',
      'kvFormat',
      'weights',
      'blockSize',
      'maxSequences',
      'tokenBudget',
      'chunkTokens',
      'prefixCaching',
      'cachePolicy',
      'offload',
    ],
    kvFormats: ['bf16', 'fp8', 'int8', 'int4', 'int2'],
    weights: ['bf16', 'fp8', 'int8', 'int4', 'mxfp4'],
    baseline: COMMON,
    space: {
      strategy: ['paged', 'reserved', 'growing'],
      kvFormat: ['bf16', 'fp8'],
      weights: ['bf16', 'fp8'],
      blockSize: [16, 64],
      maxSequences: [4, 8, 16],
      tokenBudget: [2048, 8192],
      prefixCaching: [true, false],
    },
    models: ['Llama-3.1-8B'],
    users: 16,
    requests: 48,
  },
  kernels: {
    name: 'the attention kernels',
    axes: ['kvFormat', 'blockSize', 'maxSequences', 'tier', 'lanes', 'splits'],
    kvFormats: ['f32', 'f16', 'fp8_e4m3', 'fp8_e5m2', 'int8', 'int4', 'int2'],
    weights: ['f32'],
    baseline: { ...COMMON, kvFormat: 'f16', weights: 'f32', maxSequences: 8, tokenBudget: 512 },
    space: {
      kvFormat: ['f16', 'int8', 'int4'],
      blockSize: [16, 64],
      tier: ['auto', 'no-subgroups'],
      splits: [0, 1, 8],
    },
    models: ['Llama-3.2-1B'],
    users: 8,
    requests: 1,
  },
  engine: {
    name: 'the engine with a real model',
    axes: [
      'strategy',
      'backend',
      'kvFormat',
      'weights',
      'blockSize',
      'maxSequences',
      'tokenBudget',
      'chunkTokens',
      'prefixCaching',
      'eviction',
      'evictionTokens',
      'offload',
      'tier',
    ],
    kvFormats: ['f32', 'f16', 'fp8_e4m3', 'fp8_e5m2', 'int8', 'int4', 'int2'],
    weights: ['f32', 'f16', 'int8', 'int4'],
    baseline: {
      ...COMMON,
      kvFormat: 'f32',
      weights: 'f32',
      maxSequences: 4,
      tokenBudget: 128,
      prefixCaching: false,
    },
    space: {
      strategy: ['paged', 'reserved'],
      kvFormat: ['f32', 'int8'],
      blockSize: [16, 32],
      maxSequences: [2, 4, 8],
      tokenBudget: [64, 256],
      prefixCaching: [true, false],
    },
    models: ['shipped'],
    users: 4,
    requests: 8,
  },
  endpoint: {
    name: 'a real server',
    // The first two by the request; the others where the server is started anew for each candidate.
    axes: [
      'maxSequences',
      'prefixCaching',
      'kvFormat',
      'weights',
      'blockSize',
      'tokenBudget',
      'chunkTokens',
      'offload',
    ],
    kvFormats: ['bf16', 'fp8', 'f32', 'f16', 'fp8_e4m3', 'fp8_e5m2', 'int8', 'int4'],
    weights: ['bf16', 'fp8', 'f32', 'f16', 'int8', 'int4', 'mxfp4'],
    baseline: { ...COMMON, kvFormat: 'f16', weights: 'f16', maxSequences: 4 },
    space: { maxSequences: [2, 4, 8], prefixCaching: [true, false] },
    models: ['served'],
    users: 8,
    requests: 16,
  },
};
