/**
 * From where a model lies to its tensors and its vocabulary: the page's own folder, files of a person, or the hub.
 *
 * Boundary: fetching and telling. Which file is what is engine/files/detect.ts, what they mean engine/weights and
 * engine/tokenizer.
 */
import { memorySource, readText, type ByteSource } from '../../engine/files/byte-source.ts';
import { detectModelFiles, type DetectedModel } from '../../engine/files/detect.ts';
import { ModelError } from '../../engine/files/error.ts';
import { hubModel } from '../../engine/hub/hub.ts';
import { SHIPPED_MODEL } from '../../engine/shipped.ts';
import { ggufTokenizer } from '../../engine/tokenizer/gguf.ts';
import { llama2cTokenizer } from '../../engine/tokenizer/llama2c.ts';
import type { TokenizerFiles } from '../../engine/tokenizer/types.ts';
import { openDetected, openModelFolder, type ModelFolder } from '../../engine/weights/open.ts';
import type { TensorSource } from '../../engine/weights/tensor-source.ts';
import type { ModelFile, ModelProgress, ModelSource } from './types.ts';

export interface FoundModel {
  readonly tensors: TensorSource;
  /** Its vocabulary, read when it is asked for; null where the model came without one. @throws ModelError */
  readonly tokenizer: () => Promise<TokenizerFiles | null>;
  /** null: the model is one file by itself. */
  readonly folder: ModelFolder | null;
}

export interface FindHooks {
  readonly signal: AbortSignal;
  readonly onUpdate: (progress: ModelProgress) => void;
}

const TOKENIZER_BYTES = 64 * 2 ** 20;
const [TOKENIZER, TOKENIZER_CONFIG, TEMPLATE] = [
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
] as const;

/** @throws ModelError */
export function findModel(source: ModelSource, hooks: FindHooks): Promise<FoundModel> {
  switch (source.kind) {
    case 'shipped':
      return openFolder(pageFolder(source.base, hooks.signal), hooks.signal);
    case 'files':
      return openFiles(source.files, hooks.signal);
    case 'hub':
      return openRepository(source, hooks);
    default:
      return source satisfies never;
  }
}

async function openFolder(folder: ModelFolder, signal: AbortSignal): Promise<FoundModel> {
  const tensors = await openModelFolder(folder, signal);
  return { tensors, folder, tokenizer: () => tokenizerOf(folder, signal) };
}

async function openFiles(files: readonly ModelFile[], signal: AbortSignal): Promise<FoundModel> {
  const detected = await detectModelFiles(files);
  const { tensors, metadata } = await openDetected(detected, signal);
  return {
    tensors,
    folder: detected.kind === 'safetensors' ? detected.folder : null,
    tokenizer: async () =>
      (metadata === null ? null : ggufTokenizer(metadata)) ??
      (await vocabularyOf(detected, tensors.config.vocab, signal)) ??
      (await tokenizerOf(detected.folder, signal)),
  };
}

/** The vocabulary that llama2.c keeps in a file of its own. */
async function vocabularyOf(
  detected: DetectedModel,
  vocab: number,
  signal: AbortSignal,
): Promise<TokenizerFiles | null> {
  if (detected.kind !== 'llama2c' || detected.vocabulary === null) return null;
  const { vocabulary } = detected;
  return llama2cTokenizer(await vocabulary.read(0, vocabulary.size ?? 0, signal), vocab);
}

async function openRepository(
  { repository, revision, token }: Extract<ModelSource, { kind: 'hub' }>,
  { signal, onUpdate }: FindHooks,
): Promise<FoundModel> {
  const folder = await hubModel(repository, {
    revision,
    signal,
    ...(token === null ? {} : { token }),
    onProgress: ({ loadedBytes, totalBytes, file, from }) =>
      onUpdate({
        fraction: totalBytes > 0 ? loadedBytes / totalBytes : null,
        message: from === 'hub' ? `Fetching ${file}` : `Reading ${file}, kept in this browser`,
      }),
  });
  const tensors = await openModelFolder(folder, signal);
  return { tensors, folder, tokenizer: () => folder.tokenizerFiles() };
}

/** The texts of a tokenizer in a folder; null without tokenizer.json. */
async function tokenizerOf(
  folder: Pick<ModelFolder, 'file'>,
  signal: AbortSignal,
): Promise<TokenizerFiles | null> {
  const text = async (name: string): Promise<string | null> => {
    const file = await folder.file(name);
    return file === null ? null : readText(file, TOKENIZER_BYTES, signal);
  };
  const tokenizerJson = await text(TOKENIZER);
  if (tokenizerJson === null) return null;
  const [config, template] = [await text(TOKENIZER_CONFIG), await text(TEMPLATE)];
  return {
    tokenizerJson,
    ...(config === null ? {} : { tokenizerConfig: config }),
    ...(template === null ? {} : { chatTemplate: template }),
  };
}

/** The shipped model's folder below the page's own: small files, fetched whole and once. */
function pageFolder(base: string, signal: AbortSignal): ModelFolder {
  const known: readonly string[] = SHIPPED_MODEL.files;
  const fetched = new Map<string, Promise<ByteSource>>();
  return {
    name: SHIPPED_MODEL.id,
    file: async (name) => {
      if (!known.includes(name)) return null;
      const file = fetched.get(name) ?? fetchFile(base, name, signal);
      fetched.set(name, file);
      return file;
    },
  };
}

async function fetchFile(base: string, name: string, signal: AbortSignal): Promise<ByteSource> {
  const response = await fetch(new URL(SHIPPED_MODEL.folder + name, base), { signal }).catch(() => null);
  if (signal.aborted) throw new ModelError('cancelled', 'Loading the model was cancelled.');
  // Some hosts answer a missing file with their own page.
  if (!response?.ok || (response.headers.get('content-type') ?? '').includes('html')) {
    throw new ModelError(
      'network',
      `${name} of the model that ships with the page could not be fetched; go online once, or reload the page.`,
    );
  }
  return memorySource(name, await response.arrayBuffer());
}
