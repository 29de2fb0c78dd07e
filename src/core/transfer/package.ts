/**
 * KV as it travels: a header, blocks of bytes, and a trailer that ends it. One shape for a file, a channel between two
 * tabs and one between two machines.
 *
 *   header    JSON: what it is, of which model, in which format and block size; all that a receiver needs to refuse
 *   blocks    one KV block each, u32 little endian [layers][blockWords]; int2 sequences end with their f16 ring
 *   trailer   JSON: the sequence with its tokens, or the texts of a prefix cache; known when the last token is
 *
 * The trailer comes last so that a sequence can go on here while its full blocks are already on their way.
 */
import * as v from 'valibot';
import { readJson, type JsonBounds, type Read } from '../json.ts';
import { KV_FORMATS } from '../kv/formats.ts';
import { issueSentence } from '../sentences.ts';
import { TransferError } from './error.ts';
import { layoutOf, wordsOfRing, wordsPerBlock, type KvShapeOf } from './kv.ts';
import type { PrefixSnapshot, SequenceSnapshot } from './types.ts';

export const TRANSFER_VERSION = 1;

const int = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const ids = (most: number) => v.pipe(v.array(int(0, 2 ** 24)), v.maxLength(most));

/** Longest text of one sequence. */
const MOST_TOKENS = 2 ** 21;
/** Blocks of one package. */
export const MOST_BLOCKS = 2 ** 18;

export const TransferHeader = v.strictObject({
  kind: v.picklist(['sequence', 'prefix-cache']),
  model: v.strictObject({
    name: v.pipe(v.string(), v.maxLength(200)),
    fingerprint: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/, 'is no fingerprint of 32 hexadecimal digits.')),
  }),
  shape: v.strictObject({
    format: v.picklist(KV_FORMATS),
    layers: int(1, 1024),
    kvHeads: int(1, 1024),
    headDim: int(16, 1024),
    blockSize: int(8, 4096),
    residualTokens: int(0, 4096),
  }),
});
export type TransferHeader = v.InferOutput<typeof TransferHeader>;

const SequenceTrailer = v.strictObject({
  kind: v.literal('sequence'),
  sequence: v.strictObject({
    promptIds: ids(MOST_TOKENS),
    output: ids(MOST_TOKENS),
    maxTokens: int(1, MOST_TOKENS),
    sampling: v.strictObject({
      temperature: v.pipe(v.number(), v.minValue(0), v.maxValue(1000)),
      topP: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
      topK: int(0, 2 ** 24),
      seed: int(0, 2 ** 32 - 1),
    }),
    stopTokens: ids(4096),
    forced: v.nullable(ids(MOST_TOKENS)),
  }),
  /** Tokens in the blocks. */
  tokens: int(0, MOST_TOKENS),
});

const PrefixTrailer = v.strictObject({
  kind: v.literal('prefix-cache'),
  entries: v.pipe(
    v.array(v.strictObject({ parent: int(-1, MOST_BLOCKS), tokens: ids(4096) })),
    v.maxLength(MOST_BLOCKS),
  ),
});

const TransferTrailer = v.variant('kind', [SequenceTrailer, PrefixTrailer]);
export type TransferTrailer = v.InferOutput<typeof TransferTrailer>;

const HEADER_BOUNDS: JsonBounds = {
  what: 'transfer header',
  maxCharacters: 4096,
  maxDepth: 4,
  maxValues: 64,
};
const TRAILER_BOUNDS: JsonBounds = {
  what: 'transfer trailer',
  maxCharacters: 2 ** 26,
  maxDepth: 6,
  maxValues: 2 ** 23,
};
export const MOST_HEADER_BYTES = 8192;
/** Bytes of a trailer: a text of two million tokens. */
export const MOST_TRAILER_BYTES = 2 ** 26;

export interface TransferPackage {
  readonly header: TransferHeader;
  readonly blocks: readonly Uint8Array[];
  readonly trailer: TransferTrailer;
}

export function readHeader(bytes: Uint8Array): Read<TransferHeader> {
  return readPart(TransferHeader, bytes, HEADER_BOUNDS, MOST_HEADER_BYTES);
}

export function readTrailer(bytes: Uint8Array): Read<TransferTrailer> {
  return readPart(TransferTrailer, bytes, TRAILER_BOUNDS, MOST_TRAILER_BYTES);
}

export function partBytes(part: TransferHeader | TransferTrailer): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(part));
}

function readPart<T>(
  schema: v.GenericSchema<unknown, T>,
  bytes: Uint8Array,
  bounds: JsonBounds,
  most: number,
): Read<T> {
  if (bytes.length > most) {
    return { ok: false, sentence: `The ${bounds.what} has ${bytes.length} bytes; at most ${most} are read.` };
  }
  const json = readJson(new TextDecoder().decode(bytes), bounds);
  if (!json.ok) return json;
  const parsed = v.safeParse(schema, json.value, { abortEarly: true });
  if (!parsed.success) return { ok: false, sentence: issueSentence(parsed.issues, `the ${bounds.what}`) };
  return { ok: true, value: parsed.output };
}

