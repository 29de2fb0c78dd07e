import { describe, expect, it } from 'vitest';
import { kvLayout } from '../../src/core/kv/formats.ts';
import { createRandom } from '../../src/core/random.ts';
import { parseScenario } from '../../src/core/scenario/parse.ts';
import { unlessLost } from '../../src/lab/errors.ts';
import { contextBytes, ringBytes } from '../../src/lab/kv-bytes.ts';
import { planMemory } from '../../src/lab/memory-plan.ts';
import { createPacer, intoSubmits } from '../../src/lab/pacer.ts';
import { createCacheBook, type SequenceCache } from '../../src/lab/sequences.ts';

describe('bytes of a context', () => {
  const shape = { kvHeads: 2, headDim: 64, blockSize: 32 };

  it('are tokens times bytes of a token', () => {
    expect(contextBytes(kvLayout('f16', shape), 0, 10)).toBe(10 * 2 * 2 * 64 * 2);
    expect(ringBytes(kvLayout('f16', shape), 128)).toBe(0);
  });

  it('lie in the ring first, and in the pool when they are old enough', () => {
    const layout = kvLayout('int2', shape);
    // 20 tokens: all in the ring, K and V in f16.
    expect(contextBytes(layout, 32, 20)).toBe(20 * 2 * 2 * 64 * 2);
    // 40 tokens: 32 keys are packed with their pairs (8 + 64 words a block), 8 values, the rest is f16.
    const packed = 4 * (layout.k.regionWords + (8 * layout.v.regionWords) / 32);
    expect(contextBytes(layout, 32, 40)).toBe(2 * (packed + (8 + 32) * 64 * 2));
    expect(ringBytes(layout, 32)).toBe(2 * 2 * 32 * 64 * 2);
  });
});

describe('pacing', () => {
  const operations = (works: readonly number[]) => works.map((work) => ({ work, encode: () => undefined }));
  const cut = (works: readonly number[], budget: number) =>
    intoSubmits(operations(works), budget).map((submit) => submit.map(({ work }) => work));

  it.each([
    { works: [], budget: 10, submits: [] },
    { works: [4, 4, 4], budget: 10, submits: [[4, 4], [4]] },
    { works: [0, 30, 0, 5], budget: 10, submits: [[0], [30], [0, 5]] },
    { works: [1, 2, 3], budget: Infinity, submits: [[1, 2, 3]] },
  ])('cuts $works at $budget', ({ works, budget, submits }) => {
    expect(cut(works, budget)).toEqual(submits);
  });

  it('shortens at once when a submit was long, and lengthens by halves', () => {
    const pacer = createPacer(100);
    expect(pacer.budget).toBe(4500);
    pacer.learn(4500, 90);
    expect(pacer.budget).toBe(50 * 45);
    pacer.learn(4500, 45);
    expect(pacer.budget).toBe(75 * 45);
  });

  it('does not take the fixed price of a small submit for slowness', () => {
    const pacer = createPacer(100);
    pacer.learn(10, 2);
    expect(pacer.budget).toBe(4500);
    pacer.learn(1000, 1);
    expect(pacer.budget).toBe(9000);
  });
});

describe('sequences', () => {
  function book(engine: object, workload: object) {
    const parsed = parseScenario({
      version: 1,
      model: { name: 'tiny', layers: 1, queryHeads: 1, kvHeads: 1, headDim: 64 },
      engine,
      workload,
    });
    if (!parsed.ok) throw new Error(parsed.sentence);
    const { scenario } = parsed;
    const plan = planMemory(scenario);
    return {
      plan,
      book: createCacheBook(scenario.engine.layout, plan, plan.layout.blockBytes, createRandom(3)),
    };
  }

  it.each([1, 2, 3])('fit the plan on a random walk, and give every block back (seed %i)', (seed) => {
    const random = createRandom(seed);
    for (const layout of ['paged', 'contiguous']) {
      const made = book({ layout }, { concurrency: 5, promptTokens: 90, outputTokens: 30 });
      const lengths = new Map<SequenceCache, number>();
      for (let i = 0; i < 5; i++) lengths.set(made.book.open(), 119);
      while (lengths.size > 0) {
        const [cache, most] = random.shuffled([...lengths])[0] ?? [];
        if (!cache || most === undefined) break;
        const count = Math.min(1 + random.below(20), most - cache.tokens);
        const before = cache.tokens;
        expect(new Set(cache.append(count).slots).size).toBe(count);
        expect(cache.tokens).toBe(before + count);
        made.book.check();
        if (cache.tokens === most) {
          cache.free();
          lengths.delete(cache);
          made.book.check();
        }
      }
      expect(made.book.usage()).toMatchObject({ usedBytes: 0, reservedBytes: 0 });
    }
  });

  it('give contiguous sequences the row that their reservation is', () => {
    const made = book({ layout: 'contiguous' }, { concurrency: 3, promptTokens: 40, outputTokens: 9 });
    const caches = [made.book.open(), made.book.open(), made.book.open()];
    expect(caches.map(({ row }) => row)).toEqual([0, 1, 2]);
    const row = new Uint32Array(4);
    caches[2]?.writeRow(row);
    expect([...row]).toEqual([8, 9, 10, 11]);
    expect(caches[2]?.append(1).slots).toEqual([8 * 16]);
  });

  it('fork a prefix and copy the block where they split', () => {
    const made = book({}, { concurrency: 2, promptTokens: 40, outputTokens: 9, sharedPrefixTokens: 24 });
    const first = made.book.open();
    first.append(40);
    const second = made.book.fork(first, 24);
    expect(second?.append(1).copies).toHaveLength(1);
    expect(second?.append(1).copies).toHaveLength(0);
    made.book.check();
    expect(made.book.usage().usedBytes).toBe((40 + 10) * 2 * 64 * 2);
  });
});

describe('work on a device that may be lost', () => {
  /** A device that is lost when `lose` is called. */
  function fakeDevice(): { device: GPUDevice; lose: () => void } {
    let lose: () => void = () => undefined;
    const lost = new Promise<{ message: string }>((resolve) => (lose = () => resolve({ message: 'gone' })));
    return { device: { lost } as unknown as GPUDevice, lose };
  }

  it('passes the value and the error through', async () => {
    const { device } = fakeDevice();
    expect(await unlessLost(device, () => Promise.resolve(3))).toBe(3);
    await expect(unlessLost(device, () => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
  });

  it('stops the work first and then says that the device was lost', async () => {
    const { device, lose } = fakeDevice();
    let stopped = false;
    const work = unlessLost(device, async (lost) => {
      await new Promise((resolve) => lost.addEventListener('abort', resolve));
      stopped = true;
      throw new Error('anything');
    });
    lose();
    await expect(work).rejects.toMatchObject({ code: 'device-lost', reason: 'gone' });
    expect(stopped).toBe(true);
  });
});
