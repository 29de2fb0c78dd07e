/** What a replica holds at one moment; whoever drives a scheduler can say it. */
export interface PoolState {
  readonly numRunning: number;
  readonly numWaiting: number;
  readonly numBlocks: number;
  /** Blocks that a sequence refers to. */
  readonly numActiveBlocks: number;
  /** Free blocks whose contents can still be found. */
  readonly numCachedBlocks: number;
  /** Blocks that nobody refers to, cached ones included. */
  readonly numFreeBlocks: number;
  /** Slots of active blocks that hold no token. */
  readonly numWastedSlots: number;
}
