/**
 * The forward pass of one step: from token ids to sampled ids, all rows of the step at once, in one command encoder.
 *
 *   embed → per layer: [norm → QKV] → [RoPE, split, append] → attention → [output + residual]
 *                      → [norm → gate·up → activation] → [down + residual]
 *   → [norm → head] on the sampled rows → sample
 *
 * Each bracket is one dispatch, so a layer has six, or seven where attention joins parts; quantized KV is appended by a
 * dispatch of its own. Every architecture of the engine is this pass; what differs is in ModelConfig.
 *
 * Boundary: launches. Which rows are in the step is step-batch.ts's; the attention over the cache is attention.ts's.
 */
import type { Gpu } from '../gpu/context.ts';
import { createEmbed } from '../gpu/kernels/embed.ts';
import type { Linear, LinearArgs, LinearEpilogue, LinearWeight } from '../gpu/kernels/linear-config.ts';
import { createLinear } from '../gpu/kernels/linear.ts';
import { createRope } from '../gpu/kernels/rope.ts';
import { createSample } from '../gpu/kernels/sample.ts';
import type { EmbedArgs, Kernel, RopeArgs, SampleArgs } from '../gpu/kernels/transformer-config.ts';
import { ropeAppendsFor } from './appender.ts';
import { createAttention, type Attention } from './attention.ts';
import type { ModelConfig } from './config.ts';
import type { EngineHooks, EngineSettings } from './engine-types.ts';
import { poolOf, type KvCache } from './kv-cache.ts';
import { encodedRope, ropeMagnitude } from './rope-frequencies.ts';
import type { StepBatch, StepLimits } from './step-batch.ts';
import type { StepBuffers } from './step-buffers.ts';
import { cacheHeadDim, type LayerWeights, type LoadedModel, type NormWeight } from './weights-types.ts';
import { createPasses, type Passes } from './passes.ts';

interface Kernels {
  readonly embed: Kernel<EmbedArgs>;
  readonly rope: Kernel<RopeArgs>;
  readonly qkv: Linear;
  readonly output: Linear;
  readonly up: Linear;
  readonly down: Linear;
  readonly head: Linear;
  readonly sample: Kernel<SampleArgs>;
}

export interface ForwardParts {
  readonly gpu: Gpu;
  readonly model: LoadedModel;
  readonly settings: EngineSettings;
  readonly limits: StepLimits;
  readonly cache: KvCache;
  readonly buffers: StepBuffers;
  readonly hooks: EngineHooks;
}

export class Forward {
  readonly attention: Attention;
  readonly #parts: ForwardParts;
  readonly #kernels: Kernels;
  readonly #frequencies: GPUBuffer;

  private constructor(parts: ForwardParts, kernels: Kernels, attention: Attention, frequencies: GPUBuffer) {
    this.#parts = parts;
    this.#kernels = kernels;
    this.attention = attention;
    this.#frequencies = frequencies;
  }

  static async create(parts: ForwardParts): Promise<Forward> {
    const { gpu, model } = parts;
    const [kernels, attention] = await Promise.all([createKernels(parts), createAttention(parts)]);
    const frequencies = gpu.buffers.upload('Engine.frequencies', encodedRope(model.config));
    return new Forward(parts, kernels, attention, frequencies);
  }

  /** Kernels that were chosen, for results. */
  get variant(): string {
    const { qkv, head } = this.#kernels;
    return [this.attention.variant, qkv.variant, head.variant].join(' · ');
  }

