/** KV between formats and block sizes: what stays exact, what is rounded once, and what the file of it withstands. */
import { describe, expect, it } from 'vitest';
import { decodeRow, encodeRow } from '../../../src/core/kv/encode.ts';
import { KV_FORMATS } from '../../../src/core/kv/formats.ts';
import { createRandom } from '../../../src/core/random.ts';
import { TransferError } from '../../../src/core/transfer/error.ts';
import { decodeFile, encodeFile } from '../../../src/core/transfer/file.ts';
import {
  convertKv,
  emptyKv,
  layoutOf,
  type KvShapeOf,
  type SequenceKv,
} from '../../../src/core/transfer/kv.ts';
import {
  packPrefixes,
  packSequence,
  unpackPrefixes,
  unpackSequence,
} from '../../../src/core/transfer/package.ts';
import type { PrefixSnapshot, SequenceSnapshot } from '../../../src/core/transfer/types.ts';

const F32: KvShapeOf = {
  format: 'f32',
  layers: 2,
  kvHeads: 2,
  headDim: 32,
  blockSize: 16,
  residualTokens: 0,
};
const shape = (change: Partial<KvShapeOf>): KvShapeOf => ({
  ...F32,
  ...change,
  residualTokens: change.format === 'int2' ? (change.residualTokens ?? 32) : 0,
});

/** Drawn rows, some of them with an outlier. */
function drawn(tokens: number, seed = 1): SequenceKv {
  const random = createRandom(seed);
  const kv = emptyKv(tokens, F32);
  const layout = layoutOf(F32);
  for (let token = 0; token < tokens; token++) {
    const block = kv.blocks[Math.floor(token / F32.blockSize)];
    for (let layer = 0; layer < F32.layers && block; layer++) {
      const words = block.subarray(layer * layout.blockWords, (layer + 1) * layout.blockWords);
      for (const part of ['k', 'v'] as const) {
        for (let head = 0; head < F32.kvHeads; head++) {
          const values = Array.from({ length: 32 }, (_, c) => random.normal() * (c === 5 ? 20 : 1));
          encodeRow(words, layout, part, head, token % F32.blockSize, values);
        }
      }
    }
  }
  return kv;
}

/** Every value of a cache without a ring. */
function values(kv: SequenceKv, of: KvShapeOf): number[] {
  const layout = layoutOf(of);
  const all: number[] = [];
  for (let layer = 0; layer < of.layers; layer++) {
    for (let token = 0; token < kv.tokens; token++) {
      const block = kv.blocks[Math.floor(token / of.blockSize)] ?? new Uint32Array();
      const words = block.subarray(layer * layout.blockWords, (layer + 1) * layout.blockWords);
      for (const part of ['k', 'v'] as const) {
        for (let head = 0; head < of.kvHeads; head++)
          all.push(...decodeRow(words, layout, part, head, token % of.blockSize));
      }
    }
  }
  return all;
}

const PLAIN = KV_FORMATS.filter((format) => format !== 'int2');
const SIZES = [8, 64] as const;

describe('conversion of KV', () => {
  it.each(PLAIN.flatMap((format) => SIZES.map((size) => [format, size] as const)))(
    '%s keeps every word in blocks of %i and back',
    (format, blockSize) => {
      const home = shape({ format });
      const kv = convertKv(drawn(45), F32, home);
      const away = shape({ format, blockSize });
      const moved = convertKv(kv, home, away);
      expect(values(moved, away)).toEqual(values(kv, home));
      expect(convertKv(moved, away, home)).toEqual(kv);
    },
  );

  it.each(PLAIN)(
    'f32 becomes what the append of %s would have written, at once or in two steps',
    (format) => {
      const at = shape({ format, blockSize: 8 });
      const once = convertKv(drawn(21), F32, at);
      const layout = layoutOf(at);
      const direct = emptyKv(21, at);
      const source = values(drawn(21), F32);
      for (let layer = 0, from = 0; layer < at.layers; layer++) {
        for (let token = 0; token < 21; token++) {
          const block = direct.blocks[Math.floor(token / 8)] ?? new Uint32Array();
          const words = block.subarray(layer * layout.blockWords, (layer + 1) * layout.blockWords);
          for (const part of ['k', 'v'] as const) {
            for (let head = 0; head < at.kvHeads; head++, from += 32)
              encodeRow(words, layout, part, head, token % 8, source.slice(from, from + 32));
          }
        }
      }
      expect(once).toEqual(direct);
    },
  );

  it('a wider format holds a smaller one’s values exactly', () => {
    const small = shape({ format: 'int8' });
    const kv = convertKv(drawn(30), F32, small);
    const wide = convertKv(kv, small, shape({ blockSize: 32 }));
    const rounded = values(kv, small).map(Math.fround);
    expect(values(wide, shape({ blockSize: 32 }))).toEqual(rounded);
  });

  it('int2 keeps its newest tokens in f16 and its groups through another block size', () => {
    const [home, away] = [shape({ format: 'int2', blockSize: 32 }), shape({ format: 'int2', blockSize: 64 })];
    const kv = convertKv(drawn(77), F32, home);
    expect(kv.ring?.some((word) => word !== 0)).toBe(true);
    expect(convertKv(convertKv(kv, home, away), away, home).ring).toEqual(kv.ring);
    const f16 = shape({ format: 'f16' });
    // Keys 64…76 are in the ring: they come out as f16 had them.
    const whole = values(convertKv(drawn(77), F32, f16), f16).slice(76 * 128, 76 * 128 + 32);
    expect(values(convertKv(kv, home, f16), f16).slice(76 * 128, 76 * 128 + 32)).toEqual(whole);
  });

  it('refuses another model’s shape', () => {
    expect(() => convertKv(drawn(9), F32, shape({ kvHeads: 4 }))).toThrow(
      'kvHeads is 2 on one side and 4 on the other: two models.',
    );
  });
});

