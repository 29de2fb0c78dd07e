/** Ranges are exact, formats do not compound, bytes add up, and what was done can be taken back to the byte. */
import { describe, expect, it } from 'vitest';
import { KvBook, type BookChange } from '../../src/autopilot/book/book.ts';
import { digestOf } from '../../src/autopilot/book/digest.ts';
import { createRandom } from '../../src/core/random.ts';
import type { KvAction } from '../../src/core/scenario/autopilot/action.ts';

const BYTES: Record<string, number> = { f16: 16, int8: 9, int4: 5, int2: 3 };
const book = (hbm = 1600, host = 1000) =>
  new KvBook({
    native: 'f16',
    bytesPerToken: (format) => BYTES[format] ?? null,
    capacity: { hbm, host, nvme: 1e6 },
  });

describe('ranges', () => {
  it('evicts tokens 10 to 19 and none besides', () => {
    const kv = book();
    kv.submit('a', 100);
    expect(kv.apply({ kind: 'evict', sequence: 'a', from: 10, to: 20 })).toMatchObject({ freesBytes: 160 });
    expect(kv.parts('a').map(({ from, to }) => [from, to])).toEqual([
      [0, 10],
      [20, 100],
    ]);
    expect(kv.bytes('hbm')).toBe(90 * 16);
  });

  it('quantizes a second range too, and one over both', () => {
    const kv = book();
    kv.submit('a', 100);
    kv.apply({ kind: 'quantize', sequence: 'a', from: 0, to: 20, format: 'int8' });
    kv.apply({ kind: 'quantize', sequence: 'a', from: 40, to: 60, format: 'int8' });
    expect(kv.apply({ kind: 'quantize', sequence: 'a', from: 10, to: 50, format: 'int8' }).tokens).toBe(20);
    expect(kv.parts('a')).toEqual([
      { from: 0, to: 60, tier: 'hbm', format: 'int8' },
      { from: 60, to: 100, tier: 'hbm', format: 'f16' },
    ]);
  });

  it('never compounds formats: half of half is half, and a larger one is refused', () => {
    const kv = book();
    kv.submit('a', 100);
    kv.apply({ kind: 'quantize', sequence: 'a', from: 0, to: 100, format: 'int8' });
    expect(kv.bytes('hbm')).toBe(900);
    const again = kv.price({ kind: 'quantize', sequence: 'a', from: 0, to: 100, format: 'int8' });
    expect(again).toMatchObject({ ok: false });
    kv.apply({ kind: 'quantize', sequence: 'a', from: 0, to: 50, format: 'int4' });
    expect(kv.bytes('hbm')).toBe(50 * 5 + 50 * 9);
    expect(kv.price({ kind: 'quantize', sequence: 'a', from: 0, to: 50, format: 'int8' }).ok).toBe(false);
  });
});

