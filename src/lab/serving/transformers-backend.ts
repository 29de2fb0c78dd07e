/**
 * The comparison: @huggingface/transformers on a model's ONNX files, WebGPU where there is one, else WASM.
 *
 * Boundary: one prompt at a time through the library's own `generate`, as a page that uses it would run it. Its cache is
 * its own: a new tensor for each layer at every step. Left out: batching, which its `generate` does with padding only.
 */
import type { BaseStreamer, PreTrainedModel, Tensor, TextStreamer } from '@huggingface/transformers';
import { ModelError, throwIfCancelled } from '../../engine/files/error.ts';
import {
  lendFolder,
  loadTransformers,
  type TransformersLibrary,
} from '../../engine/tokenizer/transformers.ts';
import type { ModelFolder } from '../../engine/weights/open.ts';
import type { BackendProgress, GenerationBackend, GenerationOptions, GenerationTiming } from './backend.ts';
import { chooseOnnxFile, type OnnxFile } from './transformers-files.ts';

export interface TransformersBackendOptions {
  /** A repository of a hub (engine/hub) or a folder, with `config.json` and `onnx/model*.onnx`. */
  readonly folder: ModelFolder;
  /** auto: WebGPU where an adapter answers, else WASM. */
  readonly device: 'auto' | 'webgpu' | 'wasm';
  /** Milliseconds; left out: the runtime's clock. */
  readonly now?: () => number;
}

const LIBRARY = '@huggingface/transformers';
const DEVICE_NAMES = { webgpu: 'WebGPU', wasm: 'WASM' } as const;
type Device = keyof typeof DEVICE_NAMES;

interface Loaded {
  readonly library: TransformersLibrary;
  readonly model: PreTrainedModel;
  readonly device: Device;
  readonly file: OnnxFile;
}

export function createTransformersBackend(options: TransformersBackendOptions): GenerationBackend {
  return new TransformersBackend(options);
}

class TransformersBackend implements GenerationBackend {
  readonly #options: TransformersBackendOptions;
  readonly #now: () => number;
  #loaded: Loaded | null = null;
  #kvBytes: number | null = null;
  #busy = false;

