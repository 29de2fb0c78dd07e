/** What the GPU service loads when something is measured. */
export { reduceForSoftware } from '../core/scenario/reduce.ts';
export { openGpu } from '../gpu/context.ts';
export { assessRisk, availableMemory, measureAttention, runCheck, runScenario } from '../lab/index.ts';
