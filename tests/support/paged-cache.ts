/**
 * A small paged KV cache for kernel tests: ragged sequences, encoded in any format, behind a shuffled block table, with
 * readers that decode what the pool really holds. What a kernel reads and what its twin reads are then the same values.
 */
import { decodeRow, encodeKeyGroup, encodeRow } from '../../src/core/kv/encode.ts';
import { kvLayout, type KvFormat, type KvLayout } from '../../src/core/kv/formats.ts';
import { f16Value, packF16Pair } from '../../src/core/kv/small-float.ts';
import type { Random } from '../../src/core/random.ts';

export interface PagedCacheOptions {
  readonly format: KvFormat;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly blockSize: number;
  /** Tokens of each sequence; 0 is an inactive row. */
  readonly contexts: readonly number[];
  /** Drawn from for the contents first and for the table last, so that both tables hold the same contents. */
  readonly random: Random;
  readonly table?: 'shuffled' | 'ordered';
  readonly residualTokens?: number;
}

export interface PagedCache {
  readonly layout: KvLayout;
  readonly pool: Uint32Array;
  readonly blockTable: Uint32Array;
  readonly tableStride: number;
  readonly contextLengths: Uint32Array;
  /** int2: u32 [sequences][K, V][kvHeads][residualTokens][headDim / 2], the sequences in reverse order. */
  readonly residual: Uint32Array;
  readonly residualSlots: Uint32Array;
  readonly key: (sequence: number, token: number, head: number) => Float64Array;
  readonly value: (sequence: number, token: number, head: number) => Float64Array;
}

type Part = 'k' | 'v';

/** Key channel 1 is an outlier (×12), as real keys have them; every ninth value row is large. */
function drawRow(random: Random, part: Part, token: number, headDim: number): Float32Array {
  return Float32Array.from({ length: headDim }, (_, c) => {
    const x = random.normal();
    if (part === 'k') return c === 1 ? x * 12 : x;
    return token % 9 === 4 ? x * 10 : x;
  });
}

export function pagedCache(options: PagedCacheOptions): PagedCache {
  const { format, kvHeads, headDim, blockSize, contexts, random, residualTokens = 0 } = options;
  const layout = kvLayout(format, { kvHeads, headDim, blockSize });
  const tableStride = Math.max(1, ...contexts.map((context) => Math.ceil(context / blockSize))) + 1;
  const rows = contexts.map((context, sequence) => {
    const own = random.fork(`sequence${sequence}`);
    const draw = (part: Part, token: number) =>
      Array.from({ length: kvHeads }, () => drawRow(own, part, token, headDim));
    return Array.from({ length: context }, (_, token) => ({ k: draw('k', token), v: draw('v', token) }));
  });

  const numBlocks = contexts.length * tableStride + 2;
  const blocks = Array.from({ length: numBlocks }, (_, block) => block);
  const order = options.table === 'ordered' ? blocks : random.fork('table').shuffled(blocks);
  const blockTable = Uint32Array.from(order.slice(0, contexts.length * tableStride));
  const slotOf = (sequence: number, token: number) =>
    (blockTable[sequence * tableStride + Math.floor(token / blockSize)] ?? 0) * blockSize +
    (token % blockSize);

  // Words that nobody wrote hold a pattern that spoils a result as soon as it is read.
  const pool = new Uint32Array(numBlocks * layout.blockWords).fill(0x7fc07fc0);
  const quantized = (sequence: number, part: Part) => {
    const context = contexts[sequence] ?? 0;
    if (format !== 'int2') return context;
    return part === 'k'
      ? Math.floor(context / residualTokens) * residualTokens
      : Math.max(0, context - residualTokens);
  };
  const ringRow = (sequence: number, part: Part, head: number, token: number) => {
    const slot = (contexts.length - 1 - sequence) * 2 + (part === 'k' ? 0 : 1);
    return ((slot * kvHeads + head) * residualTokens + (token % residualTokens)) * (headDim / 2);
  };
  const residual = new Uint32Array(
    format === 'int2' ? contexts.length * 2 * kvHeads * residualTokens * (headDim / 2) : 4,
  );

  const write = (sequence: number, token: number, part: Part, head: number): void => {
    const values = rows[sequence]?.[token]?.[part][head] ?? [];
    if (token >= quantized(sequence, part)) {
      const at = ringRow(sequence, part, head, token);
      for (let c = 0; c < headDim; c += 2)
        residual[at + c / 2] = packF16Pair(values[c] ?? 0, values[c + 1] ?? 0);
    } else if (format !== 'int2' || part === 'v') {
      encodeRow(pool, layout, part, head, slotOf(sequence, token), values);
    } else if (token % layout.k.group === 0) {
      const group = Array.from({ length: layout.k.group }, (_, i) => [
        ...(rows[sequence]?.[token + i]?.k[head] ?? []),
      ]);
      encodeKeyGroup(pool, layout, head, slotOf(sequence, token), group.flat());
    }
  };
  rows.forEach((tokens, sequence) =>
    tokens.forEach((_, token) => {
      for (let head = 0; head < kvHeads; head++) {
        write(sequence, token, 'k', head);
        write(sequence, token, 'v', head);
      }
    }),
  );

  const reader = (part: Part) => {
    const decoded: (Float64Array | undefined)[] = [];
    return (sequence: number, token: number, head: number): Float64Array => {
      const at = (sequence * tableStride * blockSize + token) * kvHeads + head;
      const known = decoded[at];
      if (known) return known;
      const row =
        token >= quantized(sequence, part)
          ? Float64Array.from({ length: headDim }, (_, c) => {
              const word = residual[ringRow(sequence, part, head, token) + (c >> 1)] ?? 0;
              return f16Value(c % 2 === 0 ? word & 0xffff : word >>> 16);
            })
          : decodeRow(pool, layout, part, head, slotOf(sequence, token));
      decoded[at] = row;
      return row;
    };
  };
  return {
    layout,
    pool,
    blockTable,
    tableStride,
    contextLengths: Uint32Array.from(contexts),
    residual,
    residualSlots: Uint32Array.from(contexts, (_, sequence) => contexts.length - 1 - sequence),
    key: reader('k'),
    value: reader('v'),
  };
}

/** Largest |a − b| relative to the larger of 1 and |b|. */
export function worstError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let worst = actual.length === expected.length ? 0 : Infinity;
  for (let i = 0; i < expected.length; i++) {
    const b = expected[i] ?? NaN;
    const error = Math.abs((actual[i] ?? NaN) - b) / Math.max(1, Math.abs(b));
    // NaN compares false with everything, so ask for "not small".
    if (!(error <= worst)) worst = error;
  }
  return worst;
}
