/**
 * Rotary position embedding in double precision: the angle of each pair of channels, and the turn.
 *
 * Sources: RoFormer, arXiv:2104.09864; the scaled kinds as transformers' `modeling_rope_utils.py` (Apache-2.0) defines
 * them; YaRN, arXiv:2309.00071.
 */
import type { Positions, RopeScaling } from './config.ts';

type Rope = Extract<Positions, { kind: 'rope' }>;

/** Radians that each pair of channels turns per position, [rotaryDim / 2]. */
export function twinFrequencies({ theta, rotaryDim, scaling }: Rope): Float64Array {
  return Float64Array.from({ length: rotaryDim / 2 }, (_, pair) => {
    const plain = theta ** ((-2 * pair) / rotaryDim);
    return scaling === null ? plain : scaled(plain, pair, rotaryDim, theta, scaling);
  });
}

function scaled(plain: number, pair: number, rotaryDim: number, theta: number, scaling: RopeScaling): number {
  switch (scaling.kind) {
    case 'linear':
      return plain / scaling.factor;
    case 'llama3': {
      const turns = (scaling.originalMaxPositions * plain) / (2 * Math.PI);
      const { lowFrequencyFactor: low, highFrequencyFactor: high } = scaling;
      const kept = Math.min(1, Math.max(0, (turns - low) / (high - low)));
      return kept * plain + ((1 - kept) * plain) / scaling.factor;
    }
    case 'yarn': {
      const pairOf = (turns: number) =>
        (rotaryDim * Math.log(scaling.originalMaxPositions / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
      const low = Math.max(0, Math.floor(pairOf(scaling.betaFast)));
      const high = Math.min(rotaryDim - 1, Math.ceil(pairOf(scaling.betaSlow)));
      const stretched = Math.min(1, Math.max(0, (pair - low) / Math.max(high - low, 0.001)));
      return stretched * (plain / scaling.factor) + (1 - stretched) * plain;
    }
    default:
      return scaling satisfies never;
  }
}

/** Turns one head in place. */
export function twinRope(head: Float64Array, position: number, rope: Rope, frequencies: Float64Array): void {
  const magnitude = rope.scaling?.kind === 'yarn' ? rope.scaling.attentionFactor : 1;
  const half = rope.rotaryDim / 2;
  frequencies.forEach((frequency, pair) => {
    const [first, second] = rope.layout === 'half' ? [pair, pair + half] : [2 * pair, 2 * pair + 1];
    const [x, y] = [head[first] ?? 0, head[second] ?? 0];
    const cos = magnitude * Math.cos(position * frequency);
    const sin = magnitude * Math.sin(position * frequency);
    head[first] = x * cos - y * sin;
    head[second] = x * sin + y * cos;
  });
}
