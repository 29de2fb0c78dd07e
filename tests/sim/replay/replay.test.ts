/** Replaying a recorded run: the engine's two hands by hand, settings, series, and recordings that are none. */
import { describe, expect, it } from 'vitest';
import { clockOffsetSeconds, errorPercent } from '../../../src/sim/replay/compare.ts';
import { describeMachine, gpuOf, modelOf } from '../../../src/sim/replay/machine.ts';
import { replayRecorded, type RecordedTexts } from '../../../src/sim/replay/index.ts';
import { readMeta, replaySettings } from '../../../src/sim/replay/settings.ts';
import { attentionUs, denseUs, headUs, TWO_LAYERS } from '../support/profile.ts';
import { CONFIG, meta, texts, type Line } from '../support/recording.ts';

/** Times of steps, µs: kernels see 16 rows at a time, the head one row a request. */
const step = (tokens: number, attention: number, rows: number): number =>
  (denseUs(Math.ceil(tokens / 16) * 16) + 2 * attention + headUs(rows)) / 1000;

describe('two requests by hand', () => {
  // A alone: its prompt, then a token a step. B comes while the GPU computes A's prompt; A's second step is launched
  // already, so B is taken when the first ends, and computed in the third.
  const first = step(64, attentionUs(64, 0, 0, 0), 1);
  const second = step(1, attentionUs(0, 0, 1, 65), 1);
  const third = step(17, attentionUs(16, 0, 1, 66), 2);
  const fourth = step(1, attentionUs(0, 0, 1, 17), 1);
  const t2 = first + second;
  const t3 = t2 + third;
  const t4 = t3 + fourth;
  const lines: Line[] = [
    { input: 64, output: 3, ms: 0, queued: 0, first, last: t3 },
    { input: 16, output: 2, ms: first / 2, queued: first, first: t3, last: t4 },
  ];

  it('are as vLLM takes and computes them', () => {
    const report = replayRecorded(texts(lines));
    for (const metric of ['ttftMs', 'tpotMs', 'e2eMs'] as const) {
      for (const error of Object.values(report.errorPercent[metric])) expect(error).toBeCloseTo(0, 6);
    }
    expect(report.predicted.ttftMs.p99).toBeGreaterThan(third);
    expect([report.steps, report.preemptions, report.requests]).toEqual([4, 0, 2]);
  });

  it('without async scheduling B is in the very next step', () => {
    const changes = { resolved_config: { scheduler_config: { async_scheduling: false } } };
    const report = replayRecorded(texts(lines, { meta: JSON.stringify(meta(changes)) }));
    const mixed = step(17, attentionUs(16, 0, 1, 65), 2);
    expect(report.samples.predicted.ttftMs[0]).toBeCloseTo(Math.min(first, mixed), 6);
    expect(report.samples.predicted.ttftMs[1]).toBeCloseTo(Math.max(first, mixed), 6);
  });

  it('are replayed alone where the recording ended before the workload did', () => {
    const [first = ''] = texts(lines).requests.split('\n');
    const report = replayRecorded(texts(lines, { requests: first }));
    expect([report.requests, report.steps]).toEqual([1, 3]);
  });

  it('have series only where the recording has them', () => {
    expect(replayRecorded(texts(lines)).series).toEqual({});
    const ticks = (usage: string): string =>
      `t,running,waiting${usage && ',kv_cache_pct'}\n0.01,2,0${usage}\n0.02,0,0${usage && ',0'}\n`;
    const series = (usage: string): string[] =>
      Object.keys(replayRecorded(texts(lines, { timeseries: ticks(usage) })).series);
    expect(series('')).toEqual(['running', 'waiting']);
    expect(series(',0')).toEqual(['running', 'waiting']);
    expect(series(',9.4')).toEqual(['running', 'waiting', 'kvUsagePercent']);
  });

  it('leave requests that did not end out of both sides', () => {
    const [one = '', two = ''] = texts(lines).requests.split('\n');
    const cut = two.replace(/"last_token_ts":[\d.]+/, '"last_token_ts":null');
    const report = replayRecorded(texts(lines, { requests: `${one}\n${cut}` }));
    expect(report.samples.predicted.e2eMs).toHaveLength(1);
    expect(report.notes).toContain('1 requests of the recording did not end; they are in no distribution.');
  });

  it('can be predicted from the GPU’s record alone', () => {
    const hardware = { device_name: 'NVIDIA GeForce RTX 4090', device_total_memory_bytes: 25_250_627_584 };
    const given = texts(lines, { meta: JSON.stringify(meta({ hardware })), profile: undefined });
    const report = replayRecorded(given);
    const assumed = report.steps;
    expect(report.costModel.basis).toEqual({ measured: 0, interpolated: 0, extrapolated: 0, assumed });
    expect(report.gpu).toBe('RTX 4090');
  });
});