/** Bytes that a block of a package may have, so that a hostile one is refused before it is kept. */
export function mostBlockBytes({ shape }: Pick<TransferHeader, 'shape'>): number {
  return 4 * Math.max(wordsPerBlock(shape), wordsOfRing(shape));
}

/** @throws RangeError for a shape that no cache has */
export function checkShape(shape: KvShapeOf): void {
  layoutOf(shape);
  if ((shape.format === 'int2') !== shape.residualTokens > 0)
    throw new RangeError(
      `A cache in ${shape.format} with a ring of ${shape.residualTokens} tokens can’t be: int2 has one, the others none.`,
    );
}

/** Words as bytes, without a copy. */
export function bytesOfWords(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

function wordsOfBytes(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.slice().buffer);
}

export function packSequence({ model, shape, sequence, kv }: SequenceSnapshot): TransferPackage {
  return {
    header: { kind: 'sequence', model, shape },
    blocks: [...kv.blocks, ...(kv.ring ? [kv.ring] : [])].map(bytesOfWords),
    trailer: { kind: 'sequence', sequence: plain(sequence), tokens: kv.tokens },
  };
}

function plain({ promptIds, output, stopTokens, forced, sampling, maxTokens }: SequenceSnapshot['sequence']) {
  return {
    ...{ promptIds: [...promptIds], output: [...output], stopTokens: [...stopTokens], maxTokens },
    ...{ forced: forced ? [...forced] : null, sampling: { ...sampling } },
  };
}

/** @throws TransferError where blocks, shape and text do not belong together */
export function unpackSequence({ header, blocks, trailer }: TransferPackage): SequenceSnapshot {
  if (header.kind !== 'sequence' || trailer.kind !== 'sequence') throw otherKind('a sequence', header.kind);
  const { shape, model } = header;
  const { sequence, tokens } = trailer;
  const count = Math.ceil(tokens / shape.blockSize);
  const ring = tokens > 0 ? wordsOfRing(shape) : 0;
  checkBlocks(blocks, [
    ...Array.from({ length: count }, () => wordsPerBlock(shape)),
    ...(ring > 0 ? [ring] : []),
  ]);
  const words = blocks.map(wordsOfBytes);
  return {
    ...{ model, shape, sequence },
    kv: { tokens, blocks: words.slice(0, count), ring: words[count] ?? null },
  };
}

export function packPrefixes({ model, shape, entries, blocks }: PrefixSnapshot): TransferPackage {
  return {
    header: { kind: 'prefix-cache', model, shape },
    blocks: blocks.map(bytesOfWords),
    trailer: {
      kind: 'prefix-cache',
      entries: entries.map(({ parent, tokens }) => ({ parent, tokens: [...tokens] })),
    },
  };
}

/** @throws TransferError where entries and blocks do not belong together */
export function unpackPrefixes({ header, blocks, trailer }: TransferPackage): PrefixSnapshot {
  if (header.kind !== 'prefix-cache' || trailer.kind !== 'prefix-cache')
    throw otherKind('a prefix cache', header.kind);
  const { shape, model } = header;
  const { entries } = trailer;
  checkBlocks(
    blocks,
    entries.map(() => wordsPerBlock(shape)),
  );
  entries.forEach(({ parent, tokens }, at) => {
    if (parent < at && tokens.length === shape.blockSize) return;
    throw new TransferError(
      'format',
      `Entry ${at} of the prefix cache has ${tokens.length} tokens and follows entry ${parent}; ${shape.blockSize} tokens and an entry before it are needed.`,
    );
  });
  return { model, shape, entries, blocks: blocks.map(wordsOfBytes) };
}

function otherKind(wanted: string, kind: TransferHeader['kind']): TransferError {
  const found = kind === 'sequence' ? 'one sequence' : 'a prefix cache';
  return new TransferError(
    'format',
    `This is the KV of ${found}, and ${wanted} was expected; choose the other way in.`,
  );
}

function checkBlocks(blocks: readonly Uint8Array[], words: readonly number[]): void {
  const wrong = words.findIndex((count, at) => blocks[at]?.length !== count * 4);
  if (blocks.length === words.length && wrong < 0) return;
  throw new TransferError(
    'damaged',
    wrong >= 0 && blocks[wrong]
      ? `Block ${wrong} has ${blocks[wrong].length} bytes; ${(words[wrong] ?? 0) * 4} are needed. Export it again.`
      : `${blocks.length} blocks came and the text needs ${words.length}; export it again.`,
  );
}