const MODEL = { name: 'm', fingerprint: 'ab'.repeat(16) };

function snapshot(of: KvShapeOf): SequenceSnapshot {
  const kv = convertKv(drawn(41), F32, of);
  const sampling = { temperature: 0.5, topP: 0.9, topK: 4, seed: 2 ** 32 - 1 };
  const promptIds = Array.from({ length: 38 }, (_, i) => i);
  const sequence = {
    promptIds,
    output: [3, 1, 2, 9],
    maxTokens: 50,
    sampling,
    stopTokens: [1],
    forced: null,
  };
  return { model: MODEL, shape: of, sequence, kv };
}

const PREFIXES: PrefixSnapshot = {
  model: MODEL,
  shape: F32,
  entries: [
    { parent: -1, tokens: Array.from({ length: 16 }, (_, i) => i) },
    { parent: 0, tokens: Array.from({ length: 16 }, (_, i) => 16 + i) },
    { parent: 0, tokens: Array.from({ length: 16 }, (_, i) => 99 - i) },
  ],
  blocks: drawn(48).blocks,
};

describe('the file', () => {
  it.each(KV_FORMATS)('gives a sequence in %s back as it was', (format) => {
    const whole = snapshot(shape({ format, blockSize: 32 }));
    expect(unpackSequence(decodeFile(encodeFile(packSequence(whole))))).toEqual(whole);
  });

  it('gives a prefix cache back as it was', () => {
    expect(unpackPrefixes(decodeFile(encodeFile(packPrefixes(PREFIXES))))).toEqual(PREFIXES);
  });

  it('is the same bytes each time', () => {
    expect(encodeFile(packPrefixes(PREFIXES))).toEqual(encodeFile(packPrefixes(PREFIXES)));
  });

  it('is refused with bytes behind its end', () => {
    const bytes = encodeFile(packPrefixes(PREFIXES));
    const longer = new Uint8Array(bytes.length + 4);
    longer.set(bytes);
    expect(() => decodeFile(longer)).toThrow(/are 4 bytes that nothing of it needs/);
  });

  it('is refused wherever it is cut off or one bit is turned', () => {
    const bytes = encodeFile(packSequence(snapshot(shape({ format: 'int4' }))));
    const random = createRandom(5);
    for (let i = 0; i < 60; i++) {
      const end = i < 30 ? i : random.below(bytes.length);
      expect(() => decodeFile(bytes.subarray(0, end)), `cut at ${end}`).toThrow(TransferError);
    }
    for (let i = 0; i < 120; i++) {
      const bit = i < 60 ? 8 * 6 + 16 + i : random.below(bytes.length * 8);
      // The two bytes that are always zero say nothing.
      if (bit >> 3 === 6 || bit >> 3 === 7) continue;
      const turned = bytes.slice();
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => decodeFile(turned), `bit ${bit}`).toThrow(TransferError);
    }
  });

  it.each([
    [
      'no file of ours',
      new TextEncoder().encode('{"kind":"run"}  and more'),
      /are no KV file of KV Lab; choose/,
    ],
    ['another version', otherVersion(), /is of version 7 and here 1 is known/],
    [
      'a sequence where a prefix cache is wanted',
      null,
      /the KV of one sequence, and a prefix cache was expected/,
    ],
  ])('says what is wrong with %s', (_, bytes, sentence) => {
    const read = () => unpackPrefixes(bytes === null ? packSequence(snapshot(F32)) : decodeFile(bytes));
    expect(read).toThrow(sentence);
  });

  it('refuses blocks that do not belong to the text, and texts that follow what comes later', () => {
    const content = packSequence(snapshot(F32));
    expect(() => unpackSequence({ ...content, blocks: content.blocks.slice(1) })).toThrow(
      '2 blocks came and the text needs 3; export it again.',
    );
    const entries = PREFIXES.entries.map((entry) => ({ ...entry, parent: 2 }));
    expect(() => unpackPrefixes(packPrefixes({ ...PREFIXES, entries }))).toThrow(
      /^Entry 0 of the prefix cache/,
    );
  });
});

function otherVersion(): Uint8Array {
  const bytes = encodeFile(packPrefixes(PREFIXES));
  bytes[4] = 7;
  return bytes;
}
