/**
 * How fast each pair of channels turns with the position: rotary embedding (arXiv:2104.09864) and its scaled variants.
 *
 * Sources: linear, arXiv:2306.15595; llama3, the code that Meta published with Llama 3.1; yarn, arXiv:2309.00071; all as
 * transformers' modeling_rope_utils.py defines their parameters.
 */
import type { ModelConfig, Positions, RopeScaling } from './config.ts';

/** Radians a position, [rotaryDim / 2], in double precision; empty where positions are learned. */
export function ropeFrequencies(positions: Positions): Float64Array {
  if (positions.kind !== 'rope') return new Float64Array(0);
  const { theta, rotaryDim, scaling } = positions;
  const scale = scaling ? scaleOf(scaling, theta, rotaryDim) : (frequency: number) => frequency;
  return Float64Array.from({ length: rotaryDim / 2 }, (_, pair) =>
    scale(theta ** ((-2 * pair) / rotaryDim), pair),
  );
}

/** Factor on cos and sin. */
export function ropeMagnitude({ positions }: Pick<ModelConfig, 'positions'>): number {
  const scaling = positions.kind === 'rope' ? positions.scaling : null;
  return scaling?.kind === 'yarn' ? scaling.attentionFactor : 1;
}

/**
 * The frequencies as the kernel reads them (RopeArgs.frequencies): in turns, as a fraction of 2^32. Their product with a
 * position wraps around where the angle does, so that far positions keep the accuracy that f32 would lose: the angle of
 * position p is within p·2^-33 turns.
 */
export function encodedRope({ positions }: Pick<ModelConfig, 'positions'>): Uint32Array<ArrayBuffer> {
  const words = Uint32Array.from(ropeFrequencies(positions), (radians) =>
    Math.round((radians / (2 * Math.PI)) * 2 ** 32),
  );
  // A binding cannot be empty.
  return words.length > 0 ? words : new Uint32Array(1);
}

type Scale = (frequency: number, pair: number) => number;
type Maker<K> = (scaling: Extract<RopeScaling, { kind: K }>, theta: number, rotaryDim: number) => Scale;

const linear: Maker<'linear'> =
  ({ factor }) =>
  (frequency) =>
    frequency / factor;

/** Pairs that turn often within the original length stay, those that hardly turn are stretched, the rest is blended. */
const llama3: Maker<'llama3'> =
  ({ factor, lowFrequencyFactor, highFrequencyFactor, originalMaxPositions }) =>
  (frequency) => {
    const turns = (originalMaxPositions * frequency) / (2 * Math.PI);
    const kept = clamp01((turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor));
    return kept * frequency + ((1 - kept) * frequency) / factor;
  };

/** As llama3, but the blend is a ramp over the pairs' numbers, with bounds rounded outwards. */
const yarn: Maker<'yarn'> = ({ factor, betaFast, betaSlow, originalMaxPositions }, theta, rotaryDim) => {
  const pairOfTurns = (turns: number): number =>
    (rotaryDim * Math.log(originalMaxPositions / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const low = Math.max(0, Math.floor(pairOfTurns(betaFast)));
  const high = Math.min(rotaryDim - 1, Math.ceil(pairOfTurns(betaSlow)));
  return (frequency, pair) => {
    const stretched = clamp01((pair - low) / Math.max(high - low, 0.001));
    return (1 - stretched) * frequency + (stretched * frequency) / factor;
  };
};

function scaleOf(scaling: RopeScaling, theta: number, rotaryDim: number): Scale {
  switch (scaling.kind) {
    case 'linear':
      return linear(scaling, theta, rotaryDim);
    case 'llama3':
      return llama3(scaling, theta, rotaryDim);
    case 'yarn':
      return yarn(scaling, theta, rotaryDim);
    default:
      return scaling satisfies never;
  }
}

function clamp01(x: number): number {
  return Math.min(1, Math.max(0, x));
}