describe('settings', () => {
  const settings = (changes: object, memoryBytes: number | null = null) =>
    replaySettings(readMeta(meta(changes)), { model: TWO_LAYERS, memoryBytes });

  it('come from what the engine resolved, then from its arguments, then from vLLM 0.19', () => {
    const resolved_config = {
      scheduler_config: { max_num_seqs: 7, scheduler_reserve_full_isl: false, async_scheduling: false },
      compilation_config: { cudagraph_capture_sizes: [1, 5] },
      model_config: { enforce_eager: false },
    };
    expect(settings({ resolved_config })).toMatchObject({
      maxSequences: 7,
      tokenBudget: 256,
      reserveFullPrompt: false,
      asyncScheduling: false,
      graphSizes: [1, 5],
    });
    const bare = settings({ engine_kwargs: {} });
    expect(bare).toMatchObject({
      maxSequences: 256,
      tokenBudget: 2048,
      reserveFullPrompt: true,
      asyncScheduling: true,
      prefixCaching: true,
      blockSize: 16,
      kvBlocksOrigin: 'recorded',
    });
    expect(bare.graphSizes).toHaveLength(51);
  });

  it('derive the KV blocks from memory × utilization − weights', () => {
    // Weights: 2 × (4·64·64·… ) are small; a block is 16 tokens × 2 layers × 2 × 2 heads × 16 × 2 bytes = 4,096 bytes.
    const { kvBlocks, kvBlocksOrigin } = settings({ kv_cache: null }, 100e6);
    expect(kvBlocksOrigin).toBe('derived');
    expect(kvBlocks).toBeGreaterThan(21_800);
    expect(kvBlocks).toBeLessThan((100e6 * 0.9) / 4096);
    const half = { kv_cache: null, engine_kwargs: { tensor_parallel_size: 2 } };
    expect(settings(half, 100e6).kvBlocks).toBeGreaterThan(2 * kvBlocks);
    expect(() => settings({ kv_cache: null })).toThrow('neither the KV blocks nor the GPU');
    expect(() => settings({ kv_cache: null }, 1000)).toThrow('nothing can run');
  });
});

describe('names of models and GPUs', () => {
  it('are found with and without their makers', () => {
    expect(modelOf('meta-llama/Llama-3.1-8B', describeMachine(undefined, '')).name).toBe('Llama-3.1-8B');
    expect(() => modelOf('who/Knows', describeMachine(undefined, ''))).toThrow(
      'The shape of who/Knows is not known',
    );
    expect(gpuOf(['NVIDIA GeForce RTX 4090'], null)?.id).toBe('rtx-4090');
    expect(gpuOf([null, 'RTXPRO6000'], 1597)?.id).toBe('rtx-pro-6000-server');
    expect(gpuOf(['Abacus'], null)).toBeUndefined();
  });
  it('have experts where the shape says so', () => {
    const shape = { ...(JSON.parse(CONFIG) as object), num_experts: 8, num_experts_per_tok: 2, head_dim: 32 };
    const { model } = describeMachine(shape, 'maker/Many');
    expect(model?.kinds[0]?.mlp).toMatchObject({ kind: 'experts', experts: 8, activeExperts: 2 });
    expect(model?.kinds[0]?.mixer).toMatchObject({ kind: 'full', keyDim: 32 });
  });
});

