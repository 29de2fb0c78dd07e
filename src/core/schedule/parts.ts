/** What every scheduler is made of: one set of parts, so that any of them can stand in a replica. */
import type { Random } from '../random.ts';
import type { VllmConfig } from './vllm-config.ts';

export interface SpeculationSettings {
  /** Tokens that the draft proposes in a step. */
  readonly draftTokens: number;
  /** Probability that one proposed token is accepted. */
  readonly acceptance: number;
}

export interface SchedulerParts extends VllmConfig {
  /** Longest prompt + output that the engine admits: what systems that reserve the maximum set aside for a request. */
  readonly maxTokens: number;
  /** Longest that a request waits for a full batch where batches are collected; left out: not at all. */
  readonly batchWaitMs?: number;
  readonly speculation: SpeculationSettings | null;
  /** Draws accepted tokens; used with speculation only. */
  readonly random: Random;
}
