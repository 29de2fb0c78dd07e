/**
 * How an engine lays out KV: the blocks of its pool, what a block takes, and what it sets aside beside the pool.
 *
 *   vLLM          layers that keep alike form groups over one pool (core/kv/hybrid.ts)
 *   SGLang        windows have a pool of their own with 0.8 slots for each of the full one's (swa_full_tokens_ratio); states
 *                 take 0.9 / 1.9 of the memory (mamba_full_memory_ratio)              server_args.py, model_runner.py
 *   TensorRT-LLM  every layer keeps every token unless max_attention_window is set   KvCacheConfig
 *   llama.cpp     windows hold window · sequences + 512 tokens in steps of 256, states one a sequence, from the start;
 *                 q8_0 and q4_0 where the formats here say int8 and int4             src/llama-kv-cache-iswa.cpp
 *
 * Where sequences share one pool of whole tokens (all but vLLM), that pool is one group of layers that keep every token.
 */
import type { KvGroups } from '../../core/kv/hybrid.ts';
import { kvGroups } from '../../core/kv/hybrid.ts';
import { mixerBytesPerToken, mixerStateBytes, type ServedKvFormat } from '../../core/kv/layers.ts';
import type { Architecture, LayerKind, Mixer } from '../../core/model/architecture.ts';
import type { PlanChoice } from '../../core/run/plan.ts';
import type { PlanEngineName } from '../../core/scenario/plan/schema.ts';
import { UBATCH } from './terms.ts';

export interface KvStore {
  readonly groups: KvGroups;
  /** Bytes of one pool block over all layers of one rank of a whole pipeline. */
  readonly blockBytes: number;
  /** Set aside beside the pool, over all layers of one rank. */
  readonly fixedBytes: number;
  /** Share of the KV memory that is set aside instead of a number of bytes. */
  readonly fixedShare: number;
  /** That a token adds over all layers of one rank while nothing has slid out of a window. */
  readonly perToken: number;
}

type Layers = Pick<Architecture, 'kinds'>;

/** Slots of SGLang's pool of windows for each slot of the full one. */
const SGLANG_WINDOW_SLOTS = 0.8;
/** Memory of states over memory of tokens in SGLang. */
const SGLANG_STATES = 0.9;
/** Bits of an element of ggml's q8_0 and q4_0: 34 and 18 B for 32 values. */
const GGML_BITS: Partial<Record<ServedKvFormat, number>> = { int8: 8.5, int4: 4.5 };

function windowOf(mixer: Mixer): number | null {
  if (mixer.kind === 'sliding') return mixer.windowTokens;
  return mixer.kind === 'chunked' ? mixer.chunkTokens : null;
}

function bytesPerToken(mixer: Mixer, { engine, kvFormat, tensorParallel }: PlanChoice): number {
  const bits = engine === 'llama.cpp' ? GGML_BITS[kvFormat] : undefined;
  if (bits === undefined) return mixerBytesPerToken(mixer, kvFormat, tensorParallel);
  return (mixerBytesPerToken(mixer, 'bf16', tensorParallel) * bits) / 16;
}

function sumOver({ kinds }: Layers, bytes: (kind: LayerKind) => number): number {
  return kinds.reduce((sum, kind) => sum + kind.layers * bytes(kind), 0);
}

/** Of a token, in the layers that forget. Where all of them do, engines with a pool of tokens keep every token of each. */
function slidingBytes(model: Layers, choice: PlanChoice): number {
  return sumOver(model, ({ mixer }) => (windowOf(mixer) === null ? 0 : bytesPerToken(mixer, choice)));
}

/** One pool of whole tokens. */
function tokenPool(model: Layers, choice: PlanChoice, bytesOfToken: number): KvGroups {
  const { blockSize } = choice;
  const full: Mixer =
    model.kinds.find(({ mixer }) => mixer.kind === 'full' || mixer.kind === 'latent')?.mixer ??
    ({ kind: 'full', queryHeads: 1, kvHeads: 1, keyDim: 1, valueDim: 1 } as const);
  const layers = model.kinds.reduce((sum, kind) => sum + kind.layers, 0);
  const blockBytes = bytesOfToken * blockSize;
  return {
    groups: bytesOfToken === 0 ? [] : [{ mixer: full, layers, blockSize }],
    groupSize: layers,
    pageBytes: blockBytes / layers,
    blockBytes,
  };
}

type Layout = (model: Layers, choice: PlanChoice, perToken: number) => Omit<KvStore, 'perToken'>;

/** Windows are not known where KV goes to a connector: offloaded, or sent to GPUs that decode. */
const vllm: Layout = (model, choice) => {
  const { kvFormat, tensorParallel, blockSize, offloadGB, disaggregated } = choice;
  const everyToken = offloadGB > 0 || disaggregated !== null;
  const groups = kvGroups(model, { format: kvFormat, tensorParallel, everyToken }, blockSize);
  return { groups, blockBytes: groups.blockBytes, fixedBytes: 0, fixedShare: 0 };
};

const sglang: Layout = (model, choice, perToken) => {
  const slides = slidingBytes(model, choice);
  const states = sumOver(model, ({ mixer }) => mixerStateBytes(mixer, choice.tensorParallel));
  const bytes = slides === perToken ? perToken : perToken - slides * (1 - SGLANG_WINDOW_SLOTS);
  const groups = tokenPool(model, choice, bytes);
  const fixedShare = states > 0 ? SGLANG_STATES / (1 + SGLANG_STATES) : 0;
  return { groups, blockBytes: groups.blockBytes, fixedBytes: 0, fixedShare };
};

const tensorrt: Layout = (model, choice, perToken) => {
  const groups = tokenPool(model, choice, perToken);
  const states = sumOver(model, ({ mixer }) => mixerStateBytes(mixer, choice.tensorParallel));
  const fixedBytes = states * choice.maxSequences;
  return { groups, blockBytes: groups.blockBytes, fixedBytes, fixedShare: 0 };
};

/** Cells of llama.cpp's caches come in steps of 256. */
function padded(cells: number): number {
  return Math.ceil(cells / 256) * 256;
}

const llamaCpp: Layout = (model, choice, perToken) => {
  const { maxSequences, maxModelTokens, tensorParallel } = choice;
  const most = maxSequences * maxModelTokens;
  const slides = slidingBytes(model, choice);
  const all = slides === perToken;
  const fixedBytes = sumOver(model, ({ mixer }) => {
    const window = windowOf(mixer);
    if (window === null) return maxSequences * mixerStateBytes(mixer, tensorParallel);
    return all ? 0 : bytesPerToken(mixer, choice) * Math.min(most, padded(window * maxSequences + UBATCH));
  });
  const groups = tokenPool(model, choice, all ? perToken : perToken - slides);
  return { groups, blockBytes: groups.blockBytes, fixedBytes, fixedShare: 0 };
};

const LAYOUTS: Record<PlanEngineName, Layout> = {
  vllm,
  sglang,
  'tensorrt-llm': tensorrt,
  'llama.cpp': llamaCpp,
};

export function kvStore(model: Layers, choice: PlanChoice): KvStore {
  const perToken = sumOver(model, ({ mixer }) => bytesPerToken(mixer, choice));
  return { ...LAYOUTS[choice.engine](model, choice, perToken), perToken };
}
