/** What a block manager is made of. */
import type { BlockPolicy } from '../eviction/blocks/policy.ts';
import type { RequestTable } from '../schedule/requests.ts';
import type { BlockListener } from './block-events.ts';
import type { BlockGroup } from './block-groups.ts';

export interface BlockManagerConfig {
  readonly numBlocks: number;
  /** Tokens of a block, and of an id of the request table. */
  readonly blockSize: number;
  readonly requests: RequestTable;
  /** Off where a group keeps a state, which no two requests can share. */
  readonly prefixCaching: boolean;
  /** Groups of layers; left out: one that keeps every token. */
  readonly groups?: readonly BlockGroup[];
  /** Most tokens of one sequence in a step, for what a window holds at the most; left out: no limit. */
  readonly stepTokens?: number;
  /** Order of eviction among cached blocks; left out: the pool's queue. */
  readonly policy?: BlockPolicy;
  readonly onBlock?: BlockListener;
  /**
   * Blocks of the pool beyond what the memory holds, for sequences whose tokens take less than their blocks say
   * (`setCredit`); left out: none.
   */
  readonly spareBlocks?: number;
}
