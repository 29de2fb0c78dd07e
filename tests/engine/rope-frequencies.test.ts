import { describe, expect, it } from 'vitest';
import type { Positions, RopeScaling } from '../../src/engine/config.ts';
import { encodedRope, ropeFrequencies, ropeMagnitude } from '../../src/engine/rope-frequencies.ts';

function rope(theta: number, rotaryDim: number, scaling: RopeScaling | null): Positions {
  return { kind: 'rope', theta, layout: 'half', rotaryDim, scaling };
}

describe('ropeFrequencies', () => {
  it('falls by a constant factor from 1', () => {
    expect([...ropeFrequencies(rope(10_000, 8, null))]).toEqual(
      [1, 0.1, 0.01, 0.001].map((x) => expect.closeTo(x, 15) as number),
    );
  });

  it('divides by the factor of position interpolation', () => {
    const scaling = { kind: 'linear', factor: 4 } as const;
    expect([...ropeFrequencies(rope(10_000, 4, scaling))]).toEqual([0.25, expect.closeTo(0.0025, 15)]);
  });

  it('keeps, blends and stretches as Llama 3.1', () => {
    // theta = 16^4: the pairs turn 1303.8, 81.49, 5.093 and 0.318 times in 8192 positions.
    const scaling: RopeScaling = {
      kind: 'llama3',
      factor: 8,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 9,
      originalMaxPositions: 8192,
    };
    const [first, second, third, fourth] = ropeFrequencies(rope(16 ** 4, 8, scaling));
    expect([first, second]).toEqual([1, expect.closeTo(1 / 16, 15)]);
    // Third: (5.09296 − 1)/8 = 0.5116198 kept of 1/256, the rest divided by 8.
    expect(third).toBeCloseTo((0.5116198 + 0.4883802 / 8) / 256, 9);
    expect(fourth).toBeCloseTo(1 / 4096 / 8, 15);
  });

  it('ramps over the pairs as YaRN', () => {
    // theta = 10^4, 16 channels: pair of n turns = 16·log10(L/2πn)/8. L = 2π·10^3: 32 turns → 2.99 → 2, 1 turn → 6.
    const scaling: RopeScaling = {
      kind: 'yarn',
      factor: 4,
      betaFast: 32,
      betaSlow: 1,
      originalMaxPositions: 2 * Math.PI * 1000 * (1 - 1e-12),
      attentionFactor: 1.1386,
    };
    const positions = rope(10_000, 16, scaling);
    const plain = ropeFrequencies(rope(10_000, 16, null));
    const kept = [...ropeFrequencies(positions)].map((x, pair) => x / (plain[pair] ?? 0));
    // From pair 2 to pair 6 from 1 down to a quarter.
    const expected = [1, 1, 1, 0.8125, 0.625, 0.4375, 0.25, 0.25];
    kept.forEach((x, pair) => expect(x).toBeCloseTo(expected[pair] ?? 0, 12));
    expect(ropeMagnitude({ positions })).toBe(1.1386);
    expect(ropeMagnitude({ positions: rope(10_000, 16, null) })).toBe(1);
  });

  it('is empty where positions are learned', () => {
    const positions = { kind: 'learned', offset: 2 } as const;
    expect(ropeFrequencies(positions).length).toBe(0);
    expect(encodedRope({ positions }).length).toBe(1);
    expect(ropeMagnitude({ positions })).toBe(1);
  });
});

describe('encodedRope', () => {
  it('wraps around where the angle does', () => {
    const positions = rope(500_000, 64, null);
    const frequencies = ropeFrequencies(positions);
    encodedRope({ positions }).forEach((word, pair) => {
      for (const position of [1, 4096, 131_071]) {
        const turns = Math.imul(word, position) / 2 ** 32;
        const angle = (frequencies[pair] ?? 0) * position;
        expect(Math.abs(Math.sin(angle / 2 - turns * Math.PI))).toBeLessThan(
          (position * 2 * Math.PI) / 2 ** 33,
        );
      }
    });
  });
});
