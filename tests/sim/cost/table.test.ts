/** The measured cost model: reading profiles, lines between points, and what a step runs. */
import { describe, expect, it } from 'vitest';
import { findArchitecture, type Architecture } from '../../../src/core/model/architecture.ts';
import { createStepWork, type StepWork } from '../../../src/core/schedule/work.ts';
import { nestRows, type Reach } from '../../../src/sim/cost/table-axis.ts';
import { readYamlMap, yamlText } from '../../../src/sim/cost/table-files.ts';
import { readLayerProfile, type ProfileFiles } from '../../../src/sim/cost/table-profile.ts';
import { profileCost } from '../../../src/sim/cost/table-scenario.ts';
import { defaultGraphSizes, kernelTokens, paddedSizes } from '../../../src/sim/cost/table-shapes.ts';
import { TableCost } from '../../../src/sim/cost/table.ts';
import { attentionUs, denseUs, FILES, headUs, META, TWO_LAYERS } from '../support/profile.ts';
import { DEFAULT_SIMULATION } from '../../../src/core/scenario/simulate/defaults.ts';

const NO_LINK = { latencySeconds: 0, busBytesPerSecond: Infinity };
const cost = (files: ProfileFiles = FILES, ranks = 1, graphSizes: readonly number[] = []): TableCost =>
  new TableCost(readLayerProfile(files, ranks), { model: TWO_LAYERS, graphSizes, allReduce: NO_LINK });

interface Step {
  readonly contexts?: readonly number[];
  readonly chunks?: readonly (readonly [tokens: number, context: number])[];
}

function workOf({ contexts = [], chunks = [] }: Step): StepWork {
  const work = createStepWork(8);
  work.decodeSequences = contexts.length;
  work.decodeContextTokens = contexts.reduce((sum, tokens) => sum + tokens, 0);
  work.decodeSquaredContextTokens = contexts.reduce((sum, tokens) => sum + tokens * tokens, 0);
  work.decodeMaxContextTokens = Math.max(0, ...contexts);
  work.prefillCount = chunks.length;
  chunks.forEach(([tokens, context], i) => {
    work.prefillTokens[i] = tokens;
    work.prefillContextTokens[i] = context;
  });
  return work;
}

describe('a table of nested axes', () => {
  const table = nestRows([
    [0, 10, 1],
    [0, 20, 2],
    [4, 10, 5],
    [4, 30, 9],
  ]);
  const read = (a: number, b: number): { value: number; reach: Reach } => {
    const reach = { exact: true, outside: false };
    return { value: table.read(new Float64Array([a, b]), 0, reach), reach };
  };
  it.each([
    { at: [0, 10], value: 1, exact: true, outside: false },
    { at: [4, 30], value: 9, exact: true, outside: false },
    { at: [0, 15], value: 1.5, exact: false, outside: false },
    // Each row has points of its own: 2 of the first, 7 of the second at 20.
    { at: [2, 20], value: 4.5, exact: false, outside: false },
    { at: [0, 40], value: 4, exact: false, outside: true },
    { at: [0, 0], value: 0, exact: false, outside: true },
    { at: [8, 10], value: 9, exact: false, outside: true },
  ])('$at', ({ at, value, exact, outside }) => {
    expect(read(at[0] ?? 0, at[1] ?? 0)).toEqual({ value, reach: { exact, outside } });
  });
  it('has no axis where nothing was varied', () => {
    const flat = nestRows([[7, 3]]);
    const reach = { exact: true, outside: false };
    expect(flat.read(new Float64Array([99]), 0, reach)).toBe(3);
    expect(reach).toEqual({ exact: true, outside: false });
  });
  it('takes the last of rows with equal coordinates', () => {
    const reach = { exact: true, outside: false };
    const twice = nestRows([
      [1, 5],
      [2, 6],
      [1, 7],
    ]);
    expect(twice.read(new Float64Array([1]), 0, reach)).toBe(7);
  });
});

