/** The reference pass against the float64 reference that came with the two trained models. */
import { describe, expect, test } from 'vitest';
import { argmaxTwin, forwardTwin } from '../../src/engine/forward.twin.ts';
import { readHostWeights } from '../../src/engine/weights/host.ts';
import {
  golden,
  NO_REFERENCE_MODELS,
  openStories260K,
  openTinystories,
} from '../support/reference-models.ts';

const why = NO_REFERENCE_MODELS === null ? '' : ` (skipped: ${NO_REFERENCE_MODELS})`;

/** Logits that the reference prints with six digits. */
function expectClose(actual: Float64Array | undefined, expected: readonly number[] | undefined): void {
  expect(expected?.length).toBeGreaterThan(0);
  expected?.forEach((value, i) => expect(actual?.[i], `logit ${i}`).toBeCloseTo(value, 4));
}

describe.skipIf(NO_REFERENCE_MODELS !== null)(`trained models${why}`, () => {
  test('stories260K: greedy tokens and logits', async () => {
    const expected = (await golden()).stories260K;
    const source = await openStories260K();
    const ids = expected.greedy_tokens;
    const logits = forwardTwin(source.config, await readHostWeights(source), ids.slice(0, -1));
    expect(logits.map(argmaxTwin)).toEqual(ids.slice(1));
    expectClose(logits[0], expected.logits_pos0);
    expectClose(logits[10], expected.logits_pos10_first16);
  });

  test('tinystories-656k: greedy tokens and logits', async () => {
    const expected = (await golden())['tinystories-656k'];
    const source = await openTinystories();
    const { prompt, greedy_tokens: generated } = expected;
    const ids = generated;
    const logits = forwardTwin(source.config, await readHostWeights(source), ids.slice(0, -1));
    expect(logits.map(argmaxTwin).slice(prompt.length - 1)).toEqual(ids.slice(prompt.length));
    expectClose(logits[prompt.length - 1], expected.logits_last_prompt_pos_first32);
  });
});
