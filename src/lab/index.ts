/** `kvlab/lab`: experiments on a GPU, for whoever brings one. Knows no page, no worker and no Node. */
export { measureAttention, type AttentionOptions } from './attention.ts';
export { volatileTuningMemory, type TuningMemory } from './autotune.ts';
export { runCheck, type CheckOptions } from './check.ts';
export { describeAdapter, describeEnvironment, type DescribedAdapter } from './environment.ts';
export {
  DeviceLostError,
  MemoryRiskError,
  NoAdapterError,
  UnsupportedError,
  WrongResultError,
} from './errors.ts';
export type { HostFacts, LabHost } from './host.ts';
export { WishError } from './model/errors.ts';
export { ModelSession, type TaskHooks } from './model/session.ts';
export type {
  CacheWish,
  GeneratedSequence,
  GenerationResult,
  GenerationUpdate,
  GenerationWish,
  LoadWish,
  ModelFacts,
  ModelFile,
  ModelProgress,
  ModelSource,
  Prompt,
  SequenceCache,
  StreamedToken,
} from './model/types.ts';
export { planMemory, type MemoryPlan } from './memory-plan.ts';
export { assessRisk, availableMemory, type AvailableMemory, type MemoryFacts } from './risk.ts';
export { runQuality, type QualityOptions } from './quality/run.ts';
export { runServing, type ServingOptions } from './serving/run.ts';
export type { RunOptions } from './run-options.ts';
export { runScenario } from './runner.ts';
export type { AttentionResult, AttentionShape, MemoryRisk, PowerPreference, Progress } from './types.ts';
export { SHIPPED_MODEL } from '../engine/shipped.ts';
