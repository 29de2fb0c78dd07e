/**
 * The engine against a float64 reference: greedy tokens must be equal whatever the batch, the pool and the scheduler do.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { EngineSettings } from '../../src/engine/engine-types.ts';
import type { LoadedModel } from '../../src/engine/weights-types.ts';
import type { Gpu } from '../../src/gpu/context.ts';
import { whyNoReferenceData } from '../reference-data.ts';
import { openTestGpu } from '../support/gpu.ts';
import type { GoldenModel } from '../support/reference-models.ts';
import { drain, goldenOf, greedy, makeEngine, referenceModel } from './support.ts';

const MODELS = ['stories260K', 'tinystories-656k'] as const;
const TIERS = ['subgroups', 'no-subgroups'] as const;
const missing = whyNoReferenceData('weights/golden_greedy.json');

/** Ways of running that must make no difference. */
const WAYS: readonly { readonly name: string; readonly change: Partial<EngineSettings> }[] = [
  { name: 'one step after the other', change: {} },
  { name: 'a shuffled pool', change: { shuffleSeed: 7 } },
  { name: 'blocks of 8', change: { blockSize: 8, numBlocks: 128 } },
  { name: 'one contiguous reservation', change: { layout: 'contiguous', prefixCaching: false } },
];

describe.skipIf(missing !== null)(
  `greedy tokens equal the golden ones${missing ? ` (${missing})` : ''}`,
  () => {
    describe.each(TIERS)('%s', (tier) => {
      let gpu: Gpu;
      const models = new Map<string, { model: LoadedModel; golden: GoldenModel }>();
      beforeAll(async () => {
        gpu = await openTestGpu(tier === 'subgroups' ? {} : { subgroups: false });
        for (const name of MODELS) {
          models.set(name, { model: await referenceModel(gpu, name), golden: await goldenOf(name) });
        }
      });
      const of = (name: string) => {
        const found = models.get(name);
        if (!found) throw new Error(`${name} was not loaded.`);
        const { prompt, greedy_tokens: tokens } = found.golden;
        return { ...found, prompt, continuation: tokens.slice(prompt.length) };
      };

      it.each(MODELS)('alone: %s', async (name) => {
        const { model, prompt, continuation } = of(name);
        const engine = await makeEngine(gpu, model);
        expect(await engine.generate(greedy(prompt, continuation.length))).toEqual(continuation);
        engine.destroy();
      });

      it.each(WAYS)('$name', async ({ change }) => {
        const { model, prompt, continuation } = of('stories260K');
        const wanted = continuation.slice(0, 60);
        const engine = await makeEngine(gpu, model, change);
        expect(await engine.generate(greedy(prompt, wanted.length))).toEqual(wanted);
        engine.destroy();
      });

      it('in a batch of ragged neighbours, with chunked prompts', async () => {
        const { model, prompt, continuation } = of('tinystories-656k');
        const text = [...prompt, ...continuation];
        const engine = await makeEngine(gpu, model, { tokenBudget: 24 });
        // Each continues the golden text from a place of its own, so each knows what must come.
        const cuts = [6, 70, 33, 101, 9, 18, 55];
        const requests = cuts.map((cut) => engine.submit(greedy(text.slice(0, cut), 30)));
        const outputs = await drain(engine, requests);
        outputs.forEach((output, i) => {
          const cut = cuts[i] ?? 0;
          expect(output, `cut at ${cut}`).toEqual(text.slice(cut, cut + 30));
        });
        engine.destroy();
      });

      it('after preemptions', async () => {
        const { model, prompt, continuation } = of('tinystories-656k');
        const text = [...prompt, ...continuation];
        // Four sequences of up to 90 tokens want 24 blocks of 16; there are 14.
        const engine = await makeEngine(gpu, model, {
          numBlocks: 14,
          maxContextTokens: 200,
          prefixCaching: false,
        });
        const requests = [6, 9, 20, 31].map((cut) => engine.submit(greedy(text.slice(0, cut), 60)));
        let preempted = 0;
        for (let report = await engine.step(); report; report = await engine.step()) {
          preempted += report.preempted.length;
          engine.check();
        }
        expect(preempted).toBeGreaterThan(0);
        expect(requests.map((request) => engine.outputOf(request))).toEqual(
          [6, 9, 20, 31].map((cut) => text.slice(cut, cut + 60)),
        );
        engine.destroy();
      });

      it('after preemptions to host memory', async () => {
        const { model, prompt, continuation } = of('tinystories-656k');
        const text = [...prompt, ...continuation];
        const engine = await makeEngine(gpu, model, {
          numBlocks: 14,
          maxContextTokens: 200,
          offload: 'host',
          hostBytes: 2 ** 24,
        });
        const requests = [6, 9, 20, 31].map((cut) => engine.submit(greedy(text.slice(0, cut), 60)));
        let [preempted, lost] = [0, 0];
        for (let report = await engine.step(); report; report = await engine.step()) {
          preempted += report.preempted.length;
          lost += report.lostTokens.reduce((a, b) => a + b, 0);
          engine.check();
        }
        expect(preempted).toBeGreaterThan(0);
        expect(lost).toBe(0);
        expect(engine.offloaded.inBytes).toBeGreaterThan(0);
        expect(requests.map((request) => engine.outputOf(request))).toEqual(
          [6, 9, 20, 31].map((cut) => text.slice(cut, cut + 60)),
        );
        engine.destroy();
      });

      it('with a shared prefix', async () => {
        const { model, prompt, continuation } = of('tinystories-656k');
        const text = [...prompt, ...continuation];
        const engine = await makeEngine(gpu, model);
        const first = engine.submit(greedy(text.slice(0, 70), 10));
        await drain(engine, [first]);
        const second = engine.submit(greedy(text.slice(0, 70), 40));
        const reports = [];
        for (let report = await engine.step(); report; report = await engine.step()) reports.push(report);
        expect(reports[0]?.joinedCachedTokens).toEqual([64]);
        expect(engine.outputOf(second)).toEqual(text.slice(70, 110));
        engine.destroy();
      });

      it('in parallel samples that share their prompt and copy its last block', async () => {
        const { model, prompt, continuation } = of('tinystories-656k');
        const text = [...prompt, ...continuation];
        const engine = await makeEngine(gpu, model);
        const parent = engine.submit(greedy(text.slice(0, 40), 30));
        const forks = [1, 2].map(() => engine.submit({ ...greedy(text.slice(0, 40), 30), forkOf: parent }));
        const reports = [];
        for (let report = await engine.step(); report; report = await engine.step()) reports.push(report);
        const cached = reports.flatMap(({ joinedCachedTokens }) => joinedCachedTokens);
        expect(cached).toEqual([0, 39, 39]);
        for (const request of [parent, ...forks])
          expect(engine.outputOf(request)).toEqual(text.slice(40, 70));
        engine.destroy();
      });

      it('when it is cancelled in the middle, the others go on', async () => {
        const { model, prompt, continuation } = of('stories260K');
        const engine = await makeEngine(gpu, model, { maxSequences: 2 });
        const [a, b, c] = [0, 1, 2].map(() => engine.submit(greedy(prompt, 40)));
        for (let i = 0; i < 5; i++) await engine.step();
        engine.cancel(a ?? 0);
        engine.cancel(c ?? 0);
        await drain(engine, []);
        expect(engine.outputOf(a ?? 0).length).toBeLessThan(10);
        expect(engine.outputOf(b ?? 0)).toEqual(continuation.slice(0, 40));
        expect(engine.outputOf(c ?? 0)).toEqual([]);
        expect(engine.blocksOf(a ?? 0)).toEqual([]);
        engine.destroy();
      });

      it('ends at a stop token', async () => {
        const { model, prompt, continuation } = of('stories260K');
        const engine = await makeEngine(gpu, model);
        const stop = continuation[20] ?? 0;
        const end = continuation.indexOf(stop) + 1;
        const output = await engine.generate({ ...greedy(prompt, 60), stopTokens: [stop] });
        expect(output).toEqual(continuation.slice(0, end));
        engine.destroy();
      });
    });
  },
);
