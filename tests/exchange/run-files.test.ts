import { expect, test } from 'vitest';
import { parseRun } from '../../src/core/run/parse.ts';
import { fromCsv, toCsv } from '../../src/exchange/csv.ts';
import { checkToCsv, fileStem, pointsToCsv, requestsToCsv, runToJson } from '../../src/exchange/run-files.ts';
import { checkRun, labRun, point, repetition, request } from '../support/runs.ts';

test.each([
  { cell: 'plain', out: 'plain' },
  { cell: 'a,b', out: '"a,b"' },
  { cell: 'say "hi"', out: '"say ""hi"""' },
  { cell: 'two\r\nlines', out: '"two\r\nlines"' },
  { cell: '=1+1', out: "'=1+1" },
  { cell: '+49', out: "'+49" },
  { cell: '-cmd', out: "'-cmd" },
  { cell: '@SUM(A1)', out: "'@SUM(A1)" },
  { cell: '\tx', out: "'\tx" },
  { cell: '=HYPERLINK("http://x","y")', out: '"\'=HYPERLINK(""http://x"",""y"")"' },
  { cell: -5, out: '-5' },
  { cell: 1e-7, out: '1e-7' },
  { cell: NaN, out: '' },
  { cell: null, out: '' },
  { cell: true, out: 'true' },
  { cell: '', out: '' },
])('writes the cell $cell', ({ cell, out }) => {
  expect(toCsv(['x'], [[cell]])).toBe(`x\r\n${out}\r\n`);
});

test('reads what it wrote, quotes and line breaks included', () => {
  const rows = [
    ['a', 'b,c', 'd"e"', 'f\r\ng'],
    ['', 'ü', ' spaced ', '1'],
  ];
  expect(fromCsv(toCsv(['1', '2', '3', '4'], rows))).toEqual([['1', '2', '3', '4'], ...rows]);
  expect(fromCsv('a,b\nc,d')).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ]);
});

const run = labRun([
  point({
    repetitions: [repetition(), repetition({ requests: [request({ id: 3, error: '=lost, "twice"' })] })],
  }),
  point({
    settings: { 'workload.concurrency': 2, 'engine.kvFormat': 'int8' },
    status: 'failed',
    reason: 'Out of memory.',
    repetitions: [],
  }),
]);

test('a run comes back from its JSON', () => {
  for (const each of [run, checkRun()]) expect(parseRun(runToJson(each))).toEqual({ ok: true, run: each });
});

test('one row a request, with its settings and repetition', () => {
  const [header, ...rows] = fromCsv(requestsToCsv(run));
  expect(header?.join()).toBe(
    'workload.concurrency,engine.kvFormat,repetition,group,id,promptTokens,outputTokens,queuedMs,startMs,firstTokenMs,endMs,peakKvBytes,backend,error',
  );
  expect(rows).toEqual([
    ['1', '', '0', 'all', '0', '100', '11', '0', '5', '20', '120', '1000', 'subgroups', ''],
    ['1', '', '1', 'all', '3', '100', '11', '0', '5', '20', '120', '1000', 'subgroups', '\'=lost, "twice"'],
  ]);
});

test('one row a point, with units and intervals; a failed one is empty but for its reason', () => {
  const [header = [], first = [], second = []] = fromCsv(pointsToCsv(run));
  const at = (row: string[], name: string) => row[header.indexOf(name)];
  expect(header.length).toBe(first.length);
  expect(at(first, 'decodeStepMs [ms]')).toBe('10');
  expect(at(first, 'decodeStepMs [ms] low')).toBe('');
  expect(at(first, 'finishedRequests')).toBe('1');
  expect(at(first, 'failedRequests')).toBe('1');
  expect(at(first, 'ttft samples')).toBe('1');
  expect(at(first, 'ttft p99.9 [ms]')).toBe('');
  expect(at(second, 'reason')).toBe('Out of memory.');
  expect(
    second.slice(header.indexOf('prefillMs [ms]')).filter((cell) => cell !== '' && cell !== '0'),
  ).toEqual([]);
});

test('one row a measurement of a check', () => {
  expect(fromCsv(checkToCsv(checkRun()))[2]).toEqual([
    'fma-f16',
    'FMA in f16',
    '',
    'GB/s',
    '',
    '0',
    'shader-f16 is missing.',
  ]);
});

test.each([
  { title: 'Concurrency sweep, Llama-3.2-1B shape', stem: 'concurrency-sweep-llama-3.2-1b-shape-2026-09-01' },
  { title: '../../etc/passwd', stem: 'etc-passwd-2026-09-01' },
  { title: '漢字', stem: 'run-2026-09-01' },
  { title: 'Größe', stem: 'gro-e-2026-09-01' },
])('“$title” is filed as $stem', ({ title, stem }) => {
  expect(fileStem(labRun([], { title }))).toBe(stem);
});
