/** Settings of an engine for whoever has no wish of his own: a paged f32 cache for some short sequences. */
import type { EngineSettings, Sampling } from './engine-types.ts';

export const DEFAULT_ENGINE_SETTINGS: EngineSettings = {
  kvFormat: 'f32',
  blockSize: 16,
  numBlocks: 256,
  maxSequences: 8,
  tokenBudget: 512,
  longPrefillTokens: 0,
  maxContextTokens: 512,
  prefixCaching: true,
  layout: 'paged',
  tier: 'auto',
  eviction: { policy: 'none', budgetTokens: 0 },
  residualTokens: 32,
  offload: 'none',
  hostBytes: 0,
  shuffleSeed: 0,
};

/** The most probable token each time. */
export const GREEDY: Sampling = { temperature: 0, topP: 1, topK: 0, seed: 0 };
