import { describe, expect, test } from 'vitest';
import type { MeasuredResult } from '../../../src/core/run/measured.ts';
import { runToJson } from '../../../src/exchange/run-files.ts';
import { readResults } from '../../../src/exchange/results/read.ts';
import { toySimRun } from '../../charts/sim-runs.ts';
import { referenceText, whyNoReferenceData } from '../../reference-data.ts';
import { AIPERF, CSV, GENAI_BENCH, LLMPERF, SGLANG, VLLM, VLLM_LOG } from './documents.ts';

function only(text: string): MeasuredResult {
  const read = readResults(text);
  if (!read.ok) throw new Error(read.sentence);
  const [first, ...rest] = read.value;
  expect(rest).toEqual([]);
  if (!first) throw new Error('no result');
  return first;
}

function sentence(text: string): string {
  const read = readResults(text);
  if (read.ok) throw new Error('It was read.');
  return read.sentence;
}

/** The same 100 requests at 8 in flight, in each tool's words. */
test.each([
  { tool: 'vllm', document: VLLM },
  { tool: 'aiperf', document: AIPERF },
  { tool: 'genai-bench', document: GENAI_BENCH },
  { tool: 'llmperf', document: LLMPERF },
])('$tool: one load, in our definitions', ({ tool, document }) => {
  const result = only(JSON.stringify(document));
  expect(result).toMatchObject({
    tool,
    label: '8 in flight',
    load: { requestsPerSecond: null, concurrency: 8, promptTokens: 1024, outputTokens: 256 },
    requests: { finished: 100 },
    requestsPerSecond: 2,
    outputTokensPerSecond: 512,
  });
  expect(result.ttftMs.mean).toBeCloseTo(90, 9);
  expect(result.tpotMs.mean).toBeCloseTo(15, 9);
  expect(result.definitions.length).toBeGreaterThan(0);
});

test('vLLM: percentiles, raw gaps and what was not asked for', () => {
  const result = only(JSON.stringify(VLLM));
  expect(result.tpotMs).toEqual({ mean: 15, p50: 15.2, p90: null, p95: null, p99: 16.5 });
  expect(result.itlMs.mean).toBe(14.9);
  expect(result.e2eMs.mean).toBeNull();
});

test('vLLM: end to end from the arrays of --save-detailed, and NaN as Python writes it', () => {
  const detailed = { ...VLLM, ttfts: [0.1, 0.2], itls: [[0.01, 0.02], [0.03]] };
  const text = JSON.stringify(detailed).replace('"std_itl_ms":3', '"std_itl_ms":NaN');
  expect(only(text).e2eMs.mean).toBeCloseTo((130 + 230) / 2, 9);
});

test('AIPerf: units, gaps and the fullest GPU', () => {
  const result = only(JSON.stringify(AIPERF));
  expect(result.e2eMs).toEqual({ mean: 3915, p50: 3900, p90: 4000, p95: 4100, p99: 4200 });
  expect(result.itlMs.mean).toBe(14.9);
  expect(result.memory.peakBytes).toBe(74e9);
  expect(result.model).toBe('meta-llama/Llama-3.1-8B');
});

test('llmperf: its inter-token latency, which counts the first token in, is neither of ours', () => {
  const result = only(JSON.stringify(LLMPERF));
  expect(result.tpotMs).toEqual({ mean: (3915 - 90) / 255, p50: null, p90: null, p95: null, p99: null });
  expect(result.itlMs.mean).toBeNull();
  expect(result.definitions.filter(({ became }) => became === null).map(({ named }) => named)).toEqual([
    'results_inter_token_latency_s',
  ]);
});

test('genai-bench: milliseconds where the file says so', () => {
  const { stats } = GENAI_BENCH.aggregated_metrics;
  const inMs = { ...GENAI_BENCH, _time_unit: 'ms' };
  expect(only(JSON.stringify(inMs)).ttftMs.mean).toBeCloseTo(stats.ttft.mean, 9);
});

