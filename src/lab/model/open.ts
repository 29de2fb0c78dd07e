/** Opens a model on a device: weights streamed to the GPU, a tokenizer where there is one, and what its card says. */
import { ModelError } from '../../engine/files/error.ts';
import { createTokenizer } from '../../engine/tokenizer/tokenizer.ts';
import type { Tokenizer, TokenizerFiles } from '../../engine/tokenizer/types.ts';
import { loadModel, type LoadProgress } from '../../engine/weights/loader.ts';
import type { ModelFolder } from '../../engine/weights/open.ts';
import type { LoadedModel } from '../../engine/weights-types.ts';
import { adapterName } from '../../core/run/adapter-name.ts';
import type { Gpu } from '../../gpu/context.ts';
import type { LabHost } from '../host.ts';
import { availableMemory, MEDIUM_SHARE } from '../risk.ts';
import { kvBytesByFormat, parameterCount } from './facts.ts';
import { findModel } from './sources.ts';
import type { LoadWish, ModelFacts, ModelProgress, ModelSource } from './types.ts';

export interface OpenedModel {
  readonly model: LoadedModel;
  readonly tokenizer: Tokenizer | null;
  readonly facts: ModelFacts;
  /** null: the model is one file by itself. */
  readonly folder: ModelFolder | null;
}

export interface OpenHooks {
  readonly signal: AbortSignal;
  readonly onUpdate: (progress: ModelProgress) => void;
}

/** @throws ModelError; nothing is left allocated then */
export async function openModel(
  gpu: Gpu,
  host: LabHost,
  source: ModelSource,
  { weightFormat, budgetBytes }: LoadWish,
  { signal, onUpdate }: OpenHooks,
): Promise<OpenedModel> {
  const startMs = host.now();
  onUpdate({ fraction: null, message: 'Reading the model’s files' });
  const found = await findModel(source, { signal, onUpdate });
  const roomBytes = roomOf(gpu, host);
  const asText = readTokenizer(found.tokenizer);
  // Weights that fail first are the fault that is told.
  asText.catch(() => undefined);
  const model = await loadModel(gpu, found.tensors, {
    weightFormat,
    budgetBytes: Math.min(budgetBytes ?? roomBytes, roomBytes),
    signal,
    // A repository tells of its own bytes, which are those that take time.
    ...(source.kind === 'hub' ? {} : { onProgress: (progress) => onUpdate(progressOf(progress)) }),
  });
  const { tokenizer, note } = await asText;
  return {
    model,
    tokenizer,
    folder: found.folder,
    facts: {
      source: source.kind,
      config: model.config,
      parameters: parameterCount(model.config),
      weightFormat: model.weightFormat,
      weightBytes: model.weights.bytes,
      kvBytesPerToken: kvBytesByFormat(model.config),
      poolBytes: Math.max(0, Math.floor(roomBytes - model.weights.bytes)),
      speaksText: tokenizer !== null,
      speaksChat: tokenizer?.hasChat ?? false,
      adapter: adapterName(gpu.info),
      isFallback: gpu.isFallback,
      loadMs: host.now() - startMs,
      notes: note === null ? [] : [note],
    },
  };
}

/** A damaged vocabulary is no reason not to run on token ids: the card says what is wrong with it. */
async function readTokenizer(
  files: () => Promise<TokenizerFiles | null>,
): Promise<{ readonly tokenizer: Tokenizer | null; readonly note: string | null }> {
  try {
    const found = await files();
    return { tokenizer: found === null ? null : await createTokenizer(found), note: null };
  } catch (error) {
    if (!(error instanceof ModelError) || error.code === 'cancelled') throw error;
    return { tokenizer: null, note: error.message };
  }
}

function progressOf({ loadedBytes, totalBytes, tensor }: LoadProgress): ModelProgress {
  const fraction = totalBytes > 0 ? loadedBytes / totalBytes : null;
  return { fraction, message: `Loading the weights, ${tensor}` };
}

/** Bytes for weights and pool together: what the adapter is thought to hold, less what a step works with. */
function roomOf({ isFallback, limits }: Gpu, { facts }: LabHost): number {
  const { bytes } = availableMemory({
    isFallback,
    maxBufferBytes: Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize),
    hostMemoryBytes: facts.hostMemoryBytes,
    measuredBytes: null,
  });
  return Math.floor(bytes * MEDIUM_SHARE);
}
