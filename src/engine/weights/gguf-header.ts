/**
 * The header of a GGUF file: metadata and where each tensor lies.
 *
 * Format: github.com/ggml-org/ggml, docs/gguf.md (MIT), versions 2 and 3, little endian. Every count and offset is held
 * against the file's size before anything is made of it.
 */
import type { ByteSource } from '../files/byte-source.ts';
import { ModelError, quoted } from '../files/error.ts';
import { typeBytes, TYPE_BLOCKS, type TensorType } from './dtype.ts';
import { rowValues } from './tensor-source.ts';

export interface GgufTensor {
  readonly name: string;
  /** Outermost first, as everywhere here; the file has them innermost first. */
  readonly shape: readonly number[];
  /** null where its blocks are of a kind that is not read. */
  readonly dtype: TensorType | null;
  /** The kind's name, or its number. */
  readonly typeName: string;
  /** First byte in the file. */
  readonly offset: number;
}

/** Numbers, texts, booleans, and lists of them (of numbers as typed arrays or lists). */
export type GgufMetadata = ReadonlyMap<string, unknown>;

export interface GgufHeader {
  readonly metadata: GgufMetadata;
  readonly tensors: readonly GgufTensor[];
}

const MAGIC = 0x46554747;
const MAX_HEADER_BYTES = 128 * 2 ** 20;
const FIRST_READ = 2 ** 20;
const MAX_TENSORS = 100_000;
const MAX_NESTING = 4;

/** ggml's number of each kind of element (ggml.h, enum ggml_type). */
const TYPES: readonly (readonly [number, string])[] = [
  ...([
    [0, 'F32'],
    [1, 'F16'],
    [2, 'Q4_0'],
    [3, 'Q4_1'],
    [6, 'Q5_0'],
    [7, 'Q5_1'],
    [8, 'Q8_0'],
  ] as const),
  ...([
    [9, 'Q8_1'],
    [10, 'Q2_K'],
    [11, 'Q3_K'],
    [12, 'Q4_K'],
    [13, 'Q5_K'],
    [14, 'Q6_K'],
    [15, 'Q8_K'],
  ] as const),
  ...([
    [16, 'IQ2_XXS'],
    [17, 'IQ2_XS'],
    [18, 'IQ3_XXS'],
    [19, 'IQ1_S'],
    [20, 'IQ4_NL'],
    [21, 'IQ3_S'],
  ] as const),
  ...([
    [22, 'IQ2_S'],
    [23, 'IQ4_XS'],
    [29, 'IQ1_M'],
    [30, 'BF16'],
    [34, 'TQ1_0'],
    [35, 'TQ2_0'],
    [39, 'MXFP4'],
  ] as const),
];
const TYPE_NAMES: ReadonlyMap<number, string> = new Map(TYPES);

function readable(name: string | undefined): name is TensorType {
  return name !== undefined && Object.hasOwn(TYPE_BLOCKS, name);
}

/** The part of the header that has been read ends before the header does. */
class NeedsMore extends Error {}

/** Reads values one after another, never past the bytes it was given. */
class Cursor {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #fail: (what: string) => ModelError;
  readonly #fileBytes: number;
  #at = 0;

  constructor(bytes: Uint8Array, fileBytes: number, fail: (what: string) => ModelError) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#fileBytes = fileBytes;
    this.#fail = fail;
  }

  get at(): number {
    return this.#at;
  }

  /** Moves past `length` bytes. @returns where they begin */
  #take(length: number): number {
    const begin = this.#at;
    if (begin + length > this.#fileBytes) {
      throw this.#fail(`its header needs byte ${begin + length} and the file has ${this.#fileBytes}`);
    }
    if (begin + length > this.#bytes.byteLength) throw new NeedsMore();
    this.#at += length;
    return begin;
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** @throws ModelError above 2^53, which no count or offset of a file reaches */
  u64(): number {
    const value = this.#view.getBigUint64(this.#take(8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.#fail(`its header claims ${value} of something`);
    return Number(value);
  }

  text(): string {
    const length = this.u64();
    const begin = this.#take(length);
    return new TextDecoder().decode(this.#bytes.subarray(begin, begin + length));
  }

  value(type: number, depth = 0): unknown {
    if (type === TEXT) return this.text();
    if (type === LIST) return this.#list(depth);
    const scalar = SCALARS.get(type);
    if (!scalar) throw this.#fail(`its header has a value of the unknown kind ${type}`);
    return scalar.read(this.#view, this.#take(scalar.bytes));
  }

  #list(depth: number): unknown[] {
    if (depth >= MAX_NESTING) throw this.#fail('its header has lists in lists in lists');
    const [type, count] = [this.u32(), this.u64()];
    const least = SCALARS.get(type)?.bytes ?? 8;
    if (count * least > this.#fileBytes - this.#at) {
      throw this.#fail(
        `its header claims a list of ${count} values and the file has ${this.#fileBytes} bytes`,
      );
    }
    const values: unknown[] = [];
    for (let i = 0; i < count; i++) values.push(this.value(type, depth + 1));
    return values;
  }
}

