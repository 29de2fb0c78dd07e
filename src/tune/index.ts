/** `kvlab/tune`: the search for the best settings, and who measures them. Knows no page, no worker and no Node. */
import '../core/all-records.ts';

export { InfeasibleError, type Measurement, type TuneExecutor } from './executor.ts';
export {
  createEndpointExecutor,
  thereAlready,
  type RunningServer,
  type TunedServer,
} from './executors/endpoint.ts';
export { createEngineExecutor, type EngineExecutorOptions, type OtherWeights } from './executors/engine.ts';
export { createKernelsExecutor } from './executors/kernels.ts';
export { createSimulatorExecutor } from './executors/simulator.ts';
export { simulationOf } from '../core/scenario/tune/simulation.ts';
export { tuneOnGpu, type GpuTuning } from './on-gpu.ts';
export { OtherTuningError } from './record.ts';
export { blocksOf, costOf, planRungs, representativeOrder, type Block, type Rung } from './rungs.ts';
export type { TuneOptions, TuneProgress, TuneStamp } from './options.ts';
export { tune, TuneError } from './search.ts';
