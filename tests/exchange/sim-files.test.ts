import { expect, test } from 'vitest';
import { parseRun } from '../../src/core/run/parse.ts';
import { fromCsv } from '../../src/exchange/csv.ts';
import { runToJson } from '../../src/exchange/run-files.ts';
import { simPointsToCsv, simRequestsToCsv, simSeriesToCsv } from '../../src/exchange/sim-files.ts';
import { TOY_SAMPLES, toySimRun } from '../charts/sim-runs.ts';

const run = toySimRun({ axis: { path: 'engine.scheduler', values: ['static', 'vllm'] }, repeats: 2 });

/** Rows as records by the names in the header. */
function records(csv: string): Record<string, string>[] {
  const [header = [], ...rows] = fromCsv(csv);
  return rows.map((row) => Object.fromEntries(header.map((name, i) => [name, row[i] ?? ''])));
}

test('JSON comes back as the same run', () => {
  expect(parseRun(runToJson(run))).toEqual({ ok: true, run });
});

test('one row a request of every repetition', () => {
  const rows = records(simRequestsToCsv(run));
  expect(rows).toHaveLength(2 * 2 * 40);
  expect(rows[0]).toEqual({
    'engine.scheduler': 'static',
    repetition: '0',
    seed: '1',
    id: '0',
    arrivalMs: '0',
    startMs: '10',
    firstTokenMs: '100',
    endMs: '1000',
    promptTokens: '1000',
    outputTokens: '46',
    cachedTokens: '0',
    preemptions: '0',
    replica: '0',
  });
  expect(rows.at(-1)).toMatchObject({ 'engine.scheduler': 'vllm', repetition: '1', seed: '2', id: '39' });
});

test('one row a sample', () => {
  const rows = records(simSeriesToCsv(run));
  expect(rows).toHaveLength(2 * 2 * TOY_SAMPLES);
  expect(rows[100]).toMatchObject({ timeMs: '10000', preemptions: '1', cachedBlocks: '200' });
});

test('one row a repetition: summary, hits and misses, latencies, what the times rest on', () => {
  const rows = records(simPointsToCsv(run));
  expect(rows).toHaveLength(4);
  // 600 samples of 100 tokens each; half of them find 50.
  expect(rows[0]).toMatchObject({
    'engine.scheduler': 'static',
    requests: '500',
    hitTokens: String(300 * 50),
    missTokens: String(600 * 100 - 300 * 50),
    'ttftMs p50': '600',
    'ttftMs p99': '1090',
    'steps assumed': '6000',
  });
});

test('what did not happen is an empty cell, never 0', () => {
  const [point] = toySimRun().points;
  const [repetition] = point?.repetitions ?? [];
  if (!point || !repetition) throw new Error('The toy run has a repetition.');
  const unfinished = {
    ...toySimRun(),
    points: [
      {
        ...point,
        repetitions: [
          {
            ...repetition,
            summary: { ...repetition.summary, tpotMs: null, goodput: null },
            requests: { ...repetition.requests, endMs: repetition.requests.endMs.map(() => null) },
          },
        ],
      },
    ],
  };
  expect(records(simRequestsToCsv(unfinished))[0]).toMatchObject({ endMs: '' });
  expect(records(simPointsToCsv(unfinished))[0]).toMatchObject({ goodput: '', 'tpotMs p50': '' });
});
