/**
 * llama2.c checkpoints, version 0: seven int32, then f32 tensors in a fixed order, each kind for all layers at once.
 *
 * Format: karpathy/llama2.c, `export.py` and `run.c` (MIT). RoPE turns neighbouring channels; a negative vocabulary says
 * that the classifier is a tensor of its own. The two tables of cosines and sines are skipped.
 *
 * Left out: version 1 and 2 (a magic number, a longer header, int8 groups).
 */
import type { ModelConfig } from '../config.ts';
import { checked } from '../architectures/architecture.ts';
import type { ByteSource } from '../files/byte-source.ts';
import { ModelError } from '../files/error.ts';
import { typeBytes } from './dtype.ts';
import { fileTensor, tensorSource, type SourceTensor, type TensorSource } from './tensor-source.ts';

const HEADER_BYTES = 28;
/** Begins versions 1 and 2: "ak42". */
const LATER_MAGIC = 0x616b3432;

/** No field of a sane header is above this; it also keeps every product below 2^53. */
const MOST = 2 ** 20;

function readHeader(file: ByteSource, bytes: Uint8Array): ModelConfig {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  if (view.getUint32(0, true) === LATER_MAGIC) {
    throw new ModelError(
      'unsupported',
      `${file.name} is a llama2.c file of version 1 or 2; version 0 is read.`,
    );
  }
  const field = (index: number) => view.getInt32(4 * index, true);
  const [hidden, intermediate, layers] = [field(0), field(1), field(2)];
  const [queryHeads, kvHeads, vocab, maxPositionTokens] = [field(3), field(4), field(5), field(6)];
  const all = [hidden, intermediate, layers, queryHeads, kvHeads, Math.abs(vocab), maxPositionTokens];
  if (all.some((value) => value < 1 || value > MOST) || hidden % queryHeads !== 0) {
    const words = `its header says ${all.join(', ')}`;
    throw new ModelError(
      'corrupt',
      `${file.name} is no llama2.c checkpoint: ${words}, which makes no model.`,
    );
  }
  const headDim = hidden / queryHeads;
  return checked({
    family: 'llama',
    name: file.name.replace(/\.bin$/, ''),
    layers,
    hidden,
    intermediate,
    queryHeads,
    kvHeads,
    headDim,
    vocab: Math.abs(vocab),
    maxPositionTokens,
    norm: { kind: 'rms', epsilon: 1e-5 },
    positions: { kind: 'rope', theta: 10_000, layout: 'interleaved', rotaryDim: headDim, scaling: null },
    activation: 'silu',
    gated: true,
    parallelBlock: false,
    qkNorm: false,
    biases: { qkv: false, output: false, mlp: false, head: false },
    tiedEmbeddings: vocab > 0,
    windowTokens: 0,
    // sentencepiece's <s> and </s>, which every tokenizer of llama2.c has.
    bosToken: 1,
    eosTokens: [2],
  });
}

interface Stack {
  /** The tensor's name; `#` stands for the layer. */
  readonly name: string | null;
  readonly shape: readonly number[];
}

/** The tensors in the order of the file; those without a name are skipped. */
function stacks(config: ModelConfig): Stack[] {
  const { hidden, intermediate, queryHeads, kvHeads, headDim, vocab, maxPositionTokens } = config;
  const layer = (name: string, ...shape: number[]) => ({ name: `model.layers.#.${name}.weight`, shape });
  const table = { name: null, shape: [maxPositionTokens, headDim / 2] };
  return [
    { name: 'model.embed_tokens.weight', shape: [vocab, hidden] },
    layer('input_layernorm', hidden),
    layer('self_attn.q_proj', queryHeads * headDim, hidden),
    layer('self_attn.k_proj', kvHeads * headDim, hidden),
    layer('self_attn.v_proj', kvHeads * headDim, hidden),
    layer('self_attn.o_proj', hidden, queryHeads * headDim),
    layer('post_attention_layernorm', hidden),
    layer('mlp.gate_proj', intermediate, hidden),
    layer('mlp.down_proj', hidden, intermediate),
    layer('mlp.up_proj', intermediate, hidden),
    { name: 'model.norm.weight', shape: [hidden] },
    table,
    table,
    ...(config.tiedEmbeddings ? [] : [{ name: 'lm_head.weight', shape: [vocab, hidden] }]),
  ];
}

/** @throws ModelError */
export async function openLlama2c(file: ByteSource, signal?: AbortSignal): Promise<TensorSource> {
  if (file.size !== null && file.size < HEADER_BYTES) {
    throw new ModelError(
      'corrupt',
      `${file.name} has ${file.size} bytes, too few for a llama2.c checkpoint; fetch it again, or choose another file.`,
    );
  }
  const config = readHeader(file, await file.read(0, HEADER_BYTES, signal));
  const tensors = new Map<string, SourceTensor>();
  let offset = HEADER_BYTES;
  for (const { name, shape } of stacks(config)) {
    const bytes = typeBytes(
      'F32',
      shape.reduce((product, size) => product * size, 1),
    );
    const copies = name?.includes('#') ? config.layers : 1;
    for (let layer = 0; layer < copies; layer++) {
      if (name !== null) {
        const full = name.replace('#', String(layer));
        tensors.set(full, fileTensor({ name: full, shape, dtype: 'F32', file, offset, order: offset }));
      }
      offset += bytes;
    }
  }
  if (file.size !== null && file.size !== offset) {
    const words = `its header makes ${offset} bytes and the file has ${file.size}`;
    throw new ModelError('corrupt', `${file.name} is no whole llama2.c checkpoint: ${words}.`, {
      size: file.size,
      needed: offset,
    });
  }
  return tensorSource(config, tensors);
}
