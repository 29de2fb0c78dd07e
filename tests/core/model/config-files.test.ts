/** The published config.json files of the reference data: each is its record, and none breaks whatever is done to it. */
import { describe, expect, test } from 'vitest';
import { isJsonObject, type Json, type JsonObject } from '../../../src/core/json.ts';
import { layerCount, type Architecture, type Mixer } from '../../../src/core/model/architecture.ts';
import { findAnyModel } from '../../../src/core/model/catalogue.ts';
import { architectureFromConfig, architectureFromText } from '../../../src/core/model/config/index.ts';
import { architectureParams } from '../../../src/core/model/parameters.ts';
import { readdirReference, referenceText, whyNoReferenceData } from '../../reference-data.ts';

/** Billions of parameters. */
function billions(model: Architecture): number {
  return architectureParams(model).total / 1e9;
}

const why = whyNoReferenceData('models/configs');

type Row = Record<string, unknown>;

/** Elements of K and V that a layer keeps of a token. */
function elementsOf(mixer: Mixer): number | null {
  if (mixer.kind === 'latent') return mixer.latentDim + mixer.ropeDim;
  if (mixer.kind === 'full' || mixer.kind === 'sliding' || mixer.kind === 'chunked')
    return mixer.keyIsValue === true ? mixer.keyDim : mixer.kvHeads * (mixer.keyDim + mixer.valueDim);
  return null;
}

describe.skipIf(why !== null)(`published files${why ? `: skipped, ${why}` : ''}`, () => {
  const files =
    why === null ? readdirReference('models/configs').filter((name) => name.endsWith('.json')) : [];
  const rows =
    why === null ? (JSON.parse(referenceText('models/models.json')) as { models: Row[] }).models : [];

  test('all fifty and more are here', () => expect(files.length).toBeGreaterThanOrEqual(50));

  test.each(files)('%s', (file) => {
    const repo = file.replace('--', '/').replace(/\.json$/, '');
    const read = architectureFromText(referenceText(`models/configs/${file}`), repo);
    if (!read.ok) throw new Error(read.sentence);
    const model = read.value;
    const record = findAnyModel(repo);
    const sorted = ({ kinds }: Architecture): string[] =>
      kinds
        .map(({ layers, mixer, mlp }) =>
          JSON.stringify([layers, Object.entries(mixer).sort(), Object.entries(mlp).sort()]),
        )
        .sort();
    if (!record) throw new Error(`There is no record of ${repo}.`);
    // Every published file and its record are the same model.
    expect(sorted(model)).toEqual(sorted(record));
    const { hidden, vocab, maxPositionTokens, tiedEmbeddings, qkNorm } = model;
    // The files of Llama 4 came without their encoder.
    const encoder = model.encoder ?? (repo.includes('Llama-4') ? record.encoder : undefined);
    expect({ hidden, vocab, maxPositionTokens, tiedEmbeddings, qkNorm, encoder }).toEqual({
      hidden: record.hidden,
      vocab: record.vocab,
      maxPositionTokens: record.maxPositionTokens,
      tiedEmbeddings: record.tiedEmbeddings,
      qkNorm: record.qkNorm,
      encoder: record.encoder,
    });
    const row = rows.find(({ id }) => id === repo);
    if (!row) return;
    if (typeof row['layers'] === 'number') expect(layerCount(model)).toBe(row['layers']);
    const billion = row['params_b_computed'];
    if (typeof billion === 'number') {
      expect(Math.abs(billions(model) / billion - 1)).toBeLessThan(0.001);
      const active = architectureParams(model).active / 1e9;
      expect(Math.abs(active / Number(row['active_params_b_computed']) - 1)).toBeLessThan(0.001);
    }
    // The table takes all heads of Nemotron-NAS for KV heads, of which it has an eighth, and MiMo's values for as wide as its keys.
    const elements = row['kv_elems_per_token_per_layer'];
    if (typeof elements === 'number' && !/Nemotron-Super|MiMo-V2/.test(repo))
      expect(model.kinds.map(({ mixer }) => elementsOf(mixer))).toContain(elements);
  });

  const strange: readonly Json[] = [null, -1, 0.5, 1e15, 'x', [null], {}];

  test.each([
    'google--gemma-4-26B-A4B',
    'deepseek-ai--DeepSeek-V4-Flash',
    'nvidia--Llama-3_3-Nemotron-Super-49B-v1',
    'nvidia--NVIDIA-Nemotron-3-Ultra-550B-A55B-BF16',
    'moonshotai--Kimi-K3',
    'XiaomiMiMo--MiMo-V2-Flash',
  ])('%s with any one field strange is read or refused in a sentence', (file) => {
    const config = JSON.parse(referenceText(`models/configs/${file}.json`)) as JsonObject;
    let refusals = 0;
    for (const changed of everyChange(config, strange)) {
      const read = architectureFromConfig(changed, 'org/a-model');
      if (read.ok) {
        const { total, active } = architectureParams(read.value);
        expect(Number.isFinite(total) && total > 0 && active > 0 && active <= total * 1.0001).toBe(true);
      } else {
        refusals += 1;
        expect(read.sentence).toMatch(/^The config\.json of org\/a-model can’t be read: .+\.$/);
        expect(read.sentence.length).toBeLessThan(400);
      }
    }
    expect(refusals).toBeGreaterThan(20);
  });
});

/** The object with one field after another, and one of each object in it, set to something strange. */
function* everyChange(config: JsonObject, values: readonly Json[]): Generator<JsonObject> {
  for (const [name, value] of Object.entries(config)) {
    for (const other of values) yield { ...config, [name]: other };
    if (value !== undefined && isJsonObject(value))
      for (const inner of everyChange(value, values)) yield { ...config, [name]: inner };
  }
}