test('SGLang: a point a line', () => {
  const lines = [SGLANG, { ...SGLANG, request_rate: Infinity, max_concurrency: 16 }];
  const text = lines.map((line) => JSON.stringify(line)).join('\n');
  const read = readResults(`${text.replace('"request_rate":null', '"request_rate":Infinity')}\n`);
  if (!read.ok) throw new Error(read.sentence);
  expect(read.value.map(({ tool, label }) => [tool, label])).toEqual([
    ['sglang', '4 requests/s'],
    ['sglang', '16 in flight'],
  ]);
  expect(read.value[0]?.load).toEqual({
    requestsPerSecond: 4,
    concurrency: 10.6,
    promptTokens: 1024,
    outputTokens: 256,
  });
  expect(read.value[0]?.itlMs.p95).toBe(15);
});

test('CSV: columns by name, units and percentiles in them', () => {
  const read = readResults(CSV);
  if (!read.ok) throw new Error(read.sentence);
  const [one, two] = read.value;
  expect(one).toMatchObject({
    label: 'one',
    load: { concurrency: 8, promptTokens: 1024, outputTokens: 256 },
    ttftMs: { mean: 90 },
    tpotMs: { mean: 15, p99: 16.5 },
    e2eMs: { mean: 3915 },
    memory: { kvTokens: 431_168 },
  });
  expect(two).toMatchObject({
    label: 'two, at night',
    tpotMs: { mean: 20, p99: null },
    memory: { kvTokens: null },
  });
  expect(one?.translated.join(' ')).toContain('driver');
});

test('the log of an engine’s start gives its memory', () => {
  expect(only(VLLM_LOG).memory).toEqual({
    kvTokens: 431_168,
    weightsBytes: 14.99 * 2 ** 30,
    peakBytes: null,
  });
  const sglang = '[2026-01-02 03:04:05] max_total_num_tokens=442368, chunked_prefill_size=8192';
  expect(only(sglang).memory.kvTokens).toBe(442_368);
  const allocated = (gib: string, tokens: number): string =>
    `[TensorRT-LLM][INFO] [MemUsageChange] Allocated ${gib} GiB for max tokens in paged KV cache (${tokens}).`;
  const tensorRt = [allocated('0.56', 8224), allocated('26.91', 220_480)].join('\n');
  expect(only(tensorRt).memory.kvTokens).toBe(220_480);
});

const REPORT = 'schemas/guidellm_report_v2.fixture.json';
const missing = whyNoReferenceData(REPORT);

