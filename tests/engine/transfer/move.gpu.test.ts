/** A live sequence moved between two engines on one GPU: its tokens afterwards are those it would have had anyway. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/engine/engine.ts';
import type { EngineSettings, GenerationRequest } from '../../../src/engine/engine-types.ts';
import { adoptSequence } from '../../../src/engine/transfer/adopt.ts';
import { snapshotSequence } from '../../../src/engine/transfer/snapshot.ts';
import { loadModel } from '../../../src/engine/weights/loader.ts';
import { randomModel } from '../../../src/engine/weights/random.ts';
import type { LoadedModel } from '../../../src/engine/weights-types.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { openTestGpu } from '../../support/gpu.ts';
import { drain, greedy, makeEngine } from '../support.ts';
import { SMALL_MODEL } from './model.ts';

const TOKENS = 40;
const CUT = 17;
const PROMPT = Array.from({ length: 37 }, (_, i) => (i * 29 + 3) % SMALL_MODEL.vocab);

let gpu: Gpu;
let model: LoadedModel;
beforeAll(async () => {
  gpu = await openTestGpu();
  model = await loadModel(gpu, randomModel(SMALL_MODEL, 5), { weightFormat: 'f32', budgetBytes: 2 ** 28 });
});

/** Steps until a request has so many tokens, then stands still. */
async function stepUntil(engine: Engine, request: number, tokens: number): Promise<void> {
  while (engine.outputOf(request).length < tokens) if (!(await engine.step())) break;
  await engine.settle();
}

async function alone(change: Partial<EngineSettings>, request: GenerationRequest): Promise<number[]> {
  const engine = await makeEngine(gpu, model, change);
  const tokens = await engine.generate(request);
  engine.destroy();
  return tokens;
}

interface Way {
  readonly name: string;
  readonly from: Partial<EngineSettings>;
  readonly to: Partial<EngineSettings>;
}

const EXACT: readonly Way[] = [
  { name: 'blocks of 16 into blocks of 8', from: {}, to: { blockSize: 8, numBlocks: 128, shuffleSeed: 9 } },
  { name: 'into one reservation', from: {}, to: { layout: 'contiguous', prefixCaching: false } },
  {
    name: 'int2 with its ring',
    from: { kvFormat: 'int2', prefixCaching: false },
    to: { kvFormat: 'int2', prefixCaching: false, shuffleSeed: 3 },
  },
];

describe('a sequence that moves in the middle', () => {
  it.each(EXACT)('$name: the same tokens', async ({ from, to }) => {
    const request = greedy(PROMPT, TOKENS);
    const expected = await alone(from, request);
    const source = await makeEngine(gpu, model, from);
    const target = await makeEngine(gpu, model, to);
    const neighbour = target.submit(greedy(PROMPT.slice(5, 20), 6));
    const row = source.submit(request);
    await stepUntil(source, row, CUT);
    const snapshot = await snapshotSequence(source, row);
    expect(snapshot.kv.tokens).toBe(PROMPT.length + snapshot.sequence.output.length - 1);
    source.cancel(row);
    while (await source.step()) source.check();
    const adopted = await adoptSequence(target, snapshot);
    let computed = 0;
    for (let report = await target.step(); report; report = await target.step()) {
      target.check();
      if (report.joined.includes(adopted)) {
        computed = snapshot.kv.tokens - (report.joinedCachedTokens[report.joined.indexOf(adopted)] ?? 0);
      }
    }
    expect(computed).toBe(0);
    expect(target.outputOf(neighbour)).toHaveLength(6);
    expect(target.outputOf(adopted)).toEqual(expected);
    source.destroy();
    target.destroy();
  });

  it('goes on from the KV that came, not from its text: other words, other tokens', async () => {
    const request = greedy(PROMPT, TOKENS);
    const expected = await alone({}, request);
    const [source, target] = [await makeEngine(gpu, model), await makeEngine(gpu, model)];
    const row = source.submit(request);
    await stepUntil(source, row, CUT);
    const snapshot = await snapshotSequence(source, row);
    const blocks = snapshot.kv.blocks.map((block) => block.slice().reverse());
    const adopted = await adoptSequence(target, { ...snapshot, kv: { ...snapshot.kv, blocks } });
    expect((await drain(target, [adopted]))[0]).not.toEqual(expected);
    source.destroy();
    target.destroy();
  });

  it('draws the same tokens, because a draw depends on seed and position', async () => {
    const request = {
      ...greedy(PROMPT, TOKENS),
      sampling: { temperature: 0.9, topP: 0.95, topK: 0, seed: 77 },
    };
    const expected = await alone({}, request);
    const [source, target] = [await makeEngine(gpu, model), await makeEngine(gpu, model, { blockSize: 8 })];
    const row = source.submit(request);
    await stepUntil(source, row, CUT);
    const adopted = await adoptSequence(target, await snapshotSequence(source, row));
    expect((await drain(target, [adopted]))[0]).toEqual(expected);
    source.destroy();
    target.destroy();
  });
});
