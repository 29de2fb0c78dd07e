/** `kvlab/lab`: experiments on a GPU, for whoever brings one. Knows no page, no worker and no Node. */
export { assessRisk, availableMemory, type AvailableMemory, type MemoryFacts } from './risk.ts';
export type { AttentionResult, AttentionShape, MemoryRisk, PowerPreference, Progress } from './types.ts';