describe.skipIf(missing !== null)(
  `a real GuideLLM report${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    const text = missing === null ? referenceText(REPORT) : '';

    test('every benchmark is a point, its ITL our TPOT', () => {
      const read = readResults(text);
      if (!read.ok) throw new Error(read.sentence);
      const report = JSON.parse(text);
      expect(read.value).toHaveLength(report.benchmarks.length);
      const metrics = report.benchmarks[0].metrics;
      const [first] = read.value;
      expect(first).toMatchObject({ tool: 'guidellm', toolVersion: '0.8.0.dev18', label: '2 requests/s' });
      expect(first?.tpotMs.mean).toBe(metrics.inter_token_latency_ms.successful.mean);
      expect(first?.tpotMs.mean).not.toBe(metrics.time_per_output_token_ms.successful.mean);
      expect(first?.e2eMs.p50).toBe(metrics.request_latency.successful.percentiles.p50 * 1000);
      const { ttftMs, tpotMs, e2eMs } = first ?? {};
      // Both sides of the definition, on the tool's own numbers: 8 tokens a request.
      expect((ttftMs?.mean ?? 0) + 7 * (tpotMs?.mean ?? 0)).toBeCloseTo(e2eMs?.mean ?? 0, 0);
      expect(first?.outputTokensPerSecond).toBeCloseTo(16 / report.benchmarks[0].duration, 6);
    });

    test('cut in half it is one sentence', () => {
      expect(sentence(text.slice(0, text.length / 2))).toBe(
        'This file ends in the middle of its JSON: it was cut off; export or copy it again.',
      );
    });

    test('a version that is not known is refused by its number', () => {
      const report = JSON.parse(text);
      expect(sentence(JSON.stringify({ ...report, metadata: { ...report.metadata, version: 9 } }))).toContain(
        'of version 9',
      );
    });
  },
);

test.each([
  { what: 'nothing', text: ' \n', says: 'empty' },
  { what: 'a text', text: 'Dear reader', says: 'neither JSON, CSV nor a log' },
  {
    what: 'JSON of something else',
    text: '{"name": "kvlab", "version": "0.1.0"}',
    says: 'it has name, version',
  },
  { what: 'JSON that is cut', text: JSON.stringify(VLLM).slice(0, 300), says: 'cut off' },
  {
    what: 'JSON lines of which the last is cut',
    text: `${JSON.stringify(SGLANG)}\n${JSON.stringify(SGLANG).slice(0, 90)}`,
    says: 'Line 2',
  },
  {
    what: 'offline bench of vLLM',
    text: '{"elapsed_time": 1, "tokens_per_second": 3}',
    says: 'offline bench',
  },
  {
    what: 'a result of vLLM without times',
    text: JSON.stringify({ model_id: 'a', tokenizer_id: 'a', num_prompts: 3, request_throughput: 1 }),
    says: 'neither TTFT nor TPOT',
  },
  { what: 'a cancelled AIPerf', text: JSON.stringify({ ...AIPERF, was_cancelled: true }), says: 'cancelled' },
  { what: 'CSV without measurements', text: 'a,b\n1,2', says: 'No column of this CSV' },
  {
    what: 'CSV with a short row',
    text: `${CSV.split('\r\n')[0]}\n1,2,3`,
    says: 'Row 2 of this CSV has 3 fields',
  },
  { what: 'CSV with a word', text: 'concurrency,tpot_ms\n8,fast', says: 'Row 2, column tpot_ms: “fast”' },
  {
    what: 'a time that no server has',
    text: JSON.stringify({ ...VLLM, mean_tpot_ms: 1e-300 }),
    says: 'TPOT (mean, ms): 1e-300, which can’t be',
  },
  {
    what: 'a throughput that no server has',
    text: JSON.stringify({ ...VLLM, output_throughput: 1e300 }),
    says: 'output tokens a second: 1e+300, which can’t be',
  },
  {
    what: 'percentiles that fall',
    text: 'concurrency,tpot_p50_ms,tpot_p99_ms\n8,15,12',
    says: 'TPOT with a p99 of 12 ms, less than its p50, 15 ms',
  },
  { what: 'a simulated run of ours', text: runToJson(toySimRun()), says: 'a simulate run of KV Lab' },
])('$what is one sentence', ({ text, says }) => {
  expect(sentence(text)).toContain(says);
});

const STRANGE: readonly unknown[] = [null, '', 'x', 'NaN', -1, 0, 1e308, 1e-300, true, [], {}];

/** The document once for each of its leaves and branches, with something strange in that place. */
function* damaged(document: unknown): Generator<unknown> {
  if (typeof document !== 'object' || document === null) return;
  for (const [index, [name, value]] of Object.entries(document).entries()) {
    const put = (other: unknown): unknown =>
      Array.isArray(document) ? document.toSpliced(index, 1, other) : { ...document, [name]: other };
    for (const strange of STRANGE) yield put(strange);
    for (const inner of damaged(value)) yield put(inner);
  }
}

test.each(Object.entries({ VLLM, SGLANG, AIPERF, LLMPERF, GENAI_BENCH }))(
  '%s, damaged in any place, is read or refused in one sentence',
  (_, document) => {
    for (const strange of damaged(document)) {
      const read = readResults(JSON.stringify(strange));
      if (!read.ok) expect(read.sentence).toMatch(/^[^\n]{10,500}$/);
      else for (const { tpotMs } of read.value) expect(tpotMs.mean ?? 1).toBeGreaterThanOrEqual(0);
    }
  },
);
