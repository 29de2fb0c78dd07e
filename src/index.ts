/**
 * `kvlab`: scenarios, the KV cache and metrics as pure functions. No DOM, no GPU, no clock.
 *
 * The other entries: `kvlab/gpu` (kernels on a GPUDevice), `kvlab/charts` (figures as data and SVG), `kvlab/lab`
 * (experiments).
 */

import './core/all-records.ts';

// Scenarios: the only input.
export { DEFAULT_SCENARIO } from './core/scenario/defaults.ts';
export { DEFAULT_SIMULATION } from './core/scenario/simulate/defaults.ts';
export {
  parseAnyScenario,
  parsePlan,
  parseQuality,
  parseTuning,
  parseScenario,
  parseServing,
  parseSimulation,
  validateScenario,
  validateSimulation,
  type ParsedAnyScenario,
  type ParsedScenario,
  type ParsedSimulation,
} from './core/scenario/parse.ts';
export type { AnyScenario, ScenarioKind } from './core/scenario/kinds.ts';
export { DEFAULT_TUNING } from './core/scenario/tune/defaults.ts';
export { EXECUTOR_AXES, type ExecutorAxes } from './core/scenario/tune/axes.ts';
export {
  NAMED_PROFILES,
  PROFILE_ABOUT,
  PROFILES,
  recommendProfile,
  type Circumstances,
  type Profile,
  type Recommendation,
} from './core/scenario/tune/profiles.ts';
export { resolveTuning, type Tuning } from './core/scenario/tune/resolved.ts';
export {
  TUNE_AXES,
  TUNE_EXECUTORS,
  type TuneAxis,
  type TuneExecutorName,
  type TuneScenario,
  type TuneSettings,
  type TuneSpace,
} from './core/scenario/tune/schema.ts';
export { candidatesOf, settingsLabel, spaceSize, type TuneCandidate } from './core/scenario/tune/space.ts';
export type { TuneMetrics, TuneRow, TuneRun } from './core/run/tune.ts';
export { chanceWords, TUNE_METRICS } from './core/metrics/tune/definitions.ts';
export { bestPlanOf, settingsFor } from './core/metrics/tune/best-plan.ts';
export { parseBestPlan, type BestPlan, type Fallback } from './core/run/best-plan.ts';
export { APPLY_TARGETS, applyPlan, type Applied, type ApplyTarget } from './exchange/tune/apply.ts';
export { tuneReportHtml, tuneReportMarkdown } from './exchange/tune/report.ts';
export { tuneRowsToCsv, tuneSamplesToCsv } from './exchange/tune/csv.ts';
export { DEFAULT_PLAN } from './core/scenario/plan/defaults.ts';
export { PLAN_ENGINES, PLAN_GOALS, type PlanScenario } from './core/scenario/plan/schema.ts';
export type { ServeScenario } from './core/scenario/serve/schema.ts';
export type { SimScenario } from './core/scenario/simulate/schema.ts';
export {
  anyPresetScenario,
  findPreset,
  LAB_PRESETS,
  PRESETS,
  presetPlan,
  PLAN_PRESETS,
  presetQuality,
  presetTuning,
  presetScenario,
  presetServing,
  presetSimulation,
  QUALITY_PRESETS,
  SERVE_PRESETS,
  TUNE_PRESETS,
  SIM_PRESETS,
  type Preset,
} from './core/scenario/presets.ts';
export { applyAssignments } from './core/scenario/set.ts';
export { decodeLink, encodeCheckLink, encodeScenarioLink, type Link } from './core/scenario/link.ts';
export { expandSweep, type SweepPoint } from './core/scenario/sweep.ts';
export { reduceForSoftware, type Reduced } from './core/scenario/reduce.ts';
export { estimateSeconds, workOf, type Rates, type Work } from './core/scenario/work.ts';
export { parseAttentionShape, type ParsedAttentionShape } from './core/scenario/attention-shape.ts';
export {
  BLOCK_SIZES,
  EVICTION_POLICIES,
  HEAD_DIMS,
  SCENARIO_VERSION,
  TIERS,
  type EngineSettings,
  type EvictionPolicyName,
  type HeadDim,
  type ModelShape,
  type RequestGroup,
  type Scenario,
  type SweepAxis,
  type Tier,
  type WorkloadSettings,
} from './core/scenario/schema.ts';

// Runs: the only output.
export { parseRun, type ParsedRun } from './core/run/parse.ts';
export {
  RUN_VERSION,
  type CheckMeasurement,
  type CheckRun,
  type Environment,
  type LabRun,
  type MemorySample,
  type Origin,
  type Point,
  type Repetition,
  type RequestRow,
  type Run,
  type StepSample,
} from './core/run/schema.ts';
export { checkToCsv, pointsToCsv, requestsToCsv, runToJson } from './exchange/run-files.ts';

