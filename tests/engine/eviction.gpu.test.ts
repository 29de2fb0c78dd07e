/** Eviction and selection in the engine: what leaves the cache, what stays, and that nothing else is touched. */
import { beforeAll, describe, expect, it } from 'vitest';
import { POLICIES } from '../../src/core/eviction/policies.ts';
import type { EvictionPolicyName } from '../../src/core/scenario/schema.ts';
import type { LoadedModel } from '../../src/engine/weights-types.ts';
import type { Gpu } from '../../src/gpu/context.ts';
import { whyNoReferenceData } from '../reference-data.ts';
import { openTestGpu } from '../support/gpu.ts';
import { goldenOf, greedy, makeEngine, referenceModel } from './support.ts';

const NAME = 'tinystories-656k';
const missing = whyNoReferenceData(`weights/${NAME}/model.safetensors`);
const EVICTING: readonly EvictionPolicyName[] = [
  'streaming-llm',
  'h2o',
  'tova',
  'snapkv',
  'knorm',
  'paged-eviction',
];
const BUDGET = 48;

describe.skipIf(missing !== null)(`eviction in the engine${missing ? ` (${missing})` : ''}`, () => {
  let gpu: Gpu;
  let model: LoadedModel;
  let text: readonly number[];
  beforeAll(async () => {
    gpu = await openTestGpu();
    model = await referenceModel(gpu, NAME);
    text = (await goldenOf(NAME)).greedy_tokens;
  });

  it.each(EVICTING)('%s keeps sequences within their budget, each at its own length', async (policy) => {
    const eviction = { policy, budgetTokens: BUDGET };
    const engine = await makeEngine(gpu, model, { eviction, prefixCaching: false, tokenBudget: 40 });
    const requests = [90, 20, 61].map((cut) => engine.submit(greedy(text.slice(0, cut), 40)));
    const most = new Map<number, number>();
    for (let report = await engine.step(); report; report = await engine.step()) {
      engine.check();
      for (const { request, index, finished } of report.events) {
        // Behind the prompt and the first tokens the budget holds, but for the block that is being filled.
        if (index > 2 && finished === 'no') {
          most.set(request, Math.max(most.get(request) ?? 0, engine.residentTokens(request)));
        }
      }
    }
    // Some judge the prompt only; StreamingLLM keeps the whole blocks that its sinks and its window touch.
    const withinDecode = policy === 'streaming-llm' ? BUDGET + 2 * 16 : BUDGET + 16;
    const policyBudget = POLICIES[policy].when === 'prefill' ? BUDGET + 16 + 40 : withinDecode;
    for (const request of requests) {
      expect(engine.outputOf(request)).toHaveLength(40);
      expect(most.get(request)).toBeLessThanOrEqual(policyBudget);
    }
    // A cache within its budget was never touched.
    expect(engine.outputOf(requests[1] ?? 0).slice(0, 20)).toEqual(text.slice(20, 40));
    engine.destroy();
  });

  it('SnapKV cuts the prompt and nothing behind it', async () => {
    const eviction = { policy: 'snapkv' as const, budgetTokens: BUDGET };
    const engine = await makeEngine(gpu, model, { eviction, prefixCaching: false, tokenBudget: 128 });
    const request = engine.submit(greedy(text.slice(0, 100), 30));
    await engine.step();
    expect(engine.residentTokens(request)).toBe(52);
    while (await engine.step()) engine.check();
    expect(engine.outputOf(request)).toHaveLength(30);
    engine.destroy();
  });

  it.each(EVICTING)('%s with a budget that is never reached changes no token', async (policy) => {
    const eviction = { policy, budgetTokens: 160 };
    const engine = await makeEngine(gpu, model, { eviction, prefixCaching: false, maxContextTokens: 256 });
    expect(await engine.generate(greedy(text.slice(0, 70), 40))).toEqual(text.slice(70, 110));
    engine.destroy();
  });

  it('Quest keeps everything and, with pages enough, changes no token', async () => {
    const eviction = { policy: 'quest' as const, budgetTokens: 160 };
    const engine = await makeEngine(gpu, model, { eviction, maxContextTokens: 256 });
    expect(await engine.generate(greedy(text.slice(0, 70), 40))).toEqual(text.slice(70, 110));
    engine.destroy();
  });

  it('Quest with few pages still answers', async () => {
    const eviction = { policy: 'quest' as const, budgetTokens: 32 };
    const engine = await makeEngine(gpu, model, { eviction });
    const requests = [90, 30].map((cut) => engine.submit(greedy(text.slice(0, cut), 20)));
    while (await engine.step()) engine.check();
    for (const request of requests) expect(engine.outputOf(request)).toHaveLength(20);
    engine.destroy();
  });
});