describe('the recorder’s clock', () => {
  it('is found from requests that are known twice', () => {
    const requests = Array.from({ length: 40 }, (_, i) => ({
      queuedMs: 5000 + 130 * i,
      firstTokenMs: 5000 + 130 * i,
      endMs: 5000 + 130 * i + 900,
      outputTokens: 2,
    }));
    const wanted = 0.37;
    const ticks = Array.from({ length: 7 }, (_, i) => {
      const now = 5000 + (i + 1 - wanted) * 1000;
      const within = requests.filter(({ queuedMs, endMs }) => queuedMs <= now && endMs > now).length;
      return { t: i + 1, running: within, waiting: 0, kvUsagePercent: null };
    });
    expect(Math.abs(clockOffsetSeconds(ticks, requests, 1) - wanted)).toBeLessThan(0.13);
  });
});

it('an error is in percent of what was measured', () => {
  expect(errorPercent(110, 100)).toBeCloseTo(10, 12);
  expect(errorPercent(1, 0)).toBe(0);
});

describe('a recording that is none', () => {
  const lines: Line[] = [{ input: 32, output: 3, ms: 0, queued: 0, first: 1, last: 2 }];
  const good = texts(lines);
  const withMeta = (changes: object): Partial<RecordedTexts> => ({ meta: JSON.stringify(meta(changes)) });
  const cases: { name: string; changes: Partial<Record<keyof RecordedTexts, unknown>>; says: string }[] = [
    { name: 'no JSON', changes: { meta: '{' }, says: 'meta.json is no JSON.' },
    {
      name: 'no engine',
      changes: { meta: '{"model":"m","vllm_version":"0.19.0"}' },
      says: 'meta.json: engine_kwargs',
    },
    {
      name: 'another version',
      changes: withMeta({ vllm_version: '0.8.5' }),
      says: 'recorded with vLLM 0.8.5; the scheduler here is that of 0.19.',
    },
    {
      name: 'two engines',
      changes: withMeta({ engine_kwargs: { data_parallel_size: 2 } }),
      says: '2 engines side by side (data parallel)',
    },
    {
      name: 'a bad line',
      changes: { requests: '{"input_toks":1}' },
      says: 'requests.jsonl, line 1: output_toks',
    },
    { name: 'no request', changes: { requests: '\n' }, says: 'requests.jsonl has no request.' },
    {
      name: 'another workload',
      changes: { requests: `${good.requests}\n${good.requests}` },
      says: 'The workload has 1 requests and the recording 2',
    },
    {
      name: 'other lengths',
      changes: { requests: good.requests.replace('32', '31') },
      says: 'Request 0 has 32 + 3 tokens in the workload and 31 + 3',
    },
    { name: 'a trace out of order', changes: { workload: 'nonsense' }, says: 'Line 1 of the trace' },
    {
      name: 'a series without its columns',
      changes: { timeseries: 't,running\n1,2\n' },
      says: 'timeseries.csv, line 1: there is no column waiting',
    },
    {
      name: 'a profile of another model',
      changes: withMeta({ model: 'maker/Three' }),
      says: 'The profile is of maker/Two-Layers; the run was of maker/Three.',
    },
    {
      name: 'a pool that is too small',
      changes: withMeta({ kv_cache: { num_gpu_blocks: 2 } }),
      says: 'Request 0 needs 3 blocks for its 35 tokens; the engine has 1.',
    },
    {
      name: 'neither GPU nor profile',
      changes: { profile: undefined },
      says: 'names no GPU that is known; name a profile',
    },
  ];
  it.each(cases)('$name', ({ changes, says }) => {
    expect(() => replayRecorded(texts(lines, changes))).toThrow(says);
  });
});
