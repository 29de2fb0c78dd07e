/**
 * safetensors: an 8-byte length, a JSON header that says where each tensor lies, and the tensors.
 *
 * Format: github.com/huggingface/safetensors, README (Apache-2.0). The header is believed only as far as the file bears
 * it out: every tensor inside, as many bytes as its shape needs, no two overlapping, none left over.
 *
 * Left out: element types that no weight of these models has (integers, fp8); such tensors may be there, unused.
 */
import * as v from 'valibot';
import { isJsonObject } from '../../core/json.ts';
import { readText, type ByteSource } from '../files/byte-source.ts';
import { ModelError, quoted } from '../files/error.ts';
import { fitting, parseJsonFile } from '../files/json-file.ts';
import type { TensorType } from './dtype.ts';
import { fileTensor, unreadableTensor, type SourceTensor } from './tensor-source.ts';

/** The reference implementation's limit is 100 MB; a header of 4,000 tensors has half a megabyte. */
const MAX_HEADER_BYTES = 32 * 2 ** 20;

const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
const Entry = v.object({
  dtype: v.pipe(v.string(), v.maxLength(32)),
  shape: v.pipe(v.array(count), v.maxLength(8)),
  data_offsets: v.tuple([count, count]),
});
type Entry = v.InferOutput<typeof Entry>;

const WIDTHS: Readonly<Record<string, number>> = {
  ...{
    F64: 8,
    F32: 4,
    F16: 2,
    BF16: 2,
    I64: 8,
    I32: 4,
    I16: 2,
    I8: 1,
    U64: 8,
    U32: 4,
    U16: 2,
    U8: 1,
    BOOL: 1,
  },
  ...{ F8_E4M3: 1, F8_E5M2: 1 },
};

function isWeightType(dtype: string): dtype is Extract<TensorType, 'F32' | 'F16' | 'BF16'> {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
}

/** What a header says, checked against the file. */
interface Placed {
  readonly name: string;
  readonly entry: Entry;
}

function corrupt(file: ByteSource, what: string, data = {}): ModelError {
  return new ModelError('corrupt', `${file.name} is damaged: ${what}; fetch it again.`, data);
}

async function readHeader(
  file: ByteSource,
  size: number,
  signal?: AbortSignal,
): Promise<{ text: string; begin: number }> {
  if (size < 8) throw corrupt(file, `it has ${size} bytes, and a safetensors file begins with 8`);
  const prefix = await file.read(0, 8, signal);
  const claimed = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (claimed > BigInt(size - 8)) {
    throw corrupt(file, `its header claims ${claimed} bytes and the file has ${size}`, { size });
  }
  if (claimed > BigInt(MAX_HEADER_BYTES)) {
    throw corrupt(file, `its header claims ${claimed} bytes; the most that is read is ${MAX_HEADER_BYTES}`);
  }
  const bytes = Number(claimed);
  const header: ByteSource = {
    name: `The header of ${file.name}`,
    size: bytes,
    read: (offset, length) => file.read(8 + offset, length, signal),
  };
  return { text: await readText(header, MAX_HEADER_BYTES, signal), begin: 8 + bytes };
}

function checkEntry(file: ByteSource, { name, entry }: Placed, dataBytes: number): void {
  const { dtype, shape, data_offsets } = entry;
  const [from, to] = data_offsets;
  if (to < from || to > dataBytes) {
    throw corrupt(
      file,
      `tensor ${quoted(name)} lies at bytes ${from} to ${to} of ${dataBytes}, outside the file`,
    );
  }
  const width = Object.hasOwn(WIDTHS, dtype) ? WIDTHS[dtype] : undefined;
  if (width === undefined) return;
  const needed = shape.reduce((product, part) => product * part, width);
  if (needed !== to - from) {
    const form = `[${shape.join(', ')}] of ${dtype}`;
    throw corrupt(file, `tensor ${quoted(name)} is ${form}, which is ${needed} bytes, but has ${to - from}`);
  }
}

