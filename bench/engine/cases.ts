/** What of the engine is timed, and on which models. */
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

/** Llama-3.2-1B's shape, as deep as it takes for its f16 weights to hold so many bytes. */
export function llamaShaped(weightBytes: number): ModelConfig {
  const [hidden, intermediate, vocab] = [2048, 8192, 32_000];
  const [queryHeads, kvHeads, headDim] = [32, 8, 64];
  const layerBytes = 2 * (hidden * (2 * queryHeads + 2 * kvHeads) * headDim + 3 * hidden * intermediate);
  // The head is read whole, and of the tied embedding only rows.
  const layers = Math.max(4, Math.ceil((weightBytes - 2 * vocab * hidden) / layerBytes));
  return {
    family: 'llama',
    name: `Llama-shaped, ${layers} layers, random f16 weights`,
    layers,
    hidden,
    intermediate,
    queryHeads,
    kvHeads,
    headDim,
    vocab,
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
