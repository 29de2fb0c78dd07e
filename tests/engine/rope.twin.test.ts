/** Rotary frequencies written twice, for the GPU and for the reference pass, are the same; and a turn keeps lengths. */
import { describe, expect, test } from 'vitest';
import type { Positions, RopeScaling } from '../../src/engine/config.ts';
import { ropeFrequencies } from '../../src/engine/rope-frequencies.ts';
import { twinFrequencies, twinRope } from '../../src/engine/rope.twin.ts';

type Rope = Extract<Positions, { kind: 'rope' }>;

const SCALINGS: readonly (RopeScaling | null)[] = [
  null,
  { kind: 'linear', factor: 4 },
  { kind: 'llama3', factor: 32, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalMaxPositions: 8192 },
  { kind: 'yarn', factor: 4, betaFast: 32, betaSlow: 1, originalMaxPositions: 32768, attentionFactor: 1.14 },
  // Both bounds of the ramp fall on the same pair.
  { kind: 'yarn', factor: 2, betaFast: 1, betaSlow: 1, originalMaxPositions: 7, attentionFactor: 1 },
];
const ROPES: readonly Rope[] = SCALINGS.flatMap((scaling) =>
  [
    { theta: 10_000, rotaryDim: 32 },
    { theta: 500_000, rotaryDim: 128 },
  ].map((shape) => ({ kind: 'rope', layout: 'half', scaling, ...shape }) as const),
);

describe.each(ROPES.map((rope) => ({ rope, name: `${rope.scaling?.kind ?? 'plain'} ${rope.rotaryDim}` })))(
  '$name',
  ({ rope }) => {
    test('frequencies agree', () => {
      const expected = twinFrequencies(rope);
      const actual = ropeFrequencies(rope);
      expect(actual).toHaveLength(rope.rotaryDim / 2);
      expected.forEach((value, pair) => expect((actual[pair] ?? 0) / value).toBeCloseTo(1, 12));
    });

    test.each(['half', 'interleaved'] as const)('a turn keeps the length, %s', (layout) => {
      const head = Float64Array.from({ length: rope.rotaryDim + 6 }, (_, i) => (i % 7) - 3);
      const turned = head.slice();
      twinRope(turned, 1234, { ...rope, layout }, twinFrequencies(rope));
      const length = (x: Float64Array) =>
        x.slice(0, rope.rotaryDim).reduce((sum, value) => sum + value * value, 0);
      const magnitude = rope.scaling?.kind === 'yarn' ? rope.scaling.attentionFactor : 1;
      expect(length(turned) / length(head)).toBeCloseTo(magnitude ** 2, 10);
      expect(turned.slice(rope.rotaryDim)).toEqual(head.slice(rope.rotaryDim));
    });
  },
);

test('the score of two tokens depends on how far they are apart, in both layouts', () => {
  for (const layout of ['half', 'interleaved'] as const) {
    const rope: Rope = { kind: 'rope', theta: 10_000, rotaryDim: 8, layout, scaling: null };
    const score = (p: number, q: number) => {
      const a = Float64Array.of(1, 2, -1, 0.5, 3, -2, 1, 1);
      const b = Float64Array.of(-1, 1, 2, 0.25, 1, 1, -3, 2);
      twinRope(a, p, rope, twinFrequencies(rope));
      twinRope(b, q, rope, twinFrequencies(rope));
      return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
    };
    expect(score(100, 93)).toBeCloseTo(score(17, 10), 9);
    expect(score(100, 92)).not.toBeCloseTo(score(17, 10), 3);
  }
});
