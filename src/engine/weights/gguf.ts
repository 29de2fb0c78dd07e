/** A GGUF file as a model: F32, F16, BF16 and the blocks Q8_0, Q4_0, Q4_1 and Q6_K. */
import type { ByteSource } from '../files/byte-source.ts';
import { ModelError, quoted } from '../files/error.ts';
import { ggufConfig, huggingFaceName } from './gguf-config.ts';
import { readGgufHeader, type GgufMetadata, type GgufTensor } from './gguf-header.ts';
import {
  fileTensor,
  tensorSource,
  unreadableTensor,
  type SourceTensor,
  type TensorSource,
} from './tensor-source.ts';

export interface GgufModel {
  readonly tensors: TensorSource;
  /** All of the header's facts, the vocabulary (`tokenizer.ggml.*`) among them. */
  readonly metadata: GgufMetadata;
}

/** Divisors of RoPE's frequencies, where a file has some. */
const ROPE_FACTORS = 'rope_freqs.weight';

/** @throws ModelError */
export async function openGguf(file: ByteSource, signal?: AbortSignal): Promise<GgufModel> {
  const header = await readGgufHeader(file, signal);
  const tensors = new Map<string, SourceTensor>();
  for (const place of header.tensors) tensors.set(huggingFaceName(place.name), sourceOf(file, place));
  const factors = tensors.get(ROPE_FACTORS);
  const config = ggufConfig(
    header,
    file.name.replace(/\.gguf$/i, ''),
    factors ? await factors.readRows(0, factors.shape[0] ?? 0, signal) : null,
  );
  return { tensors: tensorSource(config, tensors), metadata: header.metadata };
}

function sourceOf(file: ByteSource, { name, shape, dtype, typeName, offset }: GgufTensor): SourceTensor {
  if (dtype) return fileTensor({ name, shape, dtype, file, offset, order: offset });
  const refusal = new ModelError(
    'unsupported',
    `${file.name}: tensor ${quoted(name)} is stored as ${typeName}, which is not read here; take the file in Q8_0, Q4_0 or F16.`,
    { tensor: name },
  );
  return unreadableTensor(name, shape, offset, refusal);
}