  /** Encodes the whole step. @throws LaunchError where a size does not fit */
  encode(encoder: GPUCommandEncoder, batch: StepBatch, timestamps?: GPUComputePassTimestampWrites): void {
    const { buffers, model } = this.#parts;
    const { config, weights } = model;
    const passes = createPasses(encoder, timestamps);
    this.#kernels.embed.encode(passes.pass, {
      table: weights.embedding,
      ...(weights.positions && { positionTable: weights.positions }),
      ids: buffers.ids,
      lastTokens: buffers.lastTokens,
      positions: buffers.positions,
      output: buffers.stream,
      tokens: batch.tokens,
    });
    weights.layers.forEach((layer, index) => this.#layer(passes, config, layer, index, batch));
    this.#sample(passes, batch);
    passes.end();
  }

  #layer(passes: Passes, config: ModelConfig, layer: LayerWeights, index: number, batch: StepBatch): void {
    const { buffers } = this.#parts;
    const { tokens } = batch;
    const { qkv, rope, output, up, down } = this.#kernels;
    const { stream, middle } = buffers;
    qkv.encode(passes.pass, {
      ...normed(stream, layer.attentionNorm),
      weight: layer.qkv,
      output: buffers.qkv,
      tokens,
    });
    rope.encode(passes.pass, {
      input: buffers.qkv,
      positions: buffers.positions,
      frequencies: this.#frequencies,
      ...(layer.queryNorm && { queryNorm: layer.queryNorm }),
      ...(layer.keyNorm && { keyNorm: layer.keyNorm }),
      query: buffers.query,
      ...(ropeAppendsFor(this.#parts)
        ? { pool: poolOf(this.#parts.cache, index), slots: buffers.slots }
        : { key: buffers.key, value: buffers.value }),
      tokens,
    });
    this.attention.encode(passes, index, batch);
    output.encode(passes.pass, {
      input: buffers.attention,
      weight: layer.output,
      residual: stream,
      output: middle,
      tokens,
    });
    // A parallel block's MLP reads what its attention read.
    const norm = config.parallelBlock
      ? normed(stream, layer.attentionNorm)
      : normed(middle, layer.mlpNorm ?? layer.attentionNorm);
    up.encode(passes.pass, { ...norm, weight: layer.up, output: buffers.up, tokens });
    down.encode(passes.pass, {
      input: buffers.up,
      weight: layer.down,
      residual: middle,
      output: stream,
      tokens,
    });
  }

  #sample(passes: Passes, batch: StepBatch): void {
    const { buffers, model } = this.#parts;
    const rows = batch.samples.length;
    if (rows === 0) return;
    this.#kernels.head.encode(passes.pass, {
      ...normed(buffers.stream, model.weights.finalNorm),
      weight: model.weights.head,
      inputRows: buffers.sampledRows,
      output: buffers.logits,
      tokens: rows,
    });
    this.#kernels.sample.encode(passes.pass, {
      logits: buffers.logits,
      settings: buffers.settings,
      lastTokens: buffers.lastTokens,
      output: buffers.sampled,
      rows,
    });
  }

  destroy(): void {
    for (const kernel of Object.values(this.#kernels)) (kernel as { destroy(): void }).destroy();
    this.attention.destroy();
    this.#parts.gpu.buffers.destroy(this.#frequencies);
  }
}

function normed(
  input: GPUBuffer,
  { weight, bias }: NormWeight,
): Pick<LinearArgs, 'input' | 'normWeight' | 'normBias'> {
  return { input, normWeight: weight, ...(bias && { normBias: bias }) };
}

async function createKernels(parts: ForwardParts): Promise<Kernels> {
  const { gpu, cache } = parts;
  const { config, weights } = parts.model;
  const { tier } = parts.settings;
  const { maxTokens, maxSequences } = parts.limits;
  const { norm, positions, hidden } = config;
  const first = weights.layers[0];
  if (!first) throw new RangeError(`${config.name} has no layers.`);
  const linear = (weight: LinearWeight, withNorm: boolean, epilogue: LinearEpilogue, tokens = maxTokens) =>
    createLinear(gpu, {
      format: weight.format,
      rows: weight.rows,
      columns: weight.columns,
      norm: withNorm ? norm.kind : 'none',
      epsilon: norm.epsilon,
      epilogue,
      hasBias: weight.bias !== null,
      maxTokens: tokens,
      tier,
    });
  const rope = positions.kind === 'rope' ? positions : null;
  const width = cacheHeadDim(config);
  const [embed, turn, qkv, output, up, down, head, sample] = await Promise.all([
    createEmbed(gpu, { hidden, format: weights.embedding.format, learnedPositions: rope === null }),
    createRope(gpu, {
      queryHeads: config.queryHeads,
      kvHeads: config.kvHeads,
      headDim: config.headDim,
      paddedHeadDim: width,
      rotaryDim: rope?.rotaryDim ?? 0,
      layout: rope?.layout ?? 'half',
      qkNorm: config.qkNorm,
      epsilon: norm.epsilon,
      queryScale: Math.sqrt(width / config.headDim),
      magnitude: ropeMagnitude(config),
      ...(ropeAppendsFor(parts) && { cache: cache.layout }),
    }),
    linear(first.qkv, true, 'store'),
    linear(first.output, false, 'add'),
    linear(first.up, true, config.gated ? `${config.activation}-gated` : config.activation),
    linear(first.down, false, 'add'),
    linear(weights.head, true, 'store', maxSequences),
    createSample(gpu, { vocab: config.vocab, maxRows: maxSequences }),
  ]);
  return { embed, rope: turn, qkv, output, up, down, head, sample };
}