describe('what a step costs', () => {
  it('is every layer as often as the model runs it', () => {
    const us = cost().stepMs(workOf({ contexts: [256] })) * 1000;
    expect(us).toBeCloseTo(denseUs(1 + 15) + 2 * attentionUs(0, 0, 1, 256) + headUs(1), 9);
  });
  it('has a row of the head for a chunk that does not complete its prompt', () => {
    const us = cost().stepMs(workOf({ contexts: [256, 256], chunks: [[64, 256]] })) * 1000;
    expect(us).toBeCloseTo(denseUs(80) + 2 * attentionUs(64, 256, 2, 256) + headUs(3), 9);
  });
  it('keeps the pairs of several chunks', () => {
    // 64 tokens in all; 32·100 + 32²/2 + 32·300 + 32²/2 pairs, give or take the diagonal.
    const us =
      cost().stepMs(
        workOf({
          chunks: [
            [32, 100],
            [32, 300],
          ],
        }),
      ) * 1000;
    const pairs = 32 * 100 + (32 * 33) / 2 + 32 * 300 + (32 * 33) / 2;
    const context = (pairs - (64 * 65) / 2) / 64;
    expect(us).toBeCloseTo(denseUs(64) + 2 * attentionUs(64, context, 0, 0) + headUs(2), 6);
  });
  it('charges fresh prompts side by side less than one of their total length', () => {
    const one = cost().stepMs(workOf({ chunks: [[256, 0]] })) * 1000;
    const four = Array.from({ length: 4 }, () => [64, 0] as const);
    const several = cost().stepMs(workOf({ chunks: four })) * 1000;
    // 256²/2 pairs become 4·64²/2: 24,576 fewer, at 0.01 µs in each of two layers, and three rows of the head more.
    expect(one - several).toBeCloseTo(2 * 0.01 * 24_576 - (headUs(4) - headUs(1)), 6);
  });
  it('adds α of the way to the longest context', () => {
    const even = cost().stepMs(workOf({ contexts: [1000, 1000] }));
    const uneven = cost().stepMs(workOf({ contexts: [200, 1800] }));
    const gapUs = attentionUs(0, 0, 2, 1800) - attentionUs(0, 0, 2, 1000);
    expect((uneven - even) * 1000).toBeCloseTo(2 * 0.25 * gapUs, 9);
    const off = {
      ...FILES,
      'meta.yaml': META.replace('skew_fit:\n  enabled: true', 'skew_fit:\n  enabled: false'),
    };
    expect(cost(off).stepMs(workOf({ contexts: [200, 1800] }))).toBe(
      cost(off).stepMs(workOf({ contexts: [1000, 1000] })),
    );
  });
  it('takes a few long contexts among many for a batch of two contexts with their mean and variance', () => {
    const contexts = [...Array.from({ length: 63 }, () => 1000), 4000];
    const mean = (63 * 1000 + 4000) / 64;
    const deviation = Math.sqrt((63 * 1000 ** 2 + 4000 ** 2) / 64 - mean * mean);
    // α was measured with one long context in 16 sequences or more.
    const long = mean + deviation * Math.sqrt(15);
    expect(long).toBeLessThan(4000);
    const even = cost().stepMs(workOf({ contexts: contexts.map(() => mean) }));
    const gapUs = attentionUs(0, 0, 64, long) - attentionUs(0, 0, 64, mean);
    expect((cost().stepMs(workOf({ contexts })) - even) * 1000).toBeCloseTo(2 * 0.25 * gapUs, 6);
    const unknown = { ...FILES, 'meta.yaml': META.replace('ratio:', 'shares:') };
    const gapToLongest = attentionUs(0, 0, 64, 4000) - attentionUs(0, 0, 64, mean);
    expect((cost(unknown).stepMs(workOf({ contexts })) - even) * 1000).toBeCloseTo(
      2 * 0.25 * gapToLongest,
      6,
    );
  });
  it('takes the α and the tables of the ranks that are asked for', () => {
    const faster = {
      ...FILES,
      'tp2/dense.csv': (FILES['dense.csv'] ?? '').replaceAll(',1024,1124', ',1024,600'),
    };
    expect(readLayerProfile(faster, 2).skewAlpha).toBe(0.5);
    const chunk = workOf({ chunks: [[1024, 0]] });
    expect(cost(faster, 2).stepMs(chunk)).toBeLessThan(cost(faster, 1).stepMs(chunk));
  });
  it('adds all-reduces between ranks: two a layer and one for the embedding', () => {
    const profile = readLayerProfile(FILES, 2);
    const link = { latencySeconds: 1e-3, busBytesPerSecond: 1e6 };
    const with_ = new TableCost(profile, { model: TWO_LAYERS, graphSizes: [], allReduce: link });
    const without = new TableCost(profile, { model: TWO_LAYERS, graphSizes: [], allReduce: NO_LINK });
    const chunk = workOf({ chunks: [[64, 0]] });
    // 64 tokens × 64 × 2 bytes, on two ranks sent once over: 8.192 ms and 1 ms each.
    expect(with_.stepMs(chunk) - without.stepMs(chunk)).toBeCloseTo(5 * (1 + 8.192), 9);
  });
  it('runs experts where the model has them', () => {
    const experts: Architecture = {
      ...TWO_LAYERS,
      kinds: TWO_LAYERS.kinds.map((kind) => ({
        ...kind,
        mlp: { kind: 'experts', experts: 8, activeExperts: 2, intermediate: 64, sharedIntermediate: 0 },
      })),
    };
    const moe = 'tokens,activated_experts,time_us\n1,2,20\n1,8,80\n1024,2,20\n1024,8,80\n';
    const profile = readLayerProfile({ ...FILES, 'moe.csv': moe }, 1);
    const table = new TableCost(profile, { model: experts, graphSizes: [], allReduce: NO_LINK });
    // 16 tokens read 8·(1 − 0.75^16) experts, 10 µs each; gate_up, act and down are not run.
    const us = table.stepMs(workOf({ chunks: [[16, 0]] })) * 1000;
    const distinct = 8 * (1 - 0.75 ** 16);
    const dense = (2 * (3 + 2) + 2) * 116;
    expect(us).toBeCloseTo(dense + 2 * 10 * distinct + 2 * attentionUs(16, 0, 0, 0) + headUs(1), 6);
    expect(
      () => new TableCost(readLayerProfile(FILES, 1), { model: experts, graphSizes: [], allReduce: NO_LINK }),
    ).toThrow('moe.csv is missing; Two-Layers has 2 layers with experts.');
  });
  it('shares experts among ranks, whole or in slices', () => {
    const experts: Architecture = {
      ...TWO_LAYERS,
      kinds: TWO_LAYERS.kinds.map((kind) => ({
        ...kind,
        mlp: { kind: 'experts', experts: 8, activeExperts: 2, intermediate: 64, sharedIntermediate: 0 },
      })),
    };
    const moe = 'tokens,activated_experts,time_us\n1,1,11\n1,8,81\n1024,1,1034\n1024,8,1104\n';
    const profile = readLayerProfile({ ...FILES, 'tp1/moe.csv': moe }, 2);
    const us = (expertParallel: boolean): number => {
      const options = { model: experts, graphSizes: [], allReduce: NO_LINK, expertParallel };
      return new TableCost(profile, options).stepMs(workOf({ chunks: [[64, 0]] })) * 1000;
    };
    // 64 tokens reach all 8 experts but for 8·0.75^64; a time of tokens + 10·experts.
    const distinct = 8 * (1 - 0.75 ** 64);
    const rest = (2 * (3 + 2) + 2) * 164 + 2 * attentionUs(64, 0, 0, 0) + headUs(1);
    expect(us(true)).toBeCloseTo(rest + 2 * (32 + (10 * distinct) / 2), 6);
    expect(us(false)).toBeCloseTo(rest + 2 * ((64 + 10 * distinct) / 2), 6);
  });
  it('counts what its answers rest on', () => {
    const table = cost();
    table.stepMs(workOf({ contexts: Array.from({ length: 64 }, () => 256), chunks: [[448, 0]] }));
    table.stepMs(workOf({ contexts: Array.from({ length: 8 }, () => 256) }));
    table.stepMs(workOf({ contexts: [5000] }));
    expect(table.basis).toEqual({ measured: 0, interpolated: 1, extrapolated: 2, assumed: 0 });
    table.stepMs(workOf({ chunks: [[16, 0]] }));
    expect(table.basis.measured).toBe(1);
  });
  it('never falls below the work of the host', () => {
    const quick = { ...FILES };
    const zero = (text: string): string => text.replace(/,[^,\n]*$/gm, ',0').replace(/,0$/m, ',time_us');
    for (const name of ['attention.csv', 'dense.csv', 'per_sequence.csv'])
      quick[name] = zero(FILES[name] ?? '');
    expect(cost(quick).stepMs(workOf({ contexts: [16, 16] })) * 1000).toBeCloseTo(126 + 4 * 2 + 32 * 2, 9);
  });
});