// Reports, and rules that a run is held to.
export { reportHtml, reportMarkdown, type ReportPart } from './exchange/report/parts.ts';
export {
  runReport,
  runReportHtml,
  runReportMarkdown,
  type ReportOptions,
  type RunReport,
} from './exchange/report/run-report.ts';
export {
  judge,
  judgeObjectives,
  parseRule,
  parseRules,
  sampledRun,
  type Judgement,
  type ObjectiveVerdict,
  type Rule,
  type RuleResult,
  type SampledRun,
} from './core/metrics/regression/index.ts';

// The KV cache: formats, encodings, bytes.
export {
  KV_FORMATS,
  kvBytesPerTokenPerLayer,
  kvLayout,
  type KvFormat,
  type KvLayout,
  type KvShape,
  type RegionLayout,
} from './core/kv/formats.ts';
export { decodeRow, encodeKeyGroup, encodeRow, type KvPart } from './core/kv/encode.ts';
export { quantizationError, type QuantizationError } from './core/kv/error.ts';
export { BlockPool, type Allocation, type BlockId, type BlockMove, type PoolFull } from './core/kv/pool.ts';
export { BlockTable, type Appended } from './core/kv/block-table.ts';
export { applyCompaction, planCompaction, planWaves, type MoveWaves } from './core/kv/compaction.ts';
export { ContiguousReservation, type ReservationId, type Reserved } from './core/kv/contiguous.ts';
export { pagedUsage, type KvUsage } from './core/kv/usage.ts';
export { residualFlush, residualTokens, ringWords, type ResidualTokens } from './core/kv/kivi.ts';

// Metrics: each defined once.
export {
  describeMetric,
  METRIC_IDS,
  METRICS,
  type MetricDefinition,
  type MetricId,
} from './core/metrics/definitions.ts';
export { mean, median, percentileLinear, percentileNearestRank } from './core/metrics/percentiles.ts';
export { bootstrapInterval, quantileInterval, type Interval } from './core/metrics/intervals.ts';
export {
  summarizePoint,
  summarizeRun,
  type Distribution,
  type Estimate,
  type PointSummary,
  type RunSummary,
} from './core/metrics/summarize.ts';
export { compareRuns, type Comparison } from './core/metrics/compare.ts';
export { detectDrift, type Drift } from './core/metrics/drift.ts';
export { createRandom, type Random } from './core/random.ts';

// Models and hardware, each record with its source.
export { findModel, MODELS, modelShape, type ModelRecord } from './core/model/records.ts';
export {
  deviceOfCheck,
  modelFit,
  type DeviceMemory,
  type FitOptions,
  type ModelFit,
} from './core/model/fit.ts';

// Caches of blocks: eviction policies, replays of recorded traces.
export {
  BLOCK_POLICIES,
  BLOCK_POLICY_NAMES,
  recomputeCost,
  REPLAY_POLICY_NAMES,
  replayColumns,
  replayPolicy,
  type AccessColumns,
  type BlockFacts,
  type BlockKey,
  type BlockPolicy,
  type BlockPolicyName,
  type CacheReplay,
  type ReplayPolicyName,
} from './core/eviction/blocks/index.ts';
export { infinitePrefixReuse, prefixReuse, type PrefixReuse } from './core/workload/traces/reuse.ts';
export { SizedTraceReader, type SizedTrace } from './core/workload/traces/sized.ts';
export { readTrace, TraceReader } from './core/workload/traces/read.ts';
export {
  piecesOf,
  readLines,
  readTraceStream,
  type LineReader,
  type StreamOptions,
  type StreamProgress,
} from './core/workload/traces/stream.ts';
export { detectTrace, TRACE_FORMATS, type TraceFormat } from './core/workload/traces/detect.ts';
export { generateRequests } from './core/workload/generate.ts';
export { requestTable, type RequestTable } from './core/schedule/requests.ts';
export { TraceError, type Trace, type TraceRequest } from './core/workload/traces/trace.ts';

