/** Memory of a deployment: waterfall, verdict, KV tokens. */
export { capacityOf, kvTokensOf, type Capacity } from './capacity.ts';
export { defaultUtilization } from './defaults.ts';
export { memoryFits } from './fit.ts';
export { overheadsOf, ENGINE_OVERHEADS, versionAtLeast, type EngineOverheads } from './overheads.ts';
export { planMemory } from './plan-memory.ts';
export { pagedWaste, reservedWaste } from './waste.ts';
