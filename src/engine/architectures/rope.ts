/**
 * `rope_scaling` of a `config.json`, and `rope_parameters`, its name since transformers 5.
 *
 * Sources of the fields: transformers, `modeling_rope_utils.py` (Apache-2.0). What follows from them, the angle of each
 * pair of channels, is in engine/rope-frequencies.ts.
 */
import * as v from 'valibot';
import type { RopeScaling } from '../config.ts';
import { quoted } from '../files/error.ts';
import { fitting } from '../files/json-file.ts';
import { FIELDS, unsupported } from './architecture.ts';

const number = (least: number, most: number) =>
  v.pipe(v.number(), v.finite(), v.minValue(least), v.maxValue(most));

const factor = number(1, 1e6);

/** Rope fields as they stand in a `config.json`, either at its top or in one of two objects. */
export const ROPE_FIELDS = {
  rope_theta: FIELDS.theta,
  partial_rotary_factor: v.nullish(number(0, 1)),
  rope_scaling: v.nullish(v.record(v.string(), v.unknown())),
  rope_parameters: v.nullish(v.record(v.string(), v.unknown())),
} as const;
export type RopeFields = v.InferOutput<v.ObjectSchema<typeof ROPE_FIELDS, undefined>>;

const Kind = v.object({
  rope_type: v.nullish(v.string()),
  type: v.nullish(v.string()),
  rope_theta: FIELDS.theta,
  partial_rotary_factor: v.nullish(number(0, 1)),
});
const Linear = v.object({ factor });
const Llama3 = v.object({
  factor,
  low_freq_factor: number(1e-3, 1e6),
  high_freq_factor: number(1e-3, 1e6),
  original_max_position_embeddings: FIELDS.positions,
});
const Yarn = v.object({
  factor,
  beta_fast: v.nullish(number(1e-3, 1e6)),
  beta_slow: v.nullish(number(1e-3, 1e6)),
  original_max_position_embeddings: v.nullish(FIELDS.positions),
  attention_factor: v.nullish(number(1e-3, 1e3)),
  mscale: v.nullish(number(0, 1e3)),
  mscale_all_dim: v.nullish(number(0, 1e3)),
  truncate: FIELDS.flag,
});

type Reader = (name: string, object: unknown, maxPositions: number) => RopeScaling | null;

const READERS: Readonly<Record<string, Reader>> = {
  default: () => null,
  linear: (name, object) => ({ kind: 'linear', factor: fitting(name, Linear, object).factor }),
  llama3: (name, object) => {
    const read = fitting(name, Llama3, object);
    return {
      kind: 'llama3',
      factor: read.factor,
      lowFrequencyFactor: read.low_freq_factor,
      highFrequencyFactor: read.high_freq_factor,
      originalMaxPositions: read.original_max_position_embeddings,
    };
  },
  yarn: (name, object, maxPositions) => {
    const read = fitting(name, Yarn, object);
    if (read.truncate === false) throw unsupported(name, 'YaRN without rounded bounds is missing here');
    return {
      kind: 'yarn',
      factor: read.factor,
      betaFast: read.beta_fast ?? 32,
      betaSlow: read.beta_slow ?? 1,
      originalMaxPositions: read.original_max_position_embeddings ?? maxPositions,
      attentionFactor: read.attention_factor ?? yarnAttentionFactor(read),
    };
  },
};

/** YaRN's factor on cos and sin where the file names none: 0.1·ln(factor) + 1 (arXiv:2309.00071, section 3.4). */
export function yarnAttentionFactor(read: {
  readonly factor: number;
  readonly mscale?: number | null | undefined;
  readonly mscale_all_dim?: number | null | undefined;
}): number {
  const magnitude = (scale: number) => (read.factor <= 1 ? 1 : 0.1 * scale * Math.log(read.factor) + 1);
  const { mscale, mscale_all_dim: all } = read;
  return mscale && all ? magnitude(mscale) / magnitude(all) : magnitude(1);
}

export interface RopeSettings {
  readonly theta: number;
  /** Share of a head's channels that are turned. */
  readonly partial: number | null;
  readonly scaling: RopeScaling | null;
}

/** @throws ModelError `unsupported` for a scaling that is not built here */
export function readRope(name: string, fields: RopeFields, maxPositions: number): RopeSettings {
  const object = fields.rope_parameters ?? fields.rope_scaling ?? {};
  const kind = fitting(`${name}, rope_scaling`, Kind, object);
  const type = kind.rope_type ?? kind.type ?? 'default';
  const reader = Object.hasOwn(READERS, type) ? READERS[type] : undefined;
  if (!reader) {
    throw unsupported(
      name,
      `its rope_scaling ${quoted(type)} is missing here; there are ${Object.keys(READERS).join(', ')}`,
    );
  }
  return {
    theta: kind.rope_theta ?? fields.rope_theta ?? 10_000,
    partial: kind.partial_rotary_factor ?? fields.partial_rotary_factor ?? null,
    scaling: reader(`${name}, rope_scaling`, object, maxPositions),
  };
}
