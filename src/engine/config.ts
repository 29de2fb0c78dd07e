/**
 * What a transformer of this engine is: every number and choice that its forward pass needs, whatever file it came from.
 *
 * Boundary: facts of a model. How a `config.json`, a GGUF header or a llama2.c header becomes one is in architectures/,
 * one family a file; where the weights are is in weights/.
 */

export const MODEL_FAMILIES = ['llama', 'mistral', 'qwen2', 'qwen3', 'gpt2', 'opt', 'phi'] as const;
export type ModelFamily = (typeof MODEL_FAMILIES)[number];

export type RopeScaling =
  /** Position interpolation: every frequency divided by `factor`. */
  | { readonly kind: 'linear'; readonly factor: number }
  /** Llama 3.1: low frequencies divided by `factor`, high ones kept, those between blended. */
  | {
      readonly kind: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalMaxPositions: number;
    }
  /** YaRN (arXiv:2309.00071), with its factor on cos and sin. */
  | {
      readonly kind: 'yarn';
      readonly factor: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      readonly originalMaxPositions: number;
      readonly attentionFactor: number;
    };

export type Positions =
  | {
      readonly kind: 'rope';
      readonly theta: number;
      /** half: channel i turns with i + rotaryDim/2 (Hugging Face). interleaved: 2i with 2i + 1 (llama2.c, GGUF's llama). */
      readonly layout: 'half' | 'interleaved';
      /** Leading channels of a head that are turned; the others pass (Phi). */
      readonly rotaryDim: number;
      readonly scaling: RopeScaling | null;
    }
  /** A learned vector is added to the embedding of position p, row p + offset of its table (OPT: 2). */
  | { readonly kind: 'learned'; readonly offset: number };

export interface ModelConfig {
  readonly family: ModelFamily;
  /** For people: the repository's, the file's or the folder's name. */
  readonly name: string;
  readonly layers: number;
  readonly hidden: number;
  readonly intermediate: number;
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocab: number;
  readonly maxPositionTokens: number;
  readonly norm: { readonly kind: 'rms' | 'layer'; readonly epsilon: number };
  readonly positions: Positions;
  readonly activation: 'silu' | 'gelu' | 'gelu-tanh' | 'relu';
  /** The MLP has a gate beside its up projection (SwiGLU). */
  readonly gated: boolean;
  /** Phi: attention and MLP read the same normed input and are added together. */
  readonly parallelBlock: boolean;
  /** RMS norm over each query and key head before RoPE (Qwen3). */
  readonly qkNorm: boolean;
  /** Which linear layers add a bias; `mlp`: all of its matrices. LayerNorm has one always, RMS norm never. */
  readonly biases: {
    readonly qkv: boolean;
    readonly output: boolean;
    readonly mlp: boolean;
    readonly head: boolean;
  };
  readonly tiedEmbeddings: boolean;
  /** Sliding window in tokens, the token itself among them; 0: every earlier token is seen. */
  readonly windowTokens: number;
  readonly bosToken: number | null;
  readonly eosTokens: readonly number[];
}
