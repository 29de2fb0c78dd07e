/** Tests of a guarded rollout against their vectors, and the promise of the sequential one: peeking is legal. */
import { expect, test } from 'vitest';
import {
  alwaysValidHalfWidth,
  hoeffdingHalfWidth,
  mcnemarExact,
  mixtureSequentialTest,
  nonInferiority,
  obrienFlemingSpend,
  pairedSampleSize,
  unpairedSampleSize,
  wilsonInterval,
} from '../../../src/core/metrics/sequential.ts';
import { createRandom } from '../../../src/core/random.ts';
import { isWithin, vectors } from '../../golden/vectors.ts';

type Input = Record<string, number>;

function test4(input: Input) {
  const { n = 0, mean = 0, sigma2 = 0, tau2 = 0, alpha = 0 } = input;
  return { n, mean, variance: sigma2, mixture: tau2, alpha };
}

const COMPUTE: Readonly<Record<string, (input: Record<string, unknown>) => unknown>> = {
  mcnemarExact: (input) =>
    mcnemarExact(Number(input['base_only_correct']), Number(input['new_only_correct'])),
  wilson: (input) => {
    const { low, high } = wilsonInterval(
      Number(input['successes']),
      Number(input['n']),
      Number(input['conf']),
    );
    return [low, high];
  },
  nonInferiority: (input) => {
    const answer = nonInferiority(
      input['paired_deltas'] as number[],
      Number(input['margin']),
      Number(input['alpha']),
    );
    return {
      mean: answer?.mean,
      se: answer?.standardError,
      lower_one_sided: answer?.lower,
      non_inferior: answer?.nonInferior,
    };
  },
  msprt: (input) => {
    const { ratio, pBound, reject } = mixtureSequentialTest(test4(input as Input));
    return { lambda: ratio, p_bound: pBound, reject };
  },
  alwaysValidHalfWidth: (input) => alwaysValidHalfWidth(test4(input as Input)),
  sampleSizeNonInferiorityUnpaired: (input) => unpairedSampleSize(Number(input['p']), sizeOf(input)),
  sampleSizeNonInferiorityPaired: (input) =>
    pairedSampleSize(Number(input['discordant_rate']), sizeOf(input)),
  hoeffdingHalfWidth: (input) =>
    hoeffdingHalfWidth(Number(input['n']), Number(input['range']), Number(input['alpha'])),
  obrienFlemingSpend: (input) =>
    obrienFlemingSpend(Number(input['alpha']), input['info_fraction'] as number[]),
};

function sizeOf(input: Record<string, unknown>) {
  return { margin: Number(input['margin']), alpha: Number(input['alpha']), power: Number(input['power']) };
}

function expectClose(actual: unknown, expected: unknown, tol: number): void {
  if (typeof expected === 'object' && expected !== null) {
    const found = actual as Record<string, unknown>;
    for (const [name, value] of Object.entries(expected)) expectClose(found[name], value, tol);
    return;
  }
  // An expected 0 that carries rounding (1e-17) has no relative distance.
  const near =
    typeof actual === 'number' && typeof expected === 'number' && Math.abs(actual - expected) < 1e-15;
  expect(near || isWithin(actual, expected, tol), `${String(actual)}, expected ${String(expected)}`).toBe(
    true,
  );
}

test.each(vectors('roll/'))('$id', ({ fn, input, expected, tol }) => {
  const compute = COMPUTE[fn];
  if (!compute) throw new Error(`No function for ${fn}.`);
  expectClose(compute(input), expected, tol);
});

/** Share of walks in which a test of level 5 % ever says that there is a difference, looked at after every sample. */
function everRejects(
  mean: number,
  walks: number,
  samples: number,
  rejects: (n: number, mean: number) => boolean,
) {
  let count = 0;
  for (let walk = 0; walk < walks; walk++) {
    const random = createRandom(walk).fork('peeking');
    let sum = 0;
    for (let n = 1; n <= samples; n++) {
      sum += mean + random.normal();
      if (rejects(n, sum / n)) {
        count++;
        break;
      }
    }
  }
  return count / walks;
}

test('peeking after every sample keeps the level of the sequential test, and breaks that of a fixed one', () => {
  const sequential = (n: number, mean: number) =>
    mixtureSequentialTest({ n, mean, variance: 1, mixture: 0.04, alpha: 0.05 }).reject;
  const fixed = (n: number, mean: number) => Math.abs(mean) * Math.sqrt(n) > 1.959964;
  expect(everRejects(0, 400, 300, sequential)).toBeLessThan(0.05);
  expect(everRejects(0, 400, 300, fixed)).toBeGreaterThan(0.2);
  expect(everRejects(0.5, 400, 300, sequential)).toBeGreaterThan(0.95);
});

test('too little to say anything is said as such', () => {
  expect(alwaysValidHalfWidth({ n: 0, variance: 1, mixture: 1, alpha: 0.05 })).toBe(Infinity);
  expect(nonInferiority([0.1], 0.1)).toBeNull();
  expect(mcnemarExact(0, 0)).toBe(1);
  expect(wilsonInterval(0, 0)).toEqual({ low: 0, high: 1 });
});
