/**
 * A small profile for tests: every kernel takes a time that is linear in what it works on, so that straight lines must
 * find it again, and a model of two layers.
 */
import type { Architecture } from '../../../src/core/model/architecture.ts';
import type { ProfileFiles } from '../../../src/sim/cost/table-profile.ts';

export const META = `gpu: Test GPU
model: maker/Two-Layers
vllm_version: 0.19.0
tp_degrees: [1, 2]
skew_profile:
  enabled: true
  grid:
    n: 2-64 x2
    ratio: [0.25, 0.0625,
      0.5]
skew_fit:
  enabled: true
  bucket_axes:
    n_bins: [0, 2, 4]
  per_tp:
    1:
      alpha_default: 0.25
    2:
      alpha_default: 0.5
`;

/** Of one layer. */
export function attentionUs(chunk: number, context: number, decodes: number, kv: number): number {
  const pairs = chunk * context + (chunk * chunk) / 2;
  return 5 + 0.01 * pairs + 0.02 * decodes * kv;
}

function attentionCsv(): string {
  const rows: string[] = [];
  for (const chunk of [0, 16, 64, 256]) {
    for (const context of chunk === 0 ? [0] : [0, 256, 1024]) {
      for (const decodes of chunk === 0 ? [1, 8, 64] : [0, 1, 8, 64]) {
        for (const kv of decodes === 0 ? [0] : [16, 256, 4096]) {
          rows.push([chunk, context, decodes, kv, attentionUs(chunk, context, decodes, kv)].join(','));
        }
      }
    }
  }
  return `prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n${rows.join('\n')}\n`;
}

const DENSE_LAYERS = [
  'embedding',
  'layernorm',
  'qkv_proj',
  'rotary_emb',
  'o_proj',
  'gate_up_proj',
  'act_fn',
  'down_proj',
  'final_layernorm',
];
const linear = (layers: readonly string[], points: readonly number[], us: (n: number) => number): string =>
  layers.flatMap((layer) => points.map((n) => `${layer},${n},${us(n)}`)).join('\n');

export const FILES: ProfileFiles = {
  'meta.yaml': META,
  'attention.csv': attentionCsv(),
  'dense.csv': `layer,tokens,time_us\n${linear(DENSE_LAYERS, [1, 8, 16, 512, 1024], (n) => 100 + n)}\n`,
  'per_sequence.csv': `layer,sequences,time_us\n${linear(['lm_head', 'sampler'], [1, 64], (n) => 50 + n)}\n`,
};

export const TWO_LAYERS: Architecture = {
  id: 'two-layers',
  name: 'Two-Layers',
  hidden: 64,
  vocab: 100,
  maxPositionTokens: 4096,
  tiedEmbeddings: false,
  qkNorm: false,
  kinds: [
    {
      layers: 2,
      mixer: { kind: 'full', queryHeads: 4, kvHeads: 2, keyDim: 16, valueDim: 16 },
      mlp: { kind: 'gated', intermediate: 128 },
    },
  ],
  source: 'made up for this test',
};

/** Two of each layer's kernels, both norms, the rest once: by hand. */
export const denseUs = (tokens: number): number => (2 * (6 + 2) + 2) * (100 + tokens);
export const headUs = (rows: number): number => 2 * (50 + rows);
