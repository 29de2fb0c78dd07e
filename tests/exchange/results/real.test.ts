/** What importers make of files that their tools really wrote; each number is worked out beside the file’s own. */
import { describe, expect, test } from 'vitest';
import type { MeasuredResult } from '../../../src/core/run/measured.ts';
import { TOOL_SOURCES } from '../../../src/exchange/read/sources.ts';
import { llmdReports } from '../../../src/exchange/write/llm-d.ts';
import { runToJson } from '../../../src/exchange/run-files.ts';
import { readResults } from '../../../src/exchange/results/read.ts';
import { stringify } from 'yaml';
import { importedVllm, loadRun, RUNS } from '../write/runs.ts';
import {
  AIPERF_EXPORT,
  AIPERF_RECORDS,
  GENAI_BENCH,
  GUIDELLM_V1,
  INFERENCE_PERF,
  LLM_D_01_YAML,
  LLM_D_YAML,
  LLMPERF,
  LLMSERVINGSIM,
  SGLANG,
  VLLM,
} from './real.ts';

function all(text: string): readonly MeasuredResult[] {
  const read = readResults(text);
  if (!read.ok) throw new Error(read.sentence);
  return read.value;
}

function only(document: unknown): MeasuredResult {
  const [first, ...rest] = all(typeof document === 'string' ? document : JSON.stringify(document));
  expect(rest).toEqual([]);
  if (first === undefined) throw new Error('no result');
  return first;
}

test('inference-perf: seconds, its TPOT is ours, NTPOT is not read', () => {
  const result = only(INFERENCE_PERF);
  expect(result).toMatchObject({
    tool: 'inference-perf',
    label: '6 requests/s',
    load: { requestsPerSecond: 6, concurrency: null },
    requests: { finished: 360, failed: 0 },
    requestsPerSecond: 5.163428141506833,
  });
  expect(result.ttftMs).toMatchObject({
    mean: 66.86591952537936,
    p50: 60.59830402955413,
    p95: null,
    p99: null,
  });
  expect(result.tpotMs.mean).toBeCloseTo(9.172188907880555, 12);
  expect(result.itlMs.p50).toBeCloseTo(0.10735500836744905, 12);
  expect(result.definitions.find(({ named }) => named.startsWith('normalized'))?.became).toBeNull();
});

test('LLMServingSim: nanoseconds, and the tokens between its gaps', () => {
  const result = only(LLMSERVINGSIM);
  expect(result.tool).toBe('llmservingsim');
  expect(result.ttftMs.mean).toBeCloseTo((142.733075 + 156.813129) / 2, 6);
  // Its own TPOT column, which the gaps give again.
  expect(result.tpotMs.mean).toBeCloseTo((113.478017 + 113.477121) / 2, 3);
  expect(result.load).toMatchObject({ promptTokens: 3, outputTokens: (9 + 12) / 2 });
  expect(result.requestsPerSecond).toBeCloseTo(2 / (1.975969242 - 0.570907776), 9);
  expect(result.itlMs.p50).toBeCloseTo(113.478329, 6);
});

test('AIPerf’s lines are one load; an error is a failure, not a request', () => {
  const text = AIPERF_RECORDS.map((record) => JSON.stringify(record)).join('\n');
  const result = only(`${text}\n`);
  expect(result).toMatchObject({ tool: 'aiperf', requests: { finished: 2, failed: 1 } });
  expect(result.ttftMs.mean).toBeCloseTo((1680.543782 + 3340.543979) / 2, 9);
  expect(result.tpotMs.p50).toBeCloseTo((32.585544203124996 + 25.383637276041668) / 2, 9);
  // The definition on the tool's own numbers: (latency − TTFT) / (193 − 1).
  expect((7936.968269 - 1680.543782) / 192).toBeCloseTo(32.585544203124996, 9);
  expect(result.itlMs.p50).toBeCloseTo((138.46933 + 139.01212) / 2, 6);
  expect(result.load.promptTokens).toBe(550);
  expect(result.durationSeconds).toBeCloseTo(8.214202336, 5);
});

test('AIPerf’s export of 0.10: the phase that counts, not its warm-up', () => {
  const result = only(AIPERF_EXPORT);
  expect(result).toMatchObject({
    label: '16 in flight',
    model: 'qwen3.6-nvfp4',
    load: { concurrency: 16, requestsPerSecond: null },
    requestsPerSecond: 2.156207775934887,
  });
  expect(result.tpotMs.p99).toBe(13.272469915788289);
  expect(result.itlMs.p99).toBe(117.98615575276864);
});

test('genai-bench writes an arrival rate of a closed loop too: the load is one in flight', () => {
  const result = only(GENAI_BENCH);
  expect(result.load).toMatchObject({ requestsPerSecond: null, concurrency: 1 });
  expect(result.label).toBe('1 in flight');
  expect(result.ttftMs.p99).toBeCloseTo(1247.13632997049, 9);
});

test('an old SGLang has medians alone and no throughput of requests', () => {
  const result = only(SGLANG);
  expect(result.ttftMs).toEqual({ mean: null, p50: 82.87082647439092, p90: null, p95: null, p99: null });
  expect(result.requestsPerSecond).toBeCloseTo(300 / 298.36731477989815, 9);
  expect(result.tpotMs.mean).toBeNull();
});

test('vLLM without arrays and without throughput', () => {
  const result = only(VLLM);
  expect(result).toMatchObject({
    label: '4 requests/s',
    load: { requestsPerSecond: 4, concurrency: null, promptTokens: null },
    requestsPerSecond: null,
  });
  expect(result.tpotMs).toMatchObject({ mean: 87.64925255216323, p50: 87.8718727761697, p95: null });
});