  constructor(options: TransformersBackendOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  get name(): string {
    if (!this.#loaded) return LIBRARY;
    const { library, device, file } = this.#loaded;
    return `${LIBRARY} ${library.env.version} (${DEVICE_NAMES[device]}, ${file.dtype})`;
  }

  get kvBytes(): number | null {
    return this.#kvBytes;
  }

  async load(onProgress?: (progress: BackendProgress) => void, signal?: AbortSignal): Promise<void> {
    if (this.#loaded) return;
    const { folder, device: wanted } = this.#options;
    const library = await loadTransformers();
    throwIfCancelled(signal);
    const device = await deviceFor(wanted);
    const file = await chooseOnnxFile(folder, device);
    const tell = (loadedBytes: number): void =>
      onProgress?.({
        text: `Loading ${folder.name} into ${LIBRARY}, ${DEVICE_NAMES[device]}`,
        loadedBytes: Math.min(loadedBytes, file.bytes),
        totalBytes: file.bytes,
      });
    tell(0);
    const model = await openModel(library, counted(folder, file, tell, signal), device, file, signal);
    this.#loaded = { library, model, device, file };
    try {
      // The first call compiles; whoever measures should not measure that.
      await this.generate([0], 2, undefined, { ignoreEnd: true, ...(signal ? { signal } : {}) });
    } catch (error) {
      await this.dispose();
      throw error;
    }
    this.#kvBytes = null;
  }

  async generate(
    promptIds: readonly number[],
    maxTokens: number,
    onToken?: (token: number, atMs: number) => void,
    options: GenerationOptions = {},
  ): Promise<GenerationTiming> {
    const loaded = this.#loaded;
    if (!loaded) throw new ModelError('missing', `${LIBRARY} has no model yet; load it first.`);
    if (this.#busy)
      throw new ModelError('unsupported', `${LIBRARY} runs one prompt at a time; wait for the other.`);
    checkRequest(loaded.model, promptIds, maxTokens);
    throwIfCancelled(options.signal);
    this.#busy = true;
    try {
      return await this.#run(loaded, promptIds, maxTokens, onToken, options);
    } catch (cause) {
      throw inOneSentence('stopped', cause);
    } finally {
      this.#busy = false;
    }
  }

  async #run(
    { library, model }: Loaded,
    promptIds: readonly number[],
    maxTokens: number,
    onToken: ((token: number, atMs: number) => void) | undefined,
    { signal, ignoreEnd }: GenerationOptions,
  ): Promise<GenerationTiming> {
    const tokens: number[] = [];
    const tokenTimesMs: number[] = [];
    const stopper = new library.InterruptableStoppingCriteria();
    const stop = (): void => stopper.interrupt();
    signal?.addEventListener('abort', stop, { once: true });
    const shape = [1, promptIds.length];
    const inputs = new library.Tensor('int64', BigInt64Array.from(promptIds, BigInt), shape);
    const mask = new library.Tensor('int64', new BigInt64Array(promptIds.length).fill(1n), shape);
    const startMs = this.#now();
    const streamer = listener(library, (token) => {
      const atMs = this.#now() - startMs;
      tokens.push(token);
      tokenTimesMs.push(atMs);
      onToken?.(token, atMs);
    });
    try {
      const answer: unknown = await model.generate({
        inputs,
        attention_mask: mask,
        max_new_tokens: maxTokens,
        do_sample: false,
        num_beams: 1,
        repetition_penalty: 1,
        return_dict_in_generate: true,
        streamer,
        stopping_criteria: [stopper],
        ...(ignoreEnd === true ? { eos_token_id: [] } : {}),
      });
      this.#kvBytes = await weighAndFree(answer);
    } finally {
      signal?.removeEventListener('abort', stop);
      inputs.dispose();
      mask.dispose();
    }
    throwIfCancelled(signal);
    return { ttftMs: tokenTimesMs[0] ?? 0, tokenTimesMs, tokens };
  }

  async dispose(): Promise<void> {
    const loaded = this.#loaded;
    this.#loaded = null;
    this.#kvBytes = null;
    await loaded?.model.dispose();
  }
}

async function deviceFor(wanted: TransformersBackendOptions['device']): Promise<Device> {
  if (wanted !== 'auto') return wanted;
  const gpu = typeof navigator === 'undefined' ? undefined : navigator.gpu;
  return (await gpu?.requestAdapter().catch(() => null)) ? 'webgpu' : 'wasm';
}

async function openModel(
  library: TransformersLibrary,
  folder: ModelFolder,
  device: Device,
  file: OnnxFile,
  signal: AbortSignal | undefined,
): Promise<PreTrainedModel> {
  const loan = lendFolder(folder);
  try {
    const model = await library.AutoModelForCausalLM.from_pretrained(loan.id, {
      device,
      dtype: file.dtype,
      use_external_data_format: file.numDataFiles,
    });
    if (!signal?.aborted) return model;
    await model.dispose();
    throwIfCancelled(signal);
    return model;
  } catch (cause) {
    throwIfCancelled(signal);
    throw inOneSentence(`can't run ${folder.name} on ${DEVICE_NAMES[device]}`, cause);
  } finally {
    loan.giveBack();
  }
}

/** The folder, with every byte of its ONNX file told and every read cancelled with the signal. */
function counted(
  folder: ModelFolder,
  { names }: OnnxFile,
  tell: (loadedBytes: number) => void,
  signal: AbortSignal | undefined,
): ModelFolder {
  let loaded = 0;
  return {
    name: folder.name,
    async file(name) {
      const source = await folder.file(name);
      if (!source) return null;
      return {
        name: source.name,
        size: source.size,
        async read(offset, length, own) {
          const bytes = await source.read(offset, length, own ?? signal);
          if (names.includes(name)) tell((loaded += length));
          return bytes;
        },
      };
    },
  };
}

/** The first call brings the prompt, each later one a token. */
function listener(library: TransformersLibrary, onToken: (token: number) => void): TextStreamer {
  class Listener extends library.BaseStreamer {
    #prompt = true;
    override put(value: bigint[][]): void {
      const token = value[0]?.at(-1);
      if (this.#prompt) this.#prompt = false;
      else if (token !== undefined) onToken(Number(token));
    }
    override end(): void {}
  }
  // The declarations ask for its writer of text; what is called are the two methods of the base.
  return new Listener() as BaseStreamer as TextStreamer;
}

const BYTES_OF: Readonly<Record<string, number>> = { float32: 4, float16: 2, int8: 1, uint8: 1 };

/** Bytes of the cache that a call left, which are then given back: the library would keep them on the GPU. */
async function weighAndFree(answer: unknown): Promise<number | null> {
  const cache =
    typeof answer === 'object' && answer !== null && 'past_key_values' in answer
      ? answer.past_key_values
      : null;
  if (typeof cache !== 'object' || cache === null) return null;
  const tensors = Object.values(cache).filter((value): value is Tensor => isTensor(value));
  const bytes = tensors.reduce(
    (sum, { dims, type }) => sum + dims.reduce((product, size) => product * size, BYTES_OF[type] ?? NaN),
    0,
  );
  if ('dispose' in cache && typeof cache.dispose === 'function') await cache.dispose();
  return Number.isFinite(bytes) && tensors.length > 0 ? bytes : null;
}

function isTensor(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'dims' in value && 'type' in value;
}

function checkRequest(model: PreTrainedModel, promptIds: readonly number[], maxTokens: number): void {
  const config: unknown = model.config;
  const most = settingOf(config, 'max_position_embeddings') ?? Infinity;
  const vocab = settingOf(config, 'vocab_size') ?? Infinity;
  const total = promptIds.length + maxTokens;
  if (promptIds.length < 1 || !Number.isInteger(maxTokens) || maxTokens < 1) {
    throw new ModelError(
      'unsupported',
      `A request needs a prompt and tokens to make; it has ${promptIds.length} and ${maxTokens}.`,
    );
  }
  if (total > most) {
    throw new ModelError('too-large', `Prompt and output have ${total} tokens; this model takes ${most}.`, {
      total,
      most,
    });
  }
  const wrong = promptIds.find((id) => !Number.isInteger(id) || id < 0 || id >= vocab);
  if (wrong !== undefined)
    throw new ModelError('values', `${wrong} is no token of this model, which has ${vocab}.`);
}

function settingOf(config: unknown, name: string): number | null {
  if (typeof config !== 'object' || config === null) return null;
  const value: unknown = Reflect.get(config, name);
  return typeof value === 'number' ? value : null;
}

function inOneSentence(what: string, cause: unknown): ModelError {
  if (cause instanceof ModelError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  const reason = text
    .replace(/\s+/g, ' ')
    .replace(/[.!]+$/, '')
    .slice(0, 400);
  const code = /device (was |is )?lost/i.test(reason) ? 'device-lost' : 'unsupported';
  return new ModelError(code, `${LIBRARY} ${what} (${reason}).`);
}
