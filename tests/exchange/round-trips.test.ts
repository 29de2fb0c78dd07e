/** What is written is read again as it was: arbitrary results through every format that goes both ways. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { MeasuredDistribution, MeasuredResult } from '../../src/core/run/measured.ts';
import { MEASURED_TIMES } from '../../src/core/run/measured.ts';
import { parseRun } from '../../src/core/run/parse.ts';
import { readTrace } from '../../src/core/workload/traces/read.ts';
import { parsePrometheus } from '../../src/endpoints/prometheus.ts';
import { fromCsv, toCsv } from '../../src/exchange/csv.ts';
import { importedRun } from '../../src/exchange/read/read-import.ts';
import { resultsToCsv } from '../../src/exchange/imported/csv.ts';
import { readResults } from '../../src/exchange/results/read.ts';
import { runToJson } from '../../src/exchange/run-files.ts';
import { lanesOf } from '../../src/exchange/write/trace-lanes.ts';
import { llmdReports } from '../../src/exchange/write/llm-d.ts';
import { prometheusText } from '../../src/exchange/write/prometheus.ts';

const RUNS = { numRuns: 40 };

const within = (min: number, max: number) => fc.double({ min, max, noNaN: true, noDefaultInfinity: true });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
/** No control characters, and no beginning that a spreadsheet takes for a formula: those gain an apostrophe. */
const words = fc
  .string({ maxLength: 40, unit: 'grapheme' })
  .map((text) => text.replace(/[\u0000-\u001f\u007f]/g, ' ').trim())
  .filter((text) => text !== '' && !/^[=+\-@]/.test(text) && text.length <= 100);

/** Percentiles that rise, a mean anywhere a server may have it; each may be missing. */
const distribution: fc.Arbitrary<MeasuredDistribution> = fc
  .tuple(
    fc.array(within(1e-3, 1e6), { minLength: 4, maxLength: 4 }),
    within(1e-3, 1e6),
    fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
  )
  .map(([values, mean, there]) => {
    const [p50 = 1, p90 = 1, p95 = 1, p99 = 1] = values.toSorted((a, b) => a - b);
    const kept = (value: number, at: number): number | null => (there[at] === true ? value : null);
    return {
      mean: kept(mean, 0),
      p50: kept(p50, 1),
      p90: kept(p90, 2),
      p95: kept(p95, 3),
      p99: kept(p99, 4),
    };
  });

const result: fc.Arbitrary<MeasuredResult> = fc.record({
  tool: fc.constant('csv' as const),
  toolVersion: fc.constant(null),
  model: maybe(words),
  date: fc.constant(null),
  label: words,
  load: fc.record({
    requestsPerSecond: maybe(within(1e-3, 1e5)),
    concurrency: maybe(within(1, 1e5)),
    promptTokens: maybe(within(1, 1e6)),
    outputTokens: maybe(within(1, 1e6)),
  }),
  requests: fc.record({ finished: maybe(fc.nat(1e6)), failed: maybe(fc.nat(1e6)) }),
  durationSeconds: maybe(within(1e-3, 1e6)),
  ttftMs: distribution,
  tpotMs: distribution,
  itlMs: distribution,
  e2eMs: distribution,
  requestsPerSecond: maybe(within(1e-3, 1e6)),
  outputTokensPerSecond: maybe(within(1e-3, 1e9)),
  memory: fc.record({
    kvTokens: maybe(fc.integer({ min: 1, max: 1e9 })),
    weightsBytes: maybe(fc.integer({ min: 1, max: 1e12 })),
    peakBytes: maybe(fc.integer({ min: 1, max: 1e12 })),
  }),
  definitions: fc.constant([]),
  translated: fc.constant([]),
});

const imported = (points: readonly MeasuredResult[]) =>
  importedRun(points, {
    id: 'a',
    createdAt: '2026-09-01T12:00:00Z',
    appVersion: 'test',
    file: 'f.csv',
    command: null,
  });

test('an import comes back from its JSON', () => {
  fc.assert(
    fc.property(fc.array(result, { minLength: 1, maxLength: 4 }), (points) => {
      const run = imported(points);
      // JSON has no minus zero.
      expect(parseRun(runToJson(run))).toEqual({ ok: true, run: JSON.parse(JSON.stringify(run)) });
    }),
    RUNS,
  );
});

test('results come back from their CSV, figure by figure', () => {
  fc.assert(
    fc.property(fc.array(result, { minLength: 1, maxLength: 4 }), (points) => {
      const read = readResults(resultsToCsv(points));
      if (!read.ok) throw new Error(read.sentence);
      const figures = ({ definitions: _, translated: __, ...rest }: MeasuredResult) => rest;
      expect(read.value.map(figures)).toEqual(points.map(figures));
    }),
    RUNS,
  );
});

