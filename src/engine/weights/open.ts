/** From a model's files to its tensors, whatever their format. */
import { readModelConfig } from '../architectures/index.ts';
import type { ByteSource } from '../files/byte-source.ts';
import type { DetectedModel } from '../files/detect.ts';
import { ModelError } from '../files/error.ts';
import { readJsonFile } from '../files/json-file.ts';
import { openGguf } from './gguf.ts';
import type { GgufMetadata } from './gguf-header.ts';
import { openLlama2c } from './llama2c.ts';
import { readSafetensors, readShardIndex, readShards } from './safetensors.ts';
import { tensorSource, type TensorSource } from './tensor-source.ts';

/** A folder, on disk, dropped on the page, or a repository of a hub. */
export interface ModelFolder {
  /** For people. */
  readonly name: string;
  /** A file by its name in the folder; null where there is none. */
  file(name: string): Promise<ByteSource | null>;
}

export const CONFIG_FILE = 'config.json';
export const GENERATION_FILE = 'generation_config.json';
export const WEIGHTS_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';

/** A folder as Hugging Face lays it out. @throws ModelError */
export async function openModelFolder(folder: ModelFolder, signal?: AbortSignal): Promise<TensorSource> {
  const configFile = await needed(folder, CONFIG_FILE);
  const generation = await folder.file(GENERATION_FILE);
  const config = readModelConfig(
    await readJsonFile(configFile, signal),
    folder.name,
    generation ? await readJsonFile(generation, signal) : null,
  );
  const index = await folder.file(INDEX_FILE);
  if (!index) {
    return tensorSource(config, await readSafetensors(await needed(folder, WEIGHTS_FILE), 0, signal));
  }
  const shards = readShardIndex(INDEX_FILE, await readJsonFile(index, signal));
  return tensorSource(config, await readShards(shards, (shard) => needed(folder, shard), signal));
}

export interface OpenedModel {
  readonly tensors: TensorSource;
  /** The facts of a GGUF file, its vocabulary among them; null for the others. */
  readonly metadata: GgufMetadata | null;
}

/** The tensors of files that were dropped or chosen. @throws ModelError */
export async function openDetected(model: DetectedModel, signal?: AbortSignal): Promise<OpenedModel> {
  switch (model.kind) {
    case 'safetensors':
      return { tensors: await openModelFolder(model.folder, signal), metadata: null };
    case 'gguf':
      return openGguf(model.file, signal);
    case 'llama2c':
      return { tensors: await openLlama2c(model.file, signal), metadata: null };
    default:
      return model satisfies never;
  }
}

async function needed(folder: ModelFolder, name: string): Promise<ByteSource> {
  const file = await folder.file(name);
  if (file) return file;
  throw new ModelError('missing', `${folder.name} has no ${name}, which a model needs.`, { file: name });
}