describe('refusals', () => {
  it('names the number and the remedy, and changes nothing', () => {
    const kv = book();
    kv.submit('a', 100);
    kv.submit('p', 0, { pinned: true });
    const before = kv.digest();
    const cases: readonly [KvAction, RegExp][] = [
      [{ kind: 'evict', sequence: 'b', from: 0, to: 1 }, /no sequence b; there is a/],
      [{ kind: 'evict', sequence: 'a', from: 90, to: 101 }, /ends at 101, but a has 100 tokens/],
      [{ kind: 'evict', sequence: 'a', from: 5, to: 5 }, /5–5 of a is empty/],
      [{ kind: 'quantize', sequence: 'a', from: 0, to: 5, format: 'fp8-e5m2' }, /holds no fp8-e5m2/],
      [{ kind: 'offload', sequence: 'a', from: 0, to: 5, tier: 'cxl' }, /no tier cxl/],
      [
        { kind: 'offload', sequence: 'a', from: 0, to: 100, tier: 'host' },
        /host would need 1600 bytes and has 1000/,
      ],
      [{ kind: 'offload', sequence: 'a', from: 0, to: 5, tier: 'hbm' }, /use fetch/],
      [{ kind: 'fetch', sequence: 'a', from: 0, to: 5 }, /nothing in a lower tier/],
      [{ kind: 'evict', sequence: 'p', from: 0, to: 1 }, /p is pinned/],
      [{ kind: 'chunk', tokenBudget: 5 }, /about limits/],
    ];
    for (const [action, sentence] of cases) {
      expect(kv.price(action)).toMatchObject({
        ok: false,
        sentence: expect.stringMatching(sentence) as string,
      });
      expect(() => kv.apply(action)).toThrow(sentence);
    }
    expect(kv.digest()).toBe(before);
  });

  it('holds no more than its budget', () => {
    const kv = book(1600);
    expect(() => kv.submit('a', 101)).toThrow(
      '101 tokens of a need 1616 bytes and 1600 are free; submit 100',
    );
    kv.submit('a', 100);
    kv.apply({ kind: 'offload', sequence: 'a', from: 0, to: 50, tier: 'host' });
    kv.submit('b', 50);
    expect(kv.price({ kind: 'fetch', sequence: 'a', from: 0, to: 1 })).toMatchObject({
      ok: false,
      sentence: expect.stringMatching(/hbm would need 16 bytes and has 0 free/) as string,
    });
  });
});

describe('a random walk', () => {
  const ACTIONS = ['quantize', 'evict', 'offload', 'fetch'] as const;
  it.each([1, 2, 3, 4])('keeps its books and takes everything back (seed %i)', (seed) => {
    const random = createRandom(seed);
    const kv = book(40_000, 9000);
    const names = ['a', 'b', 'c', 'd'];
    for (const name of names) kv.submit(name, 200 + random.below(200));
    for (let round = 0; round < 60; round++) {
      const before = { digest: kv.digest(), bytes: kv.bytes('hbm') };
      const done: BookChange[] = [];
      let freed = 0;
      for (let i = 0; i < 6; i++) {
        const sequence = names[random.below(names.length)] ?? 'a';
        const from = random.below(kv.tokens(sequence));
        const to = from + 1 + random.below(kv.tokens(sequence) - from);
        const kind = ACTIONS[random.below(4)] ?? 'evict';
        const format = (['int8', 'int4', 'int2'] as const)[random.below(3)] ?? 'int8';
        const tier = random.below(2) === 0 ? 'host' : 'nvme';
        const action: KvAction =
          kind === 'quantize'
            ? { kind, sequence, from, to, format }
            : kind === 'offload'
              ? { kind, sequence, from, to, tier }
              : { kind, sequence, from, to };
        const priced = kv.price(action);
        if (!priced.ok) continue;
        const change = kv.apply(action);
        expect(change.freesBytes).toBe(priced.freesBytes);
        freed += change.freesBytes;
        done.push(change);
        kv.check();
      }
      expect(kv.bytes('hbm')).toBe(before.bytes - freed);
      if (round % 3 === 0) continue;
      for (const change of done.reverse()) kv.put(change);
      kv.check();
      expect(kv.digest()).toBe(before.digest);
    }
    const saved = kv.snapshot();
    const digest = kv.digest();
    for (const name of names) kv.finish(name);
    kv.check();
    expect(kv.bytes('hbm') + kv.lowerBytes).toBe(0);
    kv.restore(saved);
    expect(kv.digest()).toBe(digest);
    kv.check();
  });
});

describe('digests', () => {
  it('tell texts apart by one letter and by order, and are the same everywhere', () => {
    const texts = ['', 'a', 'b', 'ab', 'ba', 'aa', 'aaa', 'r1: 16; 0-16 hbm f16', 'r1: 16; 0-16 hbm int8'];
    const random = createRandom(3);
    for (let i = 0; i < 20_000; i++) texts.push(`r${random.below(1e9)}: ${i}`);
    expect(new Set(texts.map(digestOf)).size).toBe(texts.length);
    expect(digestOf('')).toMatch(/^[0-9a-f]{32}$/);
  });
});
