/**
 * The run of a quality experiment: what each cache of the scenario cost a real model, sample by sample. A kind of the one
 * run document (schema.ts).
 *
 * Samples are kept, not summaries: core/metrics/quality computes values and intervals from them. Samples of the same
 * place in two points saw the same tokens, so that two caches can be compared pair by pair.
 */
import * as v from 'valibot';
import { KV_FORMATS } from '../kv/formats.ts';
import { KEY_AXES, QUALITY_POLICIES, QualityScenario } from '../scenario/quality/schema.ts';
import { Environment } from './environment.ts';
import { RUN_VERSION } from './version.ts';

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const finite = v.pipe(v.number(), v.finite());
const positive = v.pipe(v.number(), v.finite(), v.minValue(0));
const list = <S extends v.GenericSchema>(item: S, max: number) => v.pipe(v.array(item), v.maxLength(max));

export const QualityModel = v.strictObject({
  name: text(200),
  family: text(40),
  layers: count,
  queryHeads: count,
  kvHeads: count,
  headDim: count,
  vocab: count,
  weights: text(20),
  /** facts: the shipped model's language. copies: random tokens that come twice. */
  task: v.picklist(['facts', 'copies']),
  /** held-out: text of the model's own kind. given: a person's. sampled: the model's own, at temperature 1. */
  text: v.picklist(['held-out', 'given', 'sampled']),
});

/** Which answers were right at one place. */
export const RecallSamples = v.strictObject({
  distance: count,
  depth: positive,
  /** 1: the most probable candidate was the answer. */
  right: list(v.picklist([0, 1]), 1000),
  /** Share of the candidates' probability that the answer got. */
  probability: list(positive, 1000),
});

/** One text: a value for each scored position. */
export const TextSamples = v.strictObject({
  /** −log p of the token that came, in nats. */
  nll: list(finite, 65_536),
  /** Σ p·log(p/q) in nats, p with the full cache. */
  kl: list(finite, 65_536),
  /** 1: the most probable token is that of the full cache. */
  agree: list(v.picklist([0, 1]), 65_536),
});

/** ‖attention − attention with the full cache‖ / ‖attention with the full cache‖ of one head, a value a sequence. */
export const HeadError = v.strictObject({ layer: count, head: count, errors: list(positive, 16) });

export const QualityPoint = v.strictObject({
  cell: v.strictObject({
    kFormat: v.picklist(KV_FORMATS),
    vFormat: v.picklist(KV_FORMATS),
    policy: v.picklist(QUALITY_POLICIES),
    budget: v.nullable(count),
    variant: v.nullable(
      v.strictObject({
        bits: count,
        axis: v.picklist(KEY_AXES),
        rotated: v.boolean(),
        outlierGain: positive,
      }),
    ),
  }),
  status: v.picklist(['done', 'failed', 'skipped']),
  /** Why there are no samples, or fewer. */
  reason: v.nullable(text(400)),
  /** Rows were rounded before a pool of f32 took them: quality as it would be, bytes by arithmetic, no speed. */
  emulated: v.boolean(),
  kernels: text(400),
  /** Of a token that is kept, over all layers, parameters of the format included. */
  bytesPerToken: positive,
  /** Bytes held for each token of a context of `tasks.recall.contextTokens`: less where tokens are evicted. */
  heldBytesPerToken: positive,
  recall: list(RecallSamples, 96),
  text: list(TextSamples, 256),
  attention: list(HeadError, 16_384),
  /** Decode steps without prefill and without anybody reading logits, all sequences of the speed task together. */
  stepMs: list(positive, 4096),
});

/**
 * What the newest queries of one sequence saw with the full cache, in one head, and which tokens the policy of a cell had
 * evicted by then, as the policy's own reference chooses from that attention.
 */
export const AttentionPicture = v.strictObject({
  layer: count,
  head: count,
  /** Label of the cell. */
  cell: text(120),
  /** Queries, oldest first, their positions. */
  queries: list(count, 64),
  /** Tokens of the sequence. */
  tokens: count,
  /** [queries][tokens up to the query] */
  weights: list(list(positive, 4096), 64),
  /** Positions, rising. */
  evicted: list(count, 4096),
  /** Queries before this position saw every token. */
  cutAt: count,
  /** Where the token stands that the last query asks for; absent where the sequence is no question. */
  fact: v.optional(count),
});

export const QualityRun = v.strictObject({
  version: v.literal(RUN_VERSION),
  kind: v.literal('quality'),
  id: text(60),
  title: text(120),
  createdAt: text(40),
  origin: v.literal('measured'),
  command: v.nullable(text(1000)),
  scenario: QualityScenario,
  environment: Environment,
  model: QualityModel,
  /** The full cache first. */
  points: list(QualityPoint, 256),
  pictures: list(AttentionPicture, 64),
  notes: list(text(600), 50),
  complete: v.boolean(),
});

export type QualityModel = v.InferOutput<typeof QualityModel>;
export type RecallSamples = v.InferOutput<typeof RecallSamples>;
export type TextSamples = v.InferOutput<typeof TextSamples>;
export type HeadError = v.InferOutput<typeof HeadError>;
export type QualityPoint = v.InferOutput<typeof QualityPoint>;
export type AttentionPicture = v.InferOutput<typeof AttentionPicture>;
export type QualityRun = v.InferOutput<typeof QualityRun>;
