/**
 * The scenario of the quality laboratory: which caches a model is given, and what it is asked with each of them.
 *
 * A third kind of the one scenario document (`kind: "quality"`). Its cells (cells.ts) stand where other kinds have a
 * sweep. The bounds here are the bounds of everything that comes from outside; contradictions are in rules.ts.
 */
import * as v from 'valibot';
import { KV_FORMATS } from '../../kv/formats.ts';
import { BLOCK_SIZES, EVICTION_POLICIES, SCENARIO_VERSION, TIERS } from '../schema.ts';

const int = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const real = (min: number, max: number) => v.pipe(v.number(), v.finite(), v.minValue(min), v.maxValue(max));
const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const list = <S extends v.GenericSchema>(item: S, min: number, max: number) =>
  v.pipe(v.array(item), v.minLength(min), v.maxLength(max));

/** Eviction policies, and a plain sliding window: the newest tokens and no sinks. */
export const QUALITY_POLICIES = [...EVICTION_POLICIES, 'window'] as const;
export type QualityPolicy = (typeof QUALITY_POLICIES)[number];

export const KEY_AXES = ['token', 'channel'] as const;

/** Keys of few bits, one scale for a group of channels of a token or for a channel of a group of tokens. */
export const KeyVariants = v.strictObject({
  /** Bits of a key; values stay f32. Empty: no variants. */
  bits: list(int(2, 8), 0, 4),
  /** token: scales along channels. channel: along tokens, as KIVI. */
  axes: list(v.picklist(KEY_AXES), 1, 2),
  /** Hadamard rotation of every head before the rounding, undone behind it. */
  rotation: list(v.boolean(), 1, 2),
  /**
   * Gains of a planted outlier channel, 1 for none: one key channel is multiplied by it before the rounding and divided
   * behind it, which is a model whose attention is the same and whose keys have an outlier.
   */
  outlierGains: list(real(1, 1000), 1, 3),
});

export const QualityCache = v.strictObject({
  kFormats: list(v.picklist(KV_FORMATS), 1, 7),
  /** Empty: values in the format of the keys. */
  vFormats: list(v.picklist(KV_FORMATS), 0, 7),
  policies: list(v.picklist(QUALITY_POLICIES), 1, 9),
  /** Tokens that a sequence keeps, for policies that take a budget. */
  budgets: list(int(16, 1_048_576), 0, 8),
  /** Every format with every policy and budget; else formats without eviction, and policies in f32. */
  crossed: v.boolean(),
  variants: KeyVariants,
});

export const QualityTasks = v.strictObject({
  recall: v.strictObject({
    /** Tokens between a fact and the question for it. */
    distances: list(int(1, 1_048_576), 0, 12),
    /** Where in the context the fact stands: 0 its beginning, 1 its end. */
    depths: list(real(0, 1), 1, 8),
    /** For each distance and depth. */
    samples: int(0, 1000),
    /** Longest context; the question stands at its end. */
    contextTokens: int(16, 1_048_576),
    /**
     * behind: the context is computed (and cut) before the question comes. inside: the question ends the prompt as well, so
     * that a policy which looks at the newest queries sees it, and is asked again behind the cut.
     */
    question: v.picklist(['behind', 'inside']),
  }),
  text: v.strictObject({
    sequences: int(0, 256),
    promptTokens: int(1, 1_048_576),
    /** Tokens behind the prompt whose probability counts, one decode step each. */
    scoredTokens: int(1, 65_536),
  }),
  /** Sequences whose attention is compared head by head with the full cache; 0: not compared. */
  attentionSequences: int(0, 16),
  speed: v.strictObject({
    /** Decoded together; 0: not timed. */
    sequences: int(0, 64),
    tokens: int(2, 4096),
  }),
});

export const QualityScenario = v.strictObject({
  version: v.literal(SCENARIO_VERSION),
  kind: v.literal('quality'),
  title: text(120),
  about: text(600),
  seed: int(0, 4_294_967_295),
  /** shipped: the model that comes with the page. loaded: the one that whoever runs it has loaded. */
  model: v.picklist(['shipped', 'loaded']),
  hardware: v.strictObject({ adapter: v.picklist(['high-performance', 'low-power']) }),
  engine: v.strictObject({
    blockSize: v.picklist(BLOCK_SIZES),
    /** Newest tokens that int2 keeps in f16, and that variants of keys keep as they are. */
    residualTokens: int(32, 512),
    /** Sequences in flight together. */
    sequences: int(1, 64),
    tier: v.picklist(TIERS.filter((tier) => tier !== 'cpu')),
  }),
  cache: QualityCache,
  tasks: QualityTasks,
  /** Dotted paths that replace values on a software adapter, where the full size would take hours. The run says so. */
  softwareAdapter: v.record(text(60), v.union([v.number(), list(v.number(), 0, 12)])),
});

export type QualityScenario = v.InferOutput<typeof QualityScenario>;
export type QualityTasks = v.InferOutput<typeof QualityTasks>;
export type KeyAxis = (typeof KEY_AXES)[number];
