/** Images in a prompt: their tokens are KV, and a model without an encoder takes none. */
import { expect, test } from 'vitest';
import { DEFAULT_PLAN } from '../../src/core/scenario/plan/defaults.ts';
import { PlanError, runPlan, type PlanRun } from '../../src/plan/index.ts';

function planned(model: string, images: { each: number; imageTokens: number } | null): PlanRun {
  return runPlan({
    ...DEFAULT_PLAN,
    model,
    hardware: { ...DEFAULT_PLAN.hardware, gpu: 'l40s', count: 1, tensorParallel: 1 },
    load: {
      ...DEFAULT_PLAN.load,
      concurrency: 4,
      promptTokens: { kind: 'fixed', tokens: 500 },
      outputTokens: { kind: 'fixed', tokens: 100 },
      images,
    },
  });
}

test('a model of text alone is refused with its remedy', () => {
  const act = () => planned('llama-3.1-8b', { each: 1, imageTokens: 576 });
  expect(act).toThrow(PlanError);
  expect(act).toThrow(/Llama-3\.1-8B takes no images, .* set it to null, or plan a model with an encoder/);
});

test('the tokens of images take room: fewer sequences, the encoder in the memory', () => {
  const text = planned('llava-1.5-7b', null).deployment?.memory;
  const image = planned('llava-1.5-7b', { each: 1, imageTokens: 576 }).deployment?.memory;
  if (!text || !image) throw new Error('No memory.');
  const encoder = ({ steps }: typeof image) => steps.find(({ id }) => id === 'encoder')?.bytes ?? 0;
  // 324 million parameters in two bytes.
  expect(-encoder(image)).toBeGreaterThan(640e6);
  expect(image.sequencesAtMean).toBeLessThan(0.6 * text.sequencesAtMean);
});