test('a result comes back from llm-d’s report, as JSON and as YAML; a time without a mean is left out', () => {
  fc.assert(
    fc.property(result, fc.boolean(), (point, yaml) => {
      const written = llmdReports(imported([point]));
      if (!written.ok) throw new Error(written.sentence);
      const plain: unknown = JSON.parse(JSON.stringify(written.value[0]));
      const read = readResults(yaml ? stringify(plain) : JSON.stringify(plain));
      const [ttft, e2e] = [point.ttftMs.mean, point.e2eMs.mean];
      expect(read.ok).toBe(ttft !== null || e2e !== null);
      if (!read.ok) return;
      const [found] = read.value;
      for (const time of MEASURED_TIMES) {
        if (point[time].mean !== null) expect(found?.[time]).toEqual(point[time]);
        else expect(found?.[time].p99).toBeNull();
      }
      expect(found?.requestsPerSecond).toBe(point.requestsPerSecond);
      expect(found?.outputTokensPerSecond).toBe(point.outputTokensPerSecond);
      expect(found?.model).toBe(point.model);
    }),
    { ...RUNS, examples: [] },
  );
});

test('Prometheus text gives every number again, in base units, under any label', () => {
  fc.assert(
    fc.property(result, (point) => {
      const text = prometheusText(imported([point]));
      if (!text.ok) return;
      const { samples, unread } = parsePrometheus(text.value);
      expect(unread).toBe(0);
      const valueOf = (name: string, quantile?: string): number | undefined =>
        samples.find((sample) => sample.name === name && sample.labels['quantile'] === quantile)?.value;
      expect(valueOf('kvlab_output_tokens_per_second')).toBe(point.outputTokensPerSecond ?? undefined);
      const { p99, mean } = point.ttftMs;
      expect(valueOf('kvlab_ttft_seconds', '0.99')).toBe(p99 === null ? undefined : p99 / 1000);
      expect(valueOf('kvlab_ttft_mean_seconds')).toBe(mean === null ? undefined : mean / 1000);
      for (const { labels } of samples) expect(labels['point']).toBe(point.label);
    }),
    RUNS,
  );
});

test('CSV: any cells but those that a spreadsheet takes for a formula', () => {
  // What CSV trips over, and what it does not.
  const piece = fc.constantFrom('a', '"', '""', ',', ';', '\n', '\r\n', 'é', '😀', ' ', '0', "'", '-', '=');
  const cell = fc
    .array(piece, { maxLength: 8 })
    .map((pieces) => pieces.join(''))
    .filter((text) => !/^[=+\-@\t\r]/.test(text));
  fc.assert(
    fc.property(
      fc.array(fc.array(cell, { minLength: 2, maxLength: 5 }), { minLength: 1, maxLength: 6 }),
      (rows) => {
        const width = Math.min(...rows.map((row) => row.length));
        const table = rows.map((row) => row.slice(0, width));
        const [header = [], ...body] = table;
        expect(fromCsv(toCsv(header, body))).toEqual(table);
      },
    ),
    RUNS,
  );
});

test('a trace as JSON lines comes back, ids and all', () => {
  const request = fc.record({
    gapMs: fc.integer({ min: 0, max: 100_000 }),
    blocks: fc.integer({ min: 1, max: 20 }),
    output: fc.integer({ min: 0, max: 5000 }),
  });
  fc.assert(
    fc.property(fc.array(request, { minLength: 1, maxLength: 30 }), (requests) => {
      let at = 0;
      const lines = requests.map(({ gapMs, blocks, output }) => ({
        timestamp: (at += gapMs),
        // Not a whole number of blocks: the last one is partial, as Mooncake counts it.
        input_length: blocks * 512 - 100,
        output_length: output,
        hash_ids: Array.from({ length: blocks }, (_, i) => i),
      }));
      const trace = readTrace(lines.map((line) => JSON.stringify(line)).join('\n'));
      expect(trace.blockTokens).toBe(512);
      trace.requests.forEach(({ arrivalSeconds, promptTokens, outputTokens, blockIds }, i) => {
        const line = lines[i];
        expect([promptTokens, outputTokens, blockIds]).toEqual([
          line?.input_length,
          line?.output_length,
          line?.hash_ids,
        ]);
        expect(arrivalSeconds).toBeCloseTo(((line?.timestamp ?? 0) - (lines[0]?.timestamp ?? 0)) / 1000, 9);
      });
    }),
    RUNS,
  );
});

test('lanes of a trace: nothing overlaps, and there are as few as can be', () => {
  const stretch = fc
    .tuple(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 1, max: 100 }))
    .map(([start, length]) => [start, start + length] as const);
  fc.assert(
    fc.property(fc.array(stretch, { maxLength: 40 }), (stretches) => {
      const lanes = lanesOf(stretches);
      const most = Math.max(
        0,
        ...stretches.map(([at]) => stretches.filter(([start, end]) => start <= at && at < end).length),
      );
      expect(new Set(lanes).size).toBe(most);
      stretches.forEach(([start, end], i) =>
        stretches.forEach(([from, to], j) => {
          if (i < j && lanes[i] === lanes[j]) expect(end <= from || to <= start).toBe(true);
        }),
      );
    }),
    RUNS,
  );
});