describe('tokens that kernels see', () => {
  it('are the next captured size, then the next 16 rows', () => {
    const padded = paddedSizes(defaultGraphSizes(256, 2048));
    const seen = [1, 3, 4, 5, 9, 255, 257, 512, 513, 640, 641].map((n) => kernelTokens(n, padded));
    expect(seen).toEqual([1, 4, 4, 8, 16, 256, 272, 512, 528, 640, 656]);
  });
  it('end at twice the batch', () => {
    expect(defaultGraphSizes(4, 2048)).toEqual([1, 2, 4, 8]);
    expect(defaultGraphSizes(256, 2048)).toHaveLength(51);
  });
  it('are rows of 16 without graphs', () => {
    expect(kernelTokens(5, paddedSizes([]))).toBe(16);
  });
});

describe('a profile that is not one', () => {
  const dense = FILES['dense.csv'] ?? '';
  const cases: { name: string; files: ProfileFiles; says: string }[] = [
    { name: 'no meta', files: {}, says: 'meta.yaml is missing' },
    { name: 'no table', files: { 'meta.yaml': META }, says: 'attention.csv is missing' },
    {
      name: 'a column is missing',
      files: { ...FILES, 'attention.csv': 'prefill_chunk,kv_prefill,n_decode,time_us\n' },
      says: 'attention.csv, line 1: there is no column kv_decode; the columns are prefill_chunk, kv_prefill, n_decode, time_us.',
    },
    {
      name: 'a word for a number',
      files: { ...FILES, 'dense.csv': `${dense}embedding,2048,fast\n` },
      says: `dense.csv, line ${dense.split('\n').length}: time_us is “fast”; a number from 0 to 1000000000 is needed.`,
    },
    {
      name: 'a short line',
      files: { ...FILES, 'dense.csv': 'layer,tokens,time_us\nqkv_proj,1\n' },
      says: 'dense.csv, line 2: it has 2 fields; the header has 3.',
    },
    {
      name: 'no rows',
      files: { ...FILES, 'per_sequence.csv': 'layer,sequences,time_us\n' },
      says: 'per_sequence.csv has a header and no rows.',
    },
    {
      name: 'a kernel that is not known',
      files: { ...FILES, 'dense.csv': `${dense}warp_drive,1,5\n` },
      says: 'dense.csv has a layer “warp_drive”',
    },
    {
      name: 'a layer that the model needs',
      files: { ...FILES, 'dense.csv': 'layer,tokens,time_us\nembedding,1,2\n' },
      says: 'dense.csv has no qkv_proj, which Two-Layers runs.',
    },
    {
      name: 'an α that is none',
      files: { ...FILES, 'meta.yaml': META.replace('alpha_default: 0.25', 'alpha_default: much') },
      says: 'meta.yaml has alpha_default much; a share from -1 to 1 is needed.',
    },
    { name: 'no mapping', files: { ...FILES, 'meta.yaml': '<html>' }, says: 'meta.yaml, line 1: “<html>”' },
  ];
  it.each(cases)('$name', ({ files, says }) => {
    expect(() => cost(files)).toThrow(says);
  });
  it('has no tables for so many ranks', () => {
    expect(() => readLayerProfile(FILES, 4)).toThrow(
      'meta.yaml has tables for tensor parallel 1, 2; the run has 4.',
    );
  });
});

