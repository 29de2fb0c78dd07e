/** What vLLM's scheduler is made of. */
import type { BlockManager } from '../kv/block-manager.ts';
import type { KvConnector } from './connector.ts';
import type { Sequences } from './sequences.ts';

/** Limits that are moved while the scheduler runs, asked in each step: they stand in place of the config's own. */
export interface LiveLimits {
  readonly tokenBudget: number;
  readonly maxSequences: number;
  /** Most chunks of one step, whatever the limits become. */
  readonly maxChunks: number;
  /** Whether a waiting request may start now; an empty batch takes one in any case. */
  readonly admits: () => boolean;
}

export interface VllmConfig {
  readonly manager: BlockManager;
  readonly sequences: Sequences;
  /** Tokens of one step. */
  readonly tokenBudget: number;
  readonly maxSequences: number;
  /** Most prompt tokens of one request in a step; 0: no limit. */
  readonly longPrefillTokens: number;
  readonly priorities: 'fcfs' | 'priority';
  /** Blocks that admission leaves free. */
  readonly watermarkBlocks: number;
  /** Admit a prompt only when blocks for all of it are free. */
  readonly reserveFullPrompt: boolean;
  /** Plan a step before the one before it is completed. Left out: one after the other. */
  readonly ahead?: boolean | undefined;
  /** Left out: the limits stay as they are. */
  readonly limits?: LiveLimits | undefined;
  /** KV outside of the pool: lower tiers, another replica, swapped sequences. */
  readonly connector?: KvConnector | undefined;
}
