/** The engine with every KV format: how far its logits are from those of the float64 pass, in a ragged batch with chunks. */
import { beforeAll, describe, expect, it } from 'vitest';
import { KV_FORMATS, type KvFormat } from '../../src/core/kv/formats.ts';
import { forwardTwin } from '../../src/engine/forward.twin.ts';
import { readHostWeights } from '../../src/engine/weights/host.ts';
import type { LoadedModel } from '../../src/engine/weights-types.ts';
import type { Gpu } from '../../src/gpu/context.ts';
import { NO_REFERENCE_MODELS, openTinystories } from '../support/reference-models.ts';
import { openTestGpu } from '../support/gpu.ts';
import { goldenOf, GREEDY, makeEngine, referenceModel } from './support.ts';

/**
 * Largest distance of a logit on this model, whose logits span about ±12. The order of the formats is the point; each
 * bound is a few times what the format gave when this was written (f32 2e-6, f16 9e-4 …), far below the next wider one.
 */
const BOUNDS: Record<KvFormat, number> = {
  f32: 1e-4,
  f16: 0.01,
  'fp8-e4m3': 1,
  'fp8-e5m2': 2,
  int8: 0.3,
  int4: 3,
  int2: 10,
};

describe.skipIf(NO_REFERENCE_MODELS !== null)(
  `KV formats in the engine${NO_REFERENCE_MODELS ? ` (${NO_REFERENCE_MODELS})` : ''}`,
  () => {
    let gpu: Gpu;
    let model: LoadedModel;
    let text: readonly number[];
    let expected: readonly Float64Array[];
    const worst = new Map<KvFormat, number>();
    beforeAll(async () => {
      gpu = await openTestGpu();
      model = await referenceModel(gpu, 'tinystories-656k');
      text = (await goldenOf('tinystories-656k')).greedy_tokens.slice(0, 100);
      const source = await openTinystories();
      expected = forwardTwin(source.config, await readHostWeights(source), text);
    });

    it.each(KV_FORMATS)('%s', async (kvFormat) => {
      const prefixCaching = kvFormat !== 'int2';
      const engine = await makeEngine(gpu, model, { kvFormat, prefixCaching, tokenBudget: 40 });
      let distance = 0;
      const compare = (from: number) => (index: number, logits: Float32Array) => {
        expected[from + index - 1]?.forEach((value, token) => {
          distance = Math.max(distance, Math.abs(value - (logits[token] ?? Infinity)));
        });
      };
      for (const prompt of [70, 9]) {
        engine.submit({
          promptIds: text.slice(0, prompt),
          maxTokens: 20,
          sampling: GREEDY,
          forced: text.slice(prompt, prompt + 20),
          onLogits: compare(prompt),
        });
      }
      while (await engine.step()) engine.check();
      engine.destroy();
      worst.set(kvFormat, distance);
      expect(distance).toBeGreaterThan(0);
      expect(distance).toBeLessThan(BOUNDS[kvFormat]);
    });

    it('fewer bits lose more', () => {
      const of = (format: KvFormat) => worst.get(format) ?? NaN;
      expect(of('f32')).toBeLessThan(of('f16'));
      expect(of('f16')).toBeLessThan(of('int8'));
      expect(of('int8')).toBeLessThan(of('int4'));
      expect(of('int4')).toBeLessThan(of('int2'));
    });
  },
);