describe('a profile for a scenario', () => {
  it('must be of its model, in its formats, in one stage', () => {
    const scenario = { ...DEFAULT_SIMULATION, model: 'Llama-3.1-8B' };
    expect(() => profileCost(FILES, scenario)).toThrow('meta.yaml is of maker/Two-Layers; the scenario');
    const llama = { ...FILES, 'meta.yaml': META.replace('maker/Two-Layers', 'meta-llama/Llama-3.1-8B') };
    expect(profileCost(llama, scenario).name).toBe('measured table, Test GPU, Llama-3.1-8B');
    const { engine, hardware } = scenario;
    expect(() => profileCost(llama, { ...scenario, engine: { ...engine, weights: 'fp8' } })).toThrow('bf16');
    expect(() => profileCost(llama, { ...scenario, hardware: { ...hardware, pipelineParallel: 2 } })).toThrow(
      '2 stages',
    );
  });
  it('is refused for layers that it does not measure', () => {
    const sliding = findArchitecture('gpt-oss-20b');
    expect(sliding).toBeDefined();
    if (!sliding) return;
    const options = { model: sliding, graphSizes: [], allReduce: NO_LINK };
    expect(() => new TableCost(readLayerProfile(FILES, 1), options)).toThrow(
      'sliding layers; use the roofline',
    );
  });
});

describe('the part of YAML that profiles use', () => {
  it('has maps within maps, quotes, comments and lists', () => {
    const map = readYamlMap(
      'meta.yaml',
      'a: \'x: y\'\nb:\n  c: [1,\n    2]\n  d:\n    1:\n      e: 0.5 # half\nlist:\n- one\n- two: 2\nf: "12"\n',
    );
    expect(yamlText(map, 'a')).toBe('x: y');
    expect(yamlText(map, 'b', 'd', '1', 'e')).toBe('0.5');
    expect(yamlText(map, 'f')).toBe('12');
    expect(yamlText(map, 'b')).toBeUndefined();
    expect(yamlText(map, 'b', 'missing', 'e')).toBeUndefined();
  });
  it('does not take keys for properties of objects', () => {
    expect(yamlText(readYamlMap('meta.yaml', 'a: 1\n'), 'constructor', 'name')).toBeUndefined();
  });
});