test('vLLM with arrays: what was not asked for comes from them, failed requests do not', () => {
  const { median_ttft_ms: _, p99_ttft_ms: __, ...rest } = VLLM;
  const { median_tpot_ms: ___, p99_tpot_ms: ____, ...few } = rest;
  const detailed = {
    ...few,
    ttfts: [0.1, 0.2, 0],
    itls: [[0.01, 0.02], [0.03], []],
    output_lens: [3, 2, 0],
    completed: 2,
  };
  const result = only(detailed);
  // Reported ones stay, percentiles that are missing are linear between ranks.
  expect(result.ttftMs.mean).toBe(VLLM.mean_ttft_ms);
  expect(result.ttftMs.p90).toBeCloseTo(190, 9);
  expect(result.e2eMs.mean).toBeCloseTo((130 + 230) / 2, 9);
  expect(result.tpotMs.p95).toBeCloseTo(15 + 0.95 * 15, 9);
  // Arrays that contradict what is reported (a p90 of 28.5 under a median of 87.9) add nothing.
  expect(only({ ...detailed, median_tpot_ms: 87.9 }).tpotMs).toMatchObject({ p50: 87.9, p90: null });
});

test('llmperf: TPOT of means, its inter-token latency not read', () => {
  const result = only(LLMPERF);
  expect(result.tpotMs.mean).toBeCloseTo((1184.0654935201018 - 253.82229144015583) / 98.44, 9);
  expect(result.itlMs.mean).toBeNull();
  expect(result.requestsPerSecond).toBeCloseTo(202.3737797988183 / 60, 12);
});

test('GuideLLM version 1, and older still', () => {
  const result = only(GUIDELLM_V1);
  expect(result).toMatchObject({
    toolVersion: '0.5.0',
    label: '5 requests/s',
    model: 'Qwen/Qwen3-0.6B',
    requests: { finished: 281, failed: 0 },
    durationSeconds: 60,
    date: '2026-02-18T00:39:44',
  });
  expect(result.outputTokensPerSecond).toBeCloseTo(35968 / 60, 9);
  expect(result.e2eMs.p50).toBeCloseTo(3702.547073364258, 9);
  const { metadata: _, args: __, benchmarks } = GUIDELLM_V1;
  const [{ config, ...benchmark }] = benchmarks as [(typeof benchmarks)[number]];
  const older = only({ benchmarks: [{ ...benchmark, args: config }] });
  expect(older.load.requestsPerSecond).toBe(5);
  expect(older.translated.join(' ')).toContain('untested on a real file of that age');
});

describe('llm-d reports', () => {
  test('what was written is read again, as JSON and as YAML, and so are its definitions', () => {
    const run = importedVllm();
    const written = llmdReports(run);
    if (!written.ok || run.kind !== 'imported') throw new Error('no report');
    const [report] = written.value;
    for (const text of [JSON.stringify(report), stringify(JSON.parse(JSON.stringify(report)))]) {
      const result = only(text);
      expect(result.tool).toBe('llm-d');
      for (const time of ['ttftMs', 'tpotMs', 'itlMs', 'e2eMs'] as const) {
        expect(result[time]).toEqual(run.points[0]?.[time]);
      }
      expect(result.requestsPerSecond).toBe(2);
    }
  });

  test('real ones of versions 0.2 and 0.1', () => {
    const result = only(LLM_D_YAML);
    expect(result).toMatchObject({
      tool: 'llm-d',
      load: { requestsPerSecond: 8192, concurrency: 2048 },
      requests: { finished: 8192, failed: 0 },
      requestsPerSecond: 11.034890199531286,
    });
    expect(result.ttftMs.p99).toBeCloseTo(86973.12242283486, 6);
    expect(result.tpotMs.mean).toBeCloseTo(79.70394011720383, 9);
    expect(result.itlMs.p90).toBeCloseTo(0.03565475344657898, 9);
    const older = only(LLM_D_01_YAML);
    expect(older).toMatchObject({
      model: null,
      requests: { finished: 200 },
      durationSeconds: 22.336875702952966,
      outputTokensPerSecond: 3502.384763911175,
    });
    expect(older.tpotMs.mean).toBeCloseTo(29.002450591726524, 9);
  });

  test('of GuideLLM: its ITL is our TPOT, its TPOT is not read', () => {
    const statistics = (mean: number) => ({ units: 's/token', mean });
    const report = {
      version: '0.2',
      run: { uid: 'a' },
      scenario: { load: { standardized: { tool: 'guidellm', input_seq_len: { value: 8 } } } },
      results: {
        request_performance: {
          aggregate: {
            latency: {
              time_to_first_token: { units: 's', mean: 0.1 },
              time_per_output_token: statistics(0.03),
              inter_token_latency: statistics(0.02),
            },
          },
        },
      },
    };
    const result = only(report);
    expect(result.ttftMs.mean).toBe(100);
    expect(result.tpotMs.mean).toBe(20);
    expect(result.itlMs.mean).toBeNull();
  });
});

test('a measured run of ours is a result; a simulated one is not', () => {
  const result = only(runToJson(loadRun()));
  expect(result).toMatchObject({ tool: 'kvlab', model: 'tiny', requests: { finished: 2 } });
  expect(result.ttftMs.mean).toBe(80);
  const simulated = readResults(runToJson(RUNS.simulate()));
  expect(simulated.ok ? '' : simulated.sentence).toContain('without a measured request');
});

test('every tool says on what its importer was tested', () => {
  for (const { on, tested } of Object.values(TOOL_SOURCES)) expect(on.length > 0).toBe(tested !== 'nothing');
});
