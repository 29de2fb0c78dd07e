/** `kvlab/sim`: the discrete-event simulator of a serving engine. No DOM, no GPU, no clock. */
import '../core/all-records.ts';

export {
  runSimulation,
  runSimulationAsync,
  seedOf,
  simulationTask,
  type RunOptions,
  type RunStamp,
  type SimProgress,
  type SimRunOptions,
} from './run.ts';
export type { SimInputs } from './repetition.ts';
export type { SimObserver, ReplicaState } from './types.ts';
export type { CostBasis, CostModel } from './cost/model.ts';
export type {
  SimDistribution,
  SimPoint,
  SimRepetition,
  SimRequests,
  SimRun,
  SimSeries,
  SimSummary,
} from '../core/run/simulation.ts';
export { recordedTensorParallel, replayRecorded, RecordedError, type RecordedTexts } from './replay/index.ts';
export { profileCost, type ProfiledScenario } from './cost/table-scenario.ts';
export { profileFileNames, type ProfileFiles } from './cost/table-profile.ts';
export { ProfileError } from './cost/table-files.ts';
export {
  REPLAY_METRICS,
  REPLAY_SERIES,
  type LatencySummary,
  type ReplayLatencies,
  type ReplayMetric,
  type ReplayReport,
  type ReplaySeries,
  type ReplaySeriesName,
} from '../core/run/replay.ts';

// The parts of a cluster, for whoever drives one without a scenario's run.
export { createCluster, type ClusterParts } from './cluster.ts';
export type { Cluster as SimCluster } from './cluster.ts';
export { Link, type LinkSettings } from './link.ts';
export {
  ATTAINMENT_TARGET,
  findSaturation,
  saturationTask,
  type LoadPoint,
  type Saturation,
  type SaturationProgress,
} from './saturation.ts';

// What happens to single blocks, recorded; and the accesses that follow from it.
export { recordBlocks, recordingTask, type Recording, type RecordingOptions } from './record.ts';
export { accessLogOf } from './recorder-accesses.ts';
export type { BlockHistory } from './recorder-history.ts';
export { HistoryReader, type BlockEvent, type RequestPhase } from './recorder-reader.ts';
export { requestSpans, type RequestSpan } from './recorder-timeline.ts';

// Cost models, for whoever asks how long one step takes.
export { CostFileMissingError, createCostModel, type CostInputs } from './cost/index.ts';
