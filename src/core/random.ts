/**
 * The one source of randomness in `core` and `sim`: injected, seeded, forkable.
 *
 * xoshiro128** (Blackman and Vigna, 2018, public domain), seeded through splitmix32. `fork(name)` depends on the seed
 * and the name only, never on how many numbers were drawn, so that a new consumer does not shift the others.
 * Not for secrets.
 */
import { cos, log, sin } from './math.ts';

export interface Random {
  /** 32 random bits. */
  nextU32(): number;
  /** Uniform in [0, 1), 53 bits. */
  uniform(): number;
  /** Whole number in [0, bound), without bias. @throws RangeError unless 1 ≤ bound ≤ 2^32. */
  below(bound: number): number;
  /** Standard normal. */
  normal(): number;
  /** Exponential with mean 1. */
  exponential(): number;
  /** A copy in random order. */
  shuffled<T>(items: readonly T[]): T[];
  /** An independent generator for `name`. */
  fork(name: string | number): Random;
}

function mix(word: number): number {
  let z = word >>> 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

/** Seed of a fork: the parent's two seed words and the name, mixed a character at a time. */
function forkSeed(seed: readonly [number, number], name: string): [number, number] {
  let [a, b] = seed;
  for (let i = 0; i < name.length; i++) {
    a = mix(a ^ name.charCodeAt(i));
    b = mix(Math.imul(b, 0x9e3779b1) + a);
  }
  return [mix(a + name.length), mix(b ^ 0x85ebca6b)];
}

function rotateLeft(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k));
}

/** xoshiro128** from its four state words; exported for the test against the published sequence. */
export function xoshiro128(state: readonly [number, number, number, number]): () => number {
  let [s0, s1, s2, s3] = state;
  return () => {
    const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    const t = s1 << 9;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= t;
    s3 = rotateLeft(s3, 11);
    return result;
  };
}

function fromSeed(seed: readonly [number, number]): Random {
  const word = (i: number) => mix(seed[i % 2 === 0 ? 0 : 1] + Math.imul(i + 1, 0x9e3779b9));
  const nextU32 = xoshiro128([word(0), word(1), word(2), word(3) || 1]);
  const uniform = () => ((nextU32() >>> 5) * 67108864 + (nextU32() >>> 6)) / 9007199254740992;
  const below = (bound: number): number => {
    if (!Number.isInteger(bound) || bound < 1 || bound > 4294967296) {
      throw new RangeError(`The bound is ${bound}; a whole number from 1 to 4294967296 is needed.`);
    }
    const limit = 4294967296 - (4294967296 % bound);
    let draw = nextU32();
    while (draw >= limit) draw = nextU32();
    return draw % bound;
  };
  let spare: number | null = null;
  const normal = (): number => {
    if (spare !== null) {
      const value = spare;
      spare = null;
      return value;
    }
    const radius = Math.sqrt(-2 * log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * sin(angle);
    return radius * cos(angle);
  };
  const shuffled = <T>(items: readonly T[]): T[] => {
    const keyed = items.map((item) => ({ item, key: uniform() }));
    return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
  };
  return {
    nextU32,
    uniform,
    below,
    normal,
    exponential: () => -log(1 - uniform()),
    shuffled,
    fork: (name) => fromSeed(forkSeed(seed, String(name))),
  };
}

/** A generator from a whole-number seed of up to 53 bits. @throws RangeError for other seeds. */
export function createRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`The seed is ${seed}; a whole number from 0 to 2^53 - 1 is needed.`);
  }
  return fromSeed([seed >>> 0, Math.floor(seed / 4294967296)]);
}
