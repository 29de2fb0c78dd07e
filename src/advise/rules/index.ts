/** Every rule of the advisor. */
import type { RuleId } from '../types.ts';
import { batchLimit } from './batch-limit.ts';
import { blockSize } from './block-size.ts';
import { chunkSize } from './chunk-size.ts';
import { concurrency } from './concurrency.ts';
import { evictionPolicy } from './eviction-policy.ts';
import { kvBudget } from './kv-budget.ts';
import { kvFormat } from './kv-format.ts';
import { mixedLengths } from './mixed-lengths.ts';
import { offload } from './offload.ts';
import { prefixCache } from './prefix-cache.ts';
import { quantization } from './quantization.ts';
import type { AdviceRule } from './rule.ts';
import { tensorParallel } from './tensor-parallel.ts';

export const RULES: Readonly<Record<RuleId, AdviceRule>> = {
  'kv-budget': kvBudget,
  'block-size': blockSize,
  'kv-format': kvFormat,
  'eviction-policy': evictionPolicy,
  offload,
  'prefix-cache': prefixCache,
  'chunk-size': chunkSize,
  concurrency,
  'batch-limit': batchLimit,
  'mixed-lengths': mixedLengths,
  'tensor-parallel': tensorParallel,
  quantization,
};
