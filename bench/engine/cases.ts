/** What of the engine is timed, and on which models. */
import { findModel } from '../../src/core/model/records.ts';
import type { EngineSettings } from '../../src/engine/engine-types.ts';
import type { ModelConfig } from '../../src/engine/config.ts';

/** Files of a model by their names; in a browser they come from the script as base64. */
export interface BenchModel {
  readonly name: string;
  readonly files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
}

/** Goals of a software adapter and of a real GPU. */
export const GOALS = {
  software: { kernelShare: 0.8, batchRatio: 3 },
  gpu: { bandwidthShare: 0.6, batchRatio: 4, fmaShare: 0.4 },
} as const;

export const BATCHES = [1, 8] as const;
export const PROMPT_TOKENS = 16;
export const PREFILL_TOKENS = 2048;
/** A step reads its weights for at least so long. */
export const WEIGHTS_MS = 2;

export function engineSettings(
  context: number,
  tokenBudget: number,
  kvFormat: EngineSettings['kvFormat'],
): EngineSettings {
  const maxSequences = BATCHES[1];
  return {
    kvFormat,
    blockSize: 16,
    numBlocks: maxSequences * Math.ceil(context / 16) + 1,
    maxSequences,
    tokenBudget,
    longPrefillTokens: 0,
    maxContextTokens: context,
    prefixCaching: false,
    layout: 'paged',
    tier: 'auto',
    eviction: { policy: 'none', budgetTokens: 0 },
    residualTokens: 32,
    offload: 'none',
    hostBytes: 0,
    shuffleSeed: 1,
  };
}

/** Records of src/core/model whose layers the large model is built from, by width. */
const LLAMA_LAYERS = ['smollm2-135m', 'llama-3.2-1b', 'llama-3.1-8b', 'llama-3.1-70b'] as const;
const VOCAB = 32_000;
/** Fewer layers would time the head. */
const FEWEST_LAYERS = 8;

type LayerShape = Pick<ModelConfig, 'hidden' | 'intermediate' | 'queryHeads' | 'kvHeads' | 'headDim'>;

/** Weights of a layer's matrices. */
export function layerWeights({ hidden, intermediate, queryHeads, kvHeads, headDim }: LayerShape): number {
  return hidden * (2 * queryHeads + 2 * kvHeads) * headDim + 3 * hidden * intermediate;
}

/**
 * Layers of a Llama, as many as it takes for f16 weights to hold so many bytes: the widest of which that is eight or more,
 * so that dispatches stay few beside what they read. At least two of the narrowest.
 */
export function llamaShaped(weightBytes: number): ModelConfig {
  const shaped = LLAMA_LAYERS.map((id) => {
    const record = findModel(id);
    if (!record) throw new Error(`There is no model ${id}.`);
    // The head is read whole, and of the tied embedding only rows.
    const layers = Math.ceil((weightBytes / 2 - VOCAB * record.hidden) / layerWeights(record));
    return { record, layers };
  });
  const [narrowest] = shaped;
  const chosen = shaped.findLast(({ layers }) => layers >= FEWEST_LAYERS) ?? narrowest;
  if (!chosen) throw new Error('No shapes to choose from.');
  const { name, hidden, intermediate, queryHeads, kvHeads, headDim } = chosen.record;
  const layers = Math.max(2, chosen.layers);
  return {
    family: 'llama',
    name: `${layers} layers of ${name}'s shape, random f16 weights`,
    layers,
    hidden,
    intermediate,
    queryHeads,
    kvHeads,
    headDim,
    vocab: VOCAB,
    maxPositionTokens: 4096,
    norm: { kind: 'rms', epsilon: 1e-5 },
    positions: { kind: 'rope', theta: 500_000, layout: 'half', rotaryDim: headDim, scaling: null },
    activation: 'silu',
    gated: true,
    parallelBlock: false,
    biases: { qkv: false, output: false, mlp: false, head: false },
    qkNorm: false,
    tiedEmbeddings: true,
    windowTokens: 0,
    bosToken: null,
    eosTokens: [],
  };
}

/** Operations of a prompt's prefill, a multiply-add is two. Of the head only the last row; of attention the causal half. */
export function prefillFlops(
  config: LayerShape & Pick<ModelConfig, 'layers' | 'vocab'>,
  tokens: number,
): number {
  const { layers, hidden, queryHeads, headDim, vocab } = config;
  const attention = 2 * queryHeads * headDim * ((tokens + 1) / 2);
  return 2 * layers * tokens * (layerWeights(config) + attention) + 2 * vocab * hidden;
}
