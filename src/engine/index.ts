/**
 * `kvlab/engine`: a real model on a paged KV cache, on a `GPUDevice` that the caller made.
 *
 *   files or a repository → tensors (openDetected, hubModel + openModelFolder) → loadModel → createEngine
 *   engine.submit(request)… → engine.step() until it answers null; or engine.generate(request) for one
 */
export { createEngine, type Engine, type EngineOptions } from './engine.ts';
export { DEFAULT_ENGINE_SETTINGS, GREEDY } from './defaults.ts';
export type {
  EngineHooks,
  EngineSettings,
  GenerationRequest,
  NewKeysValues,
  RequestEvent,
  Sampling,
  SeenAttention,
  StepReport,
  StepRows,
} from './engine-types.ts';
export { EngineLostError, EngineSettingsError, RequestError } from './errors.ts';
export {
  MODEL_FAMILIES,
  type ModelConfig,
  type ModelFamily,
  type Positions,
  type RopeScaling,
} from './config.ts';
export { readModelConfig } from './architectures/index.ts';
export { cacheHeadDim, type LoadedModel, type ModelWeights } from './weights-types.ts';
export { weightBytes } from './weights/layout.ts';
export { loadModel, type LoadOptions, type LoadProgress } from './weights/loader.ts';
export { openDetected, openModelFolder, type ModelFolder, type OpenedModel } from './weights/open.ts';
export { randomModel } from './weights/random.ts';
export type { SourceTensor, TensorSource } from './weights/tensor-source.ts';
export { blobSource, memorySource, type ByteSource } from './files/byte-source.ts';
export { detectModelFiles, type DetectedModel, type NamedFile } from './files/detect.ts';
export { httpFolder, type HttpFolder } from './files/http-folder.ts';
export { openHttp, type HttpOptions, type HttpSource } from './files/http-source.ts';
export { MODEL_FAULTS, ModelError, type ModelFault } from './files/error.ts';
export { hubModel, type HubModel, type HubOptions, type HubProgress } from './hub/hub.ts';
export { createTokenizer } from './tokenizer/tokenizer.ts';
export { ggufTokenizer } from './tokenizer/gguf.ts';
export { llama2cTokenizer } from './tokenizer/llama2c.ts';
export type { ChatMessage, TextStream, Tokenizer, TokenizerFiles } from './tokenizer/types.ts';
export { SHIPPED_MODEL, shippedModelUrl } from './shipped.ts';
export { adoptSequence } from './transfer/adopt.ts';
export { snapshotSequence } from './transfer/snapshot.ts';
export { exportPrefixes, importPrefixes, type ImportedPrefixes } from './transfer/prefixes.ts';
export { LiveMove, type LiveEngine } from './transfer/live.ts';
export { sequenceFeed, type FeedOptions, type SteppingEngine } from './transfer/feed.ts';
export {
  concludeReceiver,
  driveReceiver,
  driveSender,
  portPipe,
  type DriveHooks,
  type Pipe,
} from './transfer/drive.ts';
