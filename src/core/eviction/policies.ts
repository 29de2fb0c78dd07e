/**
 * All eviction policies. A new one is one file and one line here, its name in policy.ts, and, once there is a kernel for
 * its signal, in the scenario schema.
 */
import { expectedAttention } from './expected-attention.ts';
import { h2o } from './h2o.ts';
import { keydiff } from './keydiff.ts';
import { knorm } from './knorm.ts';
import { none } from './none.ts';
import { pagedEviction } from './paged-eviction.ts';
import type { EvictionPolicy, SequencePolicyName } from './policy.ts';
import { pyramidkv } from './pyramidkv.ts';
import { quest } from './quest.ts';
import { snapkv } from './snapkv.ts';
import { streamingLlm } from './streaming-llm.ts';
import { tova } from './tova.ts';

export const POLICIES: Readonly<Record<SequencePolicyName, EvictionPolicy>> = {
  none,
  'streaming-llm': streamingLlm,
  h2o,
  tova,
  snapkv,
  pyramidkv,
  knorm,
  keydiff,
  'expected-attention': expectedAttention,
  'paged-eviction': pagedEviction,
  quest,
};