// Pools and prefix caches as a library.
export { KVPool } from './core/kv/kv-pool.ts';
export {
  KV_DTYPES,
  KV_TIERS,
  type KVBlockCopy,
  type KVDtype,
  type KVHandle,
  type KVHandleId,
  type KVHandleLayout,
  type KVPoolEvents,
  type KVPoolOptions,
  type KVPoolShape,
  type KVPoolStats,
  type KVRequest,
  type KVTier,
  type KVTierStats,
} from './core/kv/kv-pool-types.ts';
export {
  KVDoubleFreeError,
  KVError,
  KVNotCachedError,
  KVNoVictimError,
  KVPinnedError,
  KVPoolFullError,
  KVReferencedError,
  KVReferenceUnderflowError,
  KVTierError,
  KVUnknownHandleError,
  type KVShortage,
} from './core/kv/kv-pool-errors.ts';
export { type EventOf, type Listener } from './core/kv/events.ts';
export { PrefixCache } from './core/kv/prefix-cache.ts';
export type {
  Inserted,
  PrefixCacheEvents,
  PrefixCacheOptions,
  PrefixCacheStats,
  PrefixHit,
} from './core/kv/prefix-cache-types.ts';
export { chainedBlockHashes, type BlockHash, type HashExtra } from './core/kv/block-hash.ts';
export { RadixTree } from './core/kv/radix-tree.ts';
export type { RadixNode } from './core/kv/radix-node.ts';
export { RADIX_POLICY_NAMES, type RadixPolicyName } from './core/kv/radix-policies.ts';
export type {
  RadixEvicted,
  RadixMatch,
  RadixOptions,
  RadixTreeEvents,
  RadixTreeOptions,
} from './core/kv/radix-types.ts';

// Simulated runs, and their metrics over seeds.
export type {
  SimDistribution,
  SimPoint,
  SimRepetition,
  SimRequests,
  SimRun,
  SimSeries,
  SimSummary,
} from './core/run/simulation.ts';
export { simPointsToCsv, simRequestsToCsv, simSeriesToCsv } from './exchange/sim-files.ts';
export { overSeeds, type OverSeeds } from './core/metrics/serving/seeds.ts';

// Eviction inside a sequence: a policy names what it keeps.
export { POLICIES as SEQUENCE_POLICIES } from './core/eviction/policies.ts';
export type {
  EvictionPolicy,
  EvictionSignal,
  KeepInput,
  ProtectedTokens,
  SequencePolicyName,
} from './core/eviction/policy.ts';
export { keyDiffScores } from './core/eviction/keydiff.ts';
export {
  expectedAttentionScores,
  queryStatistics,
  rotateStatistics,
  type ExpectedAttentionInput,
  type QueryStatistics,
} from './core/eviction/expected-attention.ts';
export { pyramidKvBudgets, type PyramidInput } from './core/eviction/pyramidkv.ts';

// Access profiles: from a log of block accesses to heat map, reuse distances and miss-ratio curves.
export {
  ACCESS_DEFINITIONS,
  ACCESS_PROFILE_TYPES,
  accessProfile,
  accessSummary,
  type AccessProfile,
  type AccessProfileType,
  type AccessSummary,
} from './core/metrics/accesses.ts';
export { demoAccessLog } from './core/metrics/accesses-demo.ts';
export {
  heatMap,
  hitRateOverTime,
  type AccessHeatMap,
  type HitRateOverTime,
} from './core/metrics/accesses-heatmap.ts';
export {
  AccessLogError,
  AccessLogReader,
  AccessRecorder,
  type AccessLog,
} from './core/metrics/accesses-log.ts';
export {
  missRatioCurves,
  missRatioTask,
  type MissRatioCurve,
  type MissRatioCurves,
  type MissRatioOptions,
  type MissRatioProgress,
} from './core/metrics/accesses-missratio.ts';
export {
  lruHitsBySize,
  reuseDistances,
  reuseHistogram,
  type ReuseBin,
  type ReuseHistogram,
} from './core/metrics/accesses-reuse.ts';
export {
  comparePoints,
  QUANTITIES,
  type PairedComparison,
  type Quantity,
} from './core/metrics/serving/compare.ts';
export { SERVING_METRICS } from './core/metrics/definitions.ts';

// Scheduling: the schedulers by name, and what can be said about them in closed form.
export {
  PAGED_SCHEDULERS,
  SCHEDULERS,
  type SchedulerFactory,
  type SchedulerParts,
} from './core/schedule/index.ts';
export type { Scheduler, StepOutcome, StepPlan } from './core/schedule/scheduler.ts';
export { linearTokens, type StepWork } from './core/schedule/work.ts';
export { Sequences } from './core/schedule/sequences.ts';
export type { KvConnector } from './core/schedule/connector.ts';
export { chunkedPrefillReads, continuousBatching, staticBatching } from './core/schedule/batching.ts';
export { cacheAwareRoute, dynamoLogit } from './core/schedule/routing.ts';
export { bestDraftTokens, expectedTokens, speculativeSpeedup } from './core/schedule/speculation.ts';
export {
  erlangC,
  meanWaitKingman,
  meanWaitMG1,
  ttftMD1,
  ttftParallel,
  type ErlangC,
} from './core/metrics/queueing.ts';
export {
  breakEvenBandwidth,
  loadOrRecompute,
  offloadVerdict,
  recomputeOrSwap,
  type LoadChoice,
  type OffloadVerdict,
} from './core/kv/load-or-recompute.ts';

