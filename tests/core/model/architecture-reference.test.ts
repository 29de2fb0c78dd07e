/** Architectures against the reference table that most of them were carried from. */
import { describe, expect, test } from 'vitest';
import { ARCHITECTURES, layerCount, type Architecture } from '../../../src/core/model/architecture.ts';
import { MODELS } from '../../../src/core/model/records.ts';
import { referenceText, whyNoReferenceData } from '../../reference-data.ts';

type Row = Record<string, unknown>;

/** Rows whose id does not end in our name. */
const IDS: Record<string, string> = {
  'Llama-2-7B': 'meta-llama/Llama-2-7b',
  'Llama-2-13B': 'meta-llama/Llama-2-13b',
  'Llama-3.1-405B': 'meta-llama/Meta-Llama-3.1-405B',
  'Gemma-3-27B': 'google/gemma-3-27b-it',
  'Gemma-4-26B-A4B': 'google/gemma-4-26B-A4B',
  'Llama-4-Scout': 'meta-llama/Llama-4-Scout-17B-16E-Instruct',
  'Mixtral-8x7B': 'mistralai/Mixtral-8x7B-v0.1',
  'Mixtral-8x22B': 'mistralai/Mixtral-8x22B-v0.1',
  'Qwen3-Coder-480B-A35B': 'Qwen/Qwen3-Coder-480B-A35B-Instruct',
  'Kimi-K2': 'moonshotai/Kimi-K2-Instruct',
  'Nemotron-3-Nano-30B-A3B': 'nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16',
  'Nemotron-H-56B': 'nvidia/Nemotron-H-56B-Base-8K',
};
/** Contexts that the table has from a preset and the paper has otherwise. */
const OTHER_CONTEXT = new Set(['Llama-2-7B', 'Llama-2-13B']);

const why = whyNoReferenceData('models/models.json');
const dense = new Set(MODELS.map(({ id }) => id));
const others = ARCHITECTURES.filter(({ id }) => !dense.has(id));

function rowOf({ name }: Architecture, rows: readonly Row[]): Row {
  const wanted = (IDS[name] ?? `/${name}`).toLowerCase();
  const row = rows.find(({ id }) => String(id).toLowerCase().endsWith(wanted));
  if (!row) throw new Error(`The table has no ${name}.`);
  return row;
}

/** Numbers that a row and an architecture both have; what the row lacks is not compared. */
function expectSame(actual: unknown, row: Row, field: string): void {
  const expected = row[field];
  if (expected !== undefined && expected !== null) expect(actual, field).toBe(expected);
}

function layersOf(model: Architecture, kind: string): number {
  return model.kinds.reduce((sum, { layers, mixer }) => sum + (mixer.kind === kind ? layers : 0), 0);
}

describe.skipIf(why !== null)(`architectures agree with the table${why ? `: skipped, ${why}` : ''}`, () => {
  test.each(others)('$name', (model) => {
    const { models } = JSON.parse(referenceText('models/models.json')) as { models: Row[] };
    const row = rowOf(model, models);
    expectSame(layerCount(model), row, 'layers');
    expectSame(model.hidden, row, 'hidden');
    expectSame(model.vocab, row, 'vocab');
    expectSame(model.tiedEmbeddings, row, 'tie_embeddings');
    if (!OTHER_CONTEXT.has(model.name)) expectSame(model.maxPositionTokens, row, 'max_position');
    for (const { mixer, mlp } of model.kinds) {
      if ('queryHeads' in mixer) expectSame(mixer.queryHeads, row, 'heads');
      if (mixer.kind === 'sliding' && row['sliding_window'] !== undefined)
        expectSame(mixer.windowTokens, row, 'sliding_window');
      if (mlp.kind === 'experts') {
        expectSame(mlp.experts, row, 'experts');
        expectSame(mlp.activeExperts, row, 'experts_per_token');
        expectSame(mlp.intermediate, row, 'moe_intermediate');
      }
      if (mixer.kind === 'latent') {
        expect((row['mla'] as Row)['kv_lora_rank']).toBe(mixer.latentDim);
        expect((row['mla'] as Row)['q_lora_rank'] ?? 0).toBe(mixer.queryRank);
        expect((row['mla'] as Row)['v_head_dim']).toBe(mixer.valueDim);
      }
    }
    expectSame(layersOf(model, 'full'), row, 'full_attention_layers');
    expectSame(layersOf(model, 'sliding'), row, 'sliding_layers');
    expectSame(layersOf(model, 'delta'), row, 'linear_attention_layers');
  });
});