const TEXT = 8;
const LIST = 9;
interface Scalar {
  readonly bytes: number;
  readonly read: (view: DataView, at: number) => number | boolean;
}
const SCALARS: ReadonlyMap<number, Scalar> = new Map<number, Scalar>([
  [0, { bytes: 1, read: (view, at) => view.getUint8(at) }],
  [1, { bytes: 1, read: (view, at) => view.getInt8(at) }],
  [2, { bytes: 2, read: (view, at) => view.getUint16(at, true) }],
  [3, { bytes: 2, read: (view, at) => view.getInt16(at, true) }],
  [4, { bytes: 4, read: (view, at) => view.getUint32(at, true) }],
  [5, { bytes: 4, read: (view, at) => view.getInt32(at, true) }],
  [6, { bytes: 4, read: (view, at) => view.getFloat32(at, true) }],
  [7, { bytes: 1, read: (view, at) => view.getUint8(at) !== 0 }],
  [10, { bytes: 8, read: (view, at) => Number(view.getBigUint64(at, true)) }],
  [11, { bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) }],
  [12, { bytes: 8, read: (view, at) => view.getFloat64(at, true) }],
]);

/** @throws ModelError */
export async function readGgufHeader(file: ByteSource, signal?: AbortSignal): Promise<GgufHeader> {
  const { name, size } = file;
  const fail = (what: string) => new ModelError('corrupt', `${name} is damaged: ${what}; fetch it again.`);
  if (size === null) throw new ModelError('corrupt', `${name} does not say how long it is.`);
  // How long a header is only its end tells, so more of the file is read until it is whole.
  for (let bytes = FIRST_READ; ; bytes *= 4) {
    const length = Math.min(bytes, size, MAX_HEADER_BYTES);
    const cursor = new Cursor(await file.read(0, length, signal), size, fail);
    try {
      return parse(cursor, name, size, fail);
    } catch (error) {
      if (!(error instanceof NeedsMore)) throw error;
      if (length === MAX_HEADER_BYTES) throw fail(`its header is longer than ${MAX_HEADER_BYTES} bytes`);
    }
  }
}

function parse(cursor: Cursor, name: string, size: number, fail: (what: string) => ModelError): GgufHeader {
  if (cursor.u32() !== MAGIC) throw new ModelError('corrupt', `${name} is no GGUF file.`);
  const version = cursor.u32();
  if (version !== 2 && version !== 3) {
    throw new ModelError('unsupported', `${name} is GGUF of version ${version}; 2 and 3 are read.`);
  }
  const [tensorCount, pairCount] = [cursor.u64(), cursor.u64()];
  if (Math.max(tensorCount, pairCount) > MAX_TENSORS) {
    throw fail(
      `its header claims ${tensorCount} tensors and ${pairCount} facts; at most ${MAX_TENSORS} are read`,
    );
  }
  const metadata = new Map<string, unknown>();
  for (let i = 0; i < pairCount; i++) {
    const key = cursor.text();
    metadata.set(key, cursor.value(cursor.u32()));
  }
  const places = Array.from({ length: tensorCount }, () => readPlace(cursor, fail));
  const alignment = metadata.get('general.alignment') ?? 32;
  if (typeof alignment !== 'number' || !Number.isInteger(alignment) || alignment < 1 || alignment > 2 ** 16) {
    throw fail(`its alignment is ${String(alignment)}`);
  }
  const begin = Math.ceil(cursor.at / alignment) * alignment;
  const tensors = places.map((place) => ({ ...place, offset: begin + place.offset }));
  checkPlaces(tensors, size, fail);
  return { metadata, tensors };
}

function readPlace(cursor: Cursor, fail: (what: string) => ModelError): GgufTensor {
  const name = cursor.text();
  const dimensions = cursor.u32();
  if (dimensions > 8) throw fail(`tensor ${quoted(name)} has ${dimensions} dimensions`);
  const shape = Array.from({ length: dimensions }, () => cursor.u64()).reverse();
  const type = cursor.u32();
  const typeName = TYPE_NAMES.get(type);
  const offset = cursor.u64();
  const dtype = readable(typeName) ? typeName : null;
  return { name, shape, dtype, typeName: typeName ?? String(type), offset };
}

function checkPlaces(tensors: readonly GgufTensor[], size: number, fail: (what: string) => ModelError): void {
  const ordered = [...tensors].sort((a, b) => a.offset - b.offset);
  let end = 0;
  let last = '';
  for (const { name, shape, dtype, offset } of ordered) {
    if (offset < end) throw fail(`tensors ${quoted(last)} and ${quoted(name)} overlap`);
    const values = shape.reduce((product, part) => product * part, 1);
    const columns = shape.length > 1 ? rowValues(shape) : (shape[0] ?? 1);
    if (dtype && columns % TYPE_BLOCKS[dtype].values !== 0) {
      throw fail(`tensor ${quoted(name)} has rows of ${columns} in blocks of ${TYPE_BLOCKS[dtype].values}`);
    }
    const bytes = dtype ? typeBytes(dtype, values) : 0;
    if (offset + bytes > size) {
      throw fail(`tensor ${quoted(name)} ends at byte ${offset + bytes} and the file has ${size}`);
    }
    [end, last] = [offset + bytes, name];
  }
}
