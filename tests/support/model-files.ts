/** Writes small model files: safetensors, sharded or not, and GGUF; for tests of their readers. */
import type { ModelConfig } from '../../src/engine/config.ts';
import { memorySource } from '../../src/engine/files/byte-source.ts';
import type { ModelFolder } from '../../src/engine/weights/open.ts';
import type { TensorSource } from '../../src/engine/weights/tensor-source.ts';

export interface FileTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Everything of a source as it stores it. */
export async function tensorsOf(source: TensorSource): Promise<FileTensor[]> {
  const tensors: FileTensor[] = [];
  for (const name of source.names()) {
    const { dtype, shape, readBytes } = source.tensor(name);
    tensors.push({ name, dtype, shape, bytes: await readBytes(0, shape[0] ?? 0) });
  }
  return tensors;
}

export function f32Tensor(name: string, shape: readonly number[], values: ArrayLike<number>): FileTensor {
  return { name, dtype: 'F32', shape, bytes: new Uint8Array(Float32Array.from(values).buffer) };
}

/** A safetensors file with the header given, or the right one. */
export function safetensorsFile(tensors: readonly FileTensor[], header?: string): Uint8Array {
  let at = 0;
  const entries = tensors.map(({ name, dtype, shape, bytes }) => {
    const begin = at;
    at += bytes.byteLength;
    return [name, { dtype, shape, data_offsets: [begin, at] }] as const;
  });
  const text = header ?? JSON.stringify({ __metadata__: { format: 'pt' }, ...Object.fromEntries(entries) });
  const head = new TextEncoder().encode(text);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(head.byteLength), true);
  return joined([length, head, ...tensors.map(({ bytes }) => bytes)]);
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.byteLength;
  }
  return out;
}

/** A folder of files in memory; texts and bytes by name. */
export function memoryFolder(
  files: Readonly<Record<string, string | Uint8Array>>,
  name = 'folder',
): ModelFolder {
  return {
    name,
    file: async (path) => {
      const content = Object.hasOwn(files, path) ? files[path] : undefined;
      if (content === undefined) return null;
      return memorySource(path, typeof content === 'string' ? new TextEncoder().encode(content) : content);
    },
  };
}

/** A config.json of Llama's shape. */
export function llamaConfigJson(config: ModelConfig, more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    model_type: config.family,
    hidden_size: config.hidden,
    intermediate_size: config.intermediate,
    num_hidden_layers: config.layers,
    num_attention_heads: config.queryHeads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    vocab_size: config.vocab,
    max_position_embeddings: config.maxPositionTokens,
    rms_norm_eps: config.norm.epsilon,
    tie_word_embeddings: config.tiedEmbeddings,
    bos_token_id: config.bosToken,
    eos_token_id: [...config.eosTokens],
    ...more,
  });
}

export type GgufValue =
  | { readonly kind: 'u32'; readonly value: number }
  | { readonly kind: 'f32'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'texts'; readonly value: readonly string[] };

const GGUF_TYPES: Readonly<Record<string, number>> = {
  F32: 0,
  F16: 1,
  Q4_0: 2,
  Q4_1: 3,
  Q8_0: 8,
  Q4_K: 12,
  Q6_K: 14,
  BF16: 30,
};

const GGUF_KINDS = { u32: 4, f32: 6, text: 8, texts: 9 } as const;

/** A GGUF file, version 3. */
export function ggufFile(
  facts: Readonly<Record<string, GgufValue>>,
  tensors: readonly FileTensor[],
  alignment = 32,
): Uint8Array {
  const parts: Uint8Array[] = [];
  const word = (bytes: number, write: (view: DataView) => void) => {
    const part = new Uint8Array(bytes);
    write(new DataView(part.buffer));
    parts.push(part);
  };
  const u32 = (value: number) => word(4, (view) => view.setUint32(0, value, true));
  const u64 = (value: number) => word(8, (view) => view.setBigUint64(0, BigInt(value), true));
  const text = (value: string) => {
    const bytes = new TextEncoder().encode(value);
    u64(bytes.byteLength);
    parts.push(bytes);
  };
  u32(0x46554747);
  u32(3);
  u64(tensors.length);
  u64(Object.keys(facts).length);
  for (const [key, fact] of Object.entries(facts)) {
    text(key);
    u32(GGUF_KINDS[fact.kind]);
    if (fact.kind === 'text') text(fact.value);
    else if (fact.kind === 'texts') {
      u32(GGUF_KINDS.text);
      u64(fact.value.length);
      fact.value.forEach(text);
    } else if (fact.kind === 'u32') u32(fact.value);
    else word(4, (view) => view.setFloat32(0, fact.value, true));
  }
  const padded = (bytes: number) => Math.ceil(bytes / alignment) * alignment;
  let at = 0;
  for (const { name, dtype, shape, bytes } of tensors) {
    text(name);
    u32(shape.length);
    for (const size of [...shape].reverse()) u64(size);
    u32(GGUF_TYPES[dtype] ?? 0);
    u64(at);
    at += padded(bytes.byteLength);
  }
  const head = joined(parts);
  const data = tensors.map(({ bytes }) =>
    joined([bytes, new Uint8Array(padded(bytes.byteLength) - bytes.byteLength)]),
  );
  return joined([head, new Uint8Array(padded(head.byteLength) - head.byteLength), ...data]);
}

/** A generator of whole numbers below a bound, for mutations; the same for the same seed. */
export function mutated(bytes: Uint8Array, below: (bound: number) => number): Uint8Array {
  const copy = bytes.slice();
  const kinds: (() => Uint8Array)[] = [
    () => copy.subarray(0, below(copy.byteLength + 1)),
    () => {
      for (let i = 0; i < 1 + below(8); i++) copy[below(copy.byteLength)] = below(256);
      return copy;
    },
    () => {
      // The header decides most, so it is hit more often than its share.
      for (let i = 0; i < 1 + below(4); i++) copy[below(Math.min(400, copy.byteLength))] = below(256);
      return copy;
    },
    () => {
      const [from, to] = [below(copy.byteLength), below(copy.byteLength)];
      return joined([copy.subarray(0, Math.max(from, to)), copy.subarray(Math.min(from, to))]);
    },
  ];
  return kinds[below(kinds.length)]?.() ?? copy;
}
