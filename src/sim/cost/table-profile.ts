/**
 * Reads a profile: times of the layers of one model on one GPU, measured inside vLLM (casys-kaist/LLMServingSim).
 *
 *   meta.yaml          gpu, model, vLLM version, TP degrees, skew_fit
 *   attention.csv      prefill_chunk, kv_prefill, n_decode, kv_decode → time_us      of one layer
 *   dense.csv          layer, tokens → time_us
 *   per_sequence.csv   layer, sequences → time_us
 *   moe.csv            tokens, activated_experts → time_us                           where a model has experts
 *
 * Tables of several TP degrees lie in folders tp1, tp2 …; a file beside meta.yaml is of the one degree that is asked for.
 * Experts are measured once, whole on one GPU, whatever the degree.
 * Takes texts, not paths. What a table means for a step is in table.ts.
 */
import { nestRows, type TableAxis } from './table-axis.ts';
import { csvRows, ProfileError, readYamlMap, yamlText, type YamlMap } from './table-files.ts';

/** Texts by name, such as `meta.yaml` or `tp2/dense.csv`. */
export type ProfileFiles = Readonly<Record<string, string>>;

export interface LayerProfile {
  readonly gpu: string;
  readonly model: string;
  readonly vllmVersion: string | null;
  readonly tensorParallel: number;
  /**
   * Share of the way from the time at the mean context to the time at the longest one that unequal contexts cost; 0
   * where it was not measured.
   */
  readonly skewAlpha: number;
  /** Smallest share of long contexts in the batches that α was measured on; 0 where nobody wrote it down. */
  readonly skewShare: number;
  /** chunk → context of the chunk → decodes → their context → µs. */
  readonly attention: TableAxis;
  /** Layer → tokens → µs. */
  readonly dense: ReadonlyMap<string, TableAxis>;
  /** Layer → sequences → µs. */
  readonly perSequence: ReadonlyMap<string, TableAxis>;
  /** tokens → distinct experts → µs, whole experts on one GPU; null without the file. */
  readonly moe: TableAxis | null;
  readonly numPoints: number;
}

/** The names of the files that a profile may have for a TP degree, those of its folder first. */
export function profileFileNames(tensorParallel: number): string[] {
  const tables = ['attention.csv', 'dense.csv', 'per_sequence.csv', 'moe.csv'];
  const folders = [`tp${tensorParallel}/`, ''];
  return ['meta.yaml', 'tp1/moe.csv', ...tables.flatMap((name) => folders.map((folder) => folder + name))];
}

/** @throws ProfileError with the file, the line and what is wrong */
export function readLayerProfile(files: ProfileFiles, tensorParallel: number): LayerProfile {
  const meta = readYamlMap('meta.yaml', files['meta.yaml'] ?? missing('meta.yaml'));
  checkDegree(meta, tensorParallel);
  const find = (name: string): string | undefined => files[`tp${tensorParallel}/${name}`] ?? files[name];
  const attention = attentionRows(find('attention.csv') ?? missing('attention.csv'));
  const dense = layerRows('dense.csv', find('dense.csv') ?? missing('dense.csv'), 'tokens');
  const heads = find('per_sequence.csv') ?? missing('per_sequence.csv');
  const perSequence = layerRows('per_sequence.csv', heads, 'sequences');
  const experts = find('moe.csv') ?? files['tp1/moe.csv'];
  const moe = experts === undefined ? [] : expertRows(experts);
  const layers = [...dense.values(), ...perSequence.values()];
  return {
    gpu: yamlText(meta, 'gpu') ?? yamlText(meta, 'hardware') ?? 'unnamed GPU',
    model: yamlText(meta, 'model') ?? 'unnamed model',
    vllmVersion: yamlText(meta, 'vllm_version') ?? null,
    tensorParallel,
    skewAlpha: skewAlphaOf(meta, tensorParallel),
    skewShare: skewShareOf(meta),
    // No work takes no time; the sweep can't measure it.
    attention: nestRows([[0, 0, 0, 0, 0], ...attention]),
    dense: nested(dense),
    perSequence: nested(perSequence),
    moe: moe.length === 0 ? null : nestRows(moe),
    numPoints: attention.length + moe.length + layers.reduce((sum, rows) => sum + rows.length, 0),
  };
}

function missing(file: string): never {
  throw new ProfileError(file, 0, 'is missing; a profile has meta.yaml and the tables beside it.');
}

function checkDegree(meta: YamlMap, tensorParallel: number): void {
  const written = yamlText(meta, 'tp_degrees');
  if (written === undefined) return;
  const degrees = written.replace(/[[\]\s]/g, '').split(',');
  if (degrees.includes(String(tensorParallel))) return;
  throw new ProfileError(
    'meta.yaml',
    0,
    `has tables for tensor parallel ${degrees.join(', ')}; the run has ${tensorParallel}.`,
  );
}

function skewAlphaOf(meta: YamlMap, tensorParallel: number): number {
  if (yamlText(meta, 'skew_fit', 'enabled') !== 'true') return 0;
  const written =
    yamlText(meta, 'skew_fit', 'per_tp', String(tensorParallel), 'alpha_default') ??
    yamlText(meta, 'skew_fit', 'alpha_default');
  if (written === undefined) return 0;
  const alpha = Number(written);
  // Measured ones are a little below 0 where kernels gain from unequal work, and never reach the longest context's time.
  if (alpha >= -1 && alpha <= 1) return alpha;
  throw new ProfileError('meta.yaml', 0, `has alpha_default ${written}; a share from -1 to 1 is needed.`);
}

/** Of `ratio: [0.0625, 0.125, …]`, the shares that the profiler gave the longer of two contexts. */
function skewShareOf(meta: YamlMap): number {
  const written = yamlText(meta, 'skew_profile', 'grid', 'ratio') ?? '';
  const shares = (written.match(/[\d.]+/g) ?? []).map(Number).filter((share) => share > 0 && share < 1);
  return shares.length === 0 ? 0 : Math.min(...shares);
}

function attentionRows(text: string): number[][] {
  const file = 'attention.csv';
  const columns = ['prefill_chunk', 'kv_prefill', 'n_decode', 'kv_decode', 'time_us'];
  return csvRows(file, text, columns).map((row) => {
    const layer = row.word('layer');
    if (layer !== '' && layer !== 'attention') {
      throw new ProfileError(file, row.line, `“${layer.slice(0, 40)}” is not known; attention is.`);
    }
    return columns.map((column) => row.number(column));
  });
}

function expertRows(text: string): number[][] {
  const columns = ['tokens', 'activated_experts', 'time_us'];
  return csvRows('moe.csv', text, columns).map((row) => columns.map((column) => row.number(column)));
}

function layerRows(file: string, text: string, axis: string): Map<string, number[][]> {
  const layers = new Map<string, number[][]>();
  for (const row of csvRows(file, text, ['layer', axis, 'time_us'])) {
    const rows = layers.get(row.word('layer')) ?? [];
    rows.push([row.number(axis), row.number('time_us')]);
    layers.set(row.word('layer'), rows);
  }
  return layers;
}

function nested(layers: ReadonlyMap<string, number[][]>): Map<string, TableAxis> {
  return new Map([...layers].map(([layer, rows]) => [layer, nestRows(rows)]));
}