function checkCover(file: ByteSource, tensors: readonly Placed[], dataBytes: number): void {
  const ordered = [...tensors].sort((a, b) => a.entry.data_offsets[0] - b.entry.data_offsets[0]);
  let end = 0;
  let last = '';
  for (const { name, entry } of ordered) {
    const [from, to] = entry.data_offsets;
    if (from < end) throw corrupt(file, `tensors ${quoted(last)} and ${quoted(name)} overlap`);
    if (from > end) throw corrupt(file, `${from - end} bytes before tensor ${quoted(name)} belong to none`);
    [end, last] = [to, name];
  }
  if (end !== dataBytes) throw corrupt(file, `${dataBytes - end} bytes at its end belong to no tensor`);
}

/**
 * The tensors of one file.
 * @param firstOrder added to each tensor's place, so that the shards of a model follow one another
 * @throws ModelError
 */
export async function readSafetensors(
  file: ByteSource,
  firstOrder: number,
  signal?: AbortSignal,
): Promise<Map<string, SourceTensor>> {
  const { size } = file;
  if (size === null) throw new ModelError('corrupt', `${file.name} does not say how long it is.`);
  const { text, begin } = await readHeader(file, size, signal);
  const header = parseJsonFile(`The header of ${file.name}`, text);
  if (!isJsonObject(header)) throw corrupt(file, 'its header is no object');
  const placed = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, value]) => ({ name, entry: fitting(`${file.name}, tensor ${quoted(name)}`, Entry, value) }));
  for (const tensor of placed) checkEntry(file, tensor, size - begin);
  checkCover(file, placed, size - begin);
  const tensors = new Map<string, SourceTensor>();
  for (const { name, entry } of placed) {
    const { dtype, shape } = entry;
    const offset = begin + entry.data_offsets[0];
    const order = firstOrder + offset;
    tensors.set(
      name,
      isWeightType(dtype)
        ? fileTensor({ name, shape, dtype, file, offset, order })
        : unreadable(file, name, shape, dtype),
    );
  }
  return tensors;
}

function unreadable(file: ByteSource, name: string, shape: readonly number[], dtype: string): SourceTensor {
  const refusal = new ModelError(
    'unsupported',
    `${file.name}: tensor ${quoted(name)} is stored as ${quoted(dtype)}; weights in F32, F16 or BF16 are read.`,
    { tensor: name },
  );
  return unreadableTensor(name, shape, 0, refusal);
}

const Index = v.object({ weight_map: v.record(v.string(), v.pipe(v.string(), v.maxLength(256))) });

/** Which shard each tensor is in. @throws ModelError */
export function readShardIndex(name: string, json: unknown): ReadonlyMap<string, string> {
  const { weight_map: map } = fitting(name, Index, json);
  for (const shard of Object.values(map)) {
    if (!/^[\w.-]+\.safetensors$/.test(shard)) {
      throw new ModelError(
        'corrupt',
        `${name} names the shard ${quoted(shard)}, which is no file beside it.`,
      );
    }
  }
  return new Map(Object.entries(map));
}

/** The tensors of all shards that an index names. @throws ModelError */
export async function readShards(
  index: ReadonlyMap<string, string>,
  open: (shard: string) => Promise<ByteSource>,
  signal?: AbortSignal,
): Promise<Map<string, SourceTensor>> {
  const shards = [...new Set(index.values())].sort();
  const tensors = new Map<string, SourceTensor>();
  let order = 0;
  for (const shard of shards) {
    const file = await open(shard);
    const found = await readSafetensors(file, order, signal);
    for (const [name, tensor] of found) {
      if (index.get(name) === shard) tensors.set(name, tensor);
    }
    order += file.size ?? 0;
  }
  for (const [name, shard] of index) {
    if (tensors.has(name)) continue;
    throw new ModelError('missing', `${shard} has no tensor ${quoted(name)}, which the index says it has.`, {
      tensor: name,
    });
  }
  return tensors;
}
