/** All eviction policies. A new one is one file and one line here (and its name in the scenario schema). */
import type { EvictionPolicyName } from '../scenario/schema.ts';
import { h2o } from './h2o.ts';
import { knorm } from './knorm.ts';
import { none } from './none.ts';
import { pagedEviction } from './paged-eviction.ts';
import type { EvictionPolicy } from './policy.ts';
import { quest } from './quest.ts';
import { snapkv } from './snapkv.ts';
import { streamingLlm } from './streaming-llm.ts';
import { tova } from './tova.ts';

export const POLICIES: Readonly<Record<EvictionPolicyName, EvictionPolicy>> = {
  none,
  'streaming-llm': streamingLlm,
  h2o,
  tova,
  snapkv,
  knorm,
  'paged-eviction': pagedEviction,
  quest,
};