// What a model's layers keep, what its weights take, and the KV blocks that a replica's memory leaves.
export {
  ARCHITECTURES,
  architectureNames,
  architectureOf,
  findArchitecture,
  layerCount,
  type Architecture,
  type LayerKind,
  type Mixer,
  type Perceptron,
} from './core/model/architecture.ts';
export {
  architectureParams,
  architectureWeightBytes,
  expectedDistinctExperts,
  type ArchitectureParams,
  type ServedWeightFormat,
} from './core/model/parameters.ts';
export {
  keptTokens,
  kindSequenceBytes,
  modelBytesPerToken,
  sequenceKvBytes,
  type KvSharding,
  type ServedKvFormat,
} from './core/kv/layers.ts';
export { kvGroups, sequenceBlocks, type KvGroup, type KvGroups } from './core/kv/hybrid.ts';
export { memoryBudget, type MemoryBudget, type ReplicaMemory } from './core/kv/budget.ts';
export {
  replicaBudget,
  type BudgetRefusal,
  type BudgetScenario,
  type ReplicaBudget,
} from './core/kv/replica-budget.ts';
export { findGpu, GPUS, usableMemoryBytes, type GpuRecord } from './core/hardware/records.ts';

// Serving runs: a real model under load, measured beside predicted.
export {
  errorPercent,
  PREDICTED_METRICS,
  PREDICTION_BARS,
  servedPoint,
  type MetricPair,
  type PredictedMetric,
  type ServedPoint,
} from './core/metrics/serving/predicted.ts';
export {
  servedRepetition,
  shapeOf as serveShapeOf,
  type ServedShape,
} from './core/metrics/serving/served.ts';
export type { ServeFirstToken, ServeFit, ServePoint, ServeRecord, ServeRun } from './core/run/serve.ts';
export { servePointsToCsv, serveRequestsToCsv, serveStepsToCsv } from './exchange/serve-files.ts';

// The quality of a model with a smaller cache: scenario, run, statistics, files.
export type { QualityScenario } from './core/scenario/quality/schema.ts';
export { cellLabel, cellsOf, isEmulated, type QualityCell } from './core/scenario/quality/cells.ts';
export type { QualityPoint, QualityRun } from './core/run/quality.ts';
export {
  QUALITY_IDS,
  QUALITY_METRICS,
  type QualityDefinition,
  type QualityId,
} from './core/metrics/quality/definitions.ts';
export {
  summarizeQuality,
  type QualityEstimate,
  type QualitySummary,
} from './core/metrics/quality/summarize.ts';
export { qualityRows, type QualityRow } from './core/metrics/quality/rows.ts';
export { qualityTrends, type Trend, type TrendVerdict } from './core/metrics/quality/trends.ts';
export { qualityPointsToCsv, qualitySamplesToCsv } from './exchange/quality-files.ts';

// Plans as settings of the engines.
export {
  RENDER_TARGETS,
  renderSettings,
  TARGET_LABELS,
  type RenderOptions,
  type RenderTarget,
  type Settings,
  type SettingsLanguage,
} from './exchange/plan/settings.ts';

// Results of other tools' benchmarks, in one set of definitions.
export { readResults, RESULT_TOOLS } from './exchange/results/read.ts';
export type { MeasuredDistribution, MeasuredResult, MeasuringTool } from './core/run/measured.ts';
export { BENCHMARK_TOOLS, benchmarkCommand, type BenchmarkTool } from './exchange/plan/benchmark.ts';
export {
  PLAN_FILES,
  planToHtml,
  planToJson,
  planToMarkdown,
  planToYaml,
  readYaml,
} from './exchange/plan/files.ts';

// Exchange: what other tools wrote, and runs as their files.
export {
  fileKind,
  importedRun,
  importResults,
  traceSentence,
  type FileKind,
  type ImportStamp,
} from './exchange/read/read-import.ts';
export { testedSentence, TOOL_SOURCES, type ToolSource } from './exchange/read/sources.ts';
export type { ImportedRun } from './core/run/imported.ts';
export { definitionSentence, type FigureDefinition } from './core/run/measured.ts';
export { factsOf } from './exchange/facts/of-run.ts';
export type { RunFact } from './exchange/facts/fact.ts';
export {
  EXPORT_FORMATS,
  EXPORT_LABELS,
  exportRun,
  formatsOf,
  type ExportFile,
  type ExportFormat,
} from './exchange/write/formats.ts';

export { autopilotPlansToCsv, autopilotSeriesToCsv } from './exchange/autopilot/csv.ts';
export * from './core/transfer/index.ts';
