/**
 * Decode attention in plain TypeScript and double precision: the oracle of the kernels and the CPU tier.
 * Reads the same pool words through src/core/kv/encode.ts and needs no GPU.
 */
import { decodeRow, type KvPart } from '../../core/kv/encode.ts';
import type { KvLayout } from '../../core/kv/formats.ts';
import { f16Value } from '../../core/kv/small-float.ts';
import { exp } from '../../core/math.ts';

export interface DecodeTwinArgs {
  readonly layout: KvLayout;
  readonly queryHeads: number;
  readonly batch: number;
  /** [batch][queryHeads][headDim] */
  readonly query: ArrayLike<number>;
  readonly pool: Uint32Array;
  /** [batch][tableHeads][tableStride]; null for the contiguous layout. */
  readonly blockTable: Uint32Array | null;
  readonly tableStride: number;
  readonly tableHeads?: number;
  /** [batch][tableHeads] */
  readonly contextLengths: ArrayLike<number>;
  readonly windowTokens?: number;
  readonly sinkTokens?: number;
  /** int2 only: rings of f16 pairs [residualSlots][2][kvHeads][tokens][headDim / 2] and each sequence's slot. */
  readonly residual?: {
    readonly words: Uint32Array;
    readonly slots: ArrayLike<number>;
    readonly tokens: number;
  };
}

export interface DecodeTwinResult {
  /** [batch][queryHeads][headDim] */
  readonly output: Float64Array;
  /** Softmax probabilities by position, one array a row of `output`; 0 where the query sees nothing. */
  readonly scores: Float64Array[];
}

/** Attention of one new query a sequence over its cache. */
export function decodeTwin(args: DecodeTwinArgs): DecodeTwinResult {
  const { batch, queryHeads, layout } = args;
  const { headDim, kvHeads } = layout.shape;
  const group = queryHeads / kvHeads;
  const output = new Float64Array(batch * queryHeads * headDim);
  const scores: Float64Array[] = [];
  for (let b = 0; b < batch; b++) {
    for (let kvHead = 0; kvHead < kvHeads; kvHead++) {
      const cache = readCache(args, b, kvHead);
      for (let head = kvHead * group; head < (kvHead + 1) * group; head++) {
        const at = (b * queryHeads + head) * headDim;
        const query = Float64Array.from({ length: headDim }, (_, c) => args.query[at + c] ?? 0);
        const row = attend(query, cache);
        output.set(row.output, at);
        scores.push(row.probabilities);
      }
    }
  }
  return { output, scores };
}

/** Keys and values of one head of one sequence by position; null where the query sees nothing. */
type Cache = readonly ({ readonly key: Float64Array; readonly value: Float64Array } | null)[];

function readCache(args: DecodeTwinArgs, sequence: number, kvHead: number): Cache {
  const { windowTokens = 0, sinkTokens = 0, tableHeads = 1 } = args;
  const row = sequence * tableHeads + (tableHeads > 1 ? kvHead : 0);
  const length = args.contextLengths[row] ?? 0;
  return Array.from({ length }, (_, position) => {
    const visible = windowTokens === 0 || position < sinkTokens || position >= length - windowTokens;
    if (!visible) return null;
    const read = (part: KvPart): Float64Array =>
      readToken(args, { sequence, row, kvHead, position, length, part });
    return { key: read('k'), value: read('v') };
  });
}

interface TokenPlace {
  readonly sequence: number;
  readonly row: number;
  readonly kvHead: number;
  readonly position: number;
  readonly length: number;
  readonly part: KvPart;
}

function readToken(args: DecodeTwinArgs, place: TokenPlace): Float64Array {
  const { layout, pool, blockTable, tableStride, residual } = args;
  const { blockSize, headDim, kvHeads } = layout.shape;
  const { position, length, part, row, kvHead } = place;
  if (residual) {
    const ring = residual.tokens;
    const quantized = part === 'k' ? Math.floor(length / ring) * ring : Math.max(0, length - ring);
    if (position >= quantized) {
      const slot = (residual.slots[place.sequence] ?? 0) * 2 + (part === 'k' ? 0 : 1);
      const at = ((slot * kvHeads + kvHead) * ring + (position % ring)) * (headDim / 2);
      return Float64Array.from({ length: headDim }, (_, c) => {
        const word = residual.words[at + (c >> 1)] ?? 0;
        return f16Value(c % 2 === 0 ? word & 0xffff : word >>> 16);
      });
    }
  }
  const at = row * tableStride + Math.floor(position / blockSize);
  const block = blockTable ? (blockTable[at] ?? 0) : at;
  return decodeRow(pool, layout, part, kvHead, block * blockSize + (position % blockSize));
}

/** softmax(q·Kᵀ/√d)·V of one head, with the largest score taken off first. */
function attend(query: Float64Array, cache: Cache): { output: Float64Array; probabilities: Float64Array } {
  const scale = 1 / Math.sqrt(query.length);
  const logits = cache.map((token) => (token ? dot(query, token.key) * scale : -Infinity));
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const probabilities = Float64Array.from(logits, (logit) =>
    logit === -Infinity ? 0 : exp(logit - largest),
  );
  const sum = probabilities.reduce((a, b) => a + b, 0);
  const output = new Float64Array(query.length);
  cache.forEach((token, position) => {
    const weight = (probabilities[position] ?? 0) / sum;
    probabilities[position] = weight;
    token?.value.forEach((value, c) => (output[c] = (output[c] ?? 0) + weight * value));
  });
  return { output, probabilities };
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
