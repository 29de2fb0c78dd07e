/** `kvlab import` and `export`: answers, files and exit statuses. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parseRun } from '../../src/core/run/parse.ts';
import { runToJson } from '../../src/exchange/run-files.ts';
import { kvlab } from '../support/run-cli.ts';
import { RUNS } from './write/runs.ts';
import { LLMPERF, VLLM } from './results/documents.ts';

const folder = mkdtempSync(join(tmpdir(), 'kvlab-exchange-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test('import --json answers a run with the definitions of every figure and on what the importer was tested', async () => {
  const answer = await kvlab('import', file('llmperf.json', JSON.stringify(LLMPERF)), '--json');
  expect(answer.status).toBe(0);
  const parsed = parseRun(answer.out);
  if (!parsed.ok || parsed.run.kind !== 'imported') throw new Error('no import');
  expect(parsed.run.tested).toContain('Tested on a real file');
  const [point] = parsed.run.points;
  expect(point?.definitions.find(({ became }) => became === null)?.named).toBe(
    'results_inter_token_latency_s',
  );
});

test('import without --json says each definition as a sentence', async () => {
  const { out } = await kvlab('import', file('vllm.json', JSON.stringify(VLLM)));
  expect(out).toContain(
    'tpot_ms is (end to end − TTFT) / (output tokens − 1) of each request: read as TPOT, as it is.',
  );
  expect(out).toContain('Tested on a real file');
});

test('import knows a trace and a run from their names', async () => {
  const trace = file(
    't.jsonl',
    '{"timestamp": 0, "input_length": 600, "output_length": 5, "hash_ids": [1, 2]}\n',
  );
  const answer = await kvlab('import', trace, '--json');
  expect(JSON.parse(answer.out)).toMatchObject({ kind: 'trace', requests: 1, blockTokens: 512 });
  const run = await kvlab('import', file('run.json', runToJson(RUNS.load())));
  expect(run.out).toContain('a load run of KV Lab');
});

test('export writes every format into a folder, and one file to standard output', async () => {
  const run = file('load.json', runToJson(RUNS.load()));
  for (const format of ['json', 'csv', 'md', 'html', 'llm-d', 'prometheus', 'grafana', 'perfetto']) {
    const out = join(folder, format);
    expect((await kvlab('export', run, '--format', format, '--out', out)).status).toBe(0);
    expect(readdirSync(out).length).toBeGreaterThan(0);
  }
  const answer = await kvlab('export', run, '--format', 'prometheus', '--kvopt');
  expect(answer.out).toContain('# TYPE kvopt_ttft_ms gauge');
  expect(readFileSync(join(folder, 'llm-d', 'a-load-2026-09-01-llm-d.json'), 'utf8')).toContain('"0.2.1"');
});

test('export turns what another tool measured into a report of llm-d', async () => {
  const { out } = await kvlab('export', file('v.json', JSON.stringify(VLLM)), '--format', 'llm-d');
  const latency = JSON.parse(out).results.request_performance.aggregate.latency;
  expect(latency.time_per_output_token).toEqual({ units: 'ms/token', mean: 15, p50: 15.2, p99: 16.5 });
});

test.each([
  { words: ['import', '/nowhere.json'], says: "can't be read (ENOENT)" },
  { words: ['export', '/nowhere.json'], says: "can't be read (ENOENT)" },
  { words: ['import'], says: 'import needs a file' },
])('$words: exit status 2 and one sentence', async ({ words, says }) => {
  const { status, err } = await kvlab(...words);
  expect(status).toBe(2);
  expect(err).toContain(says);
});

test('an export of all runs is told where it belongs', async () => {
  const all = file('all.json', JSON.stringify({ format: 'kvlab-runs', version: 1, runs: [] }));
  const { status, err } = await kvlab('import', all);
  expect([status, err]).toEqual([2, expect.stringContaining('import it there under Runs')]);
});

test('a format that there is not, and several files without a folder', async () => {
  const run = file('sim.json', runToJson(RUNS.simulate()));
  expect((await kvlab('export', run, '--format', 'docx')).err).toContain('there are json, csv');
  expect((await kvlab('export', run, '--format', 'csv')).err).toContain('name a folder with --out DIR');
  expect((await kvlab('export', run, '--format', 'png')).err).toContain('name a folder with --out DIR');
});

test('a report is made of what another tool measured, and of a folder', async () => {
  const answer = await kvlab('report', file('r.json', JSON.stringify(VLLM)), '--format', 'md');
  expect(answer.status).toBe(0);
  expect(answer.out).toContain('vllm bench serve');
  const out = join(folder, 'imported');
  await kvlab('import', file('r.json', JSON.stringify(VLLM)), '--out', out);
  expect((await kvlab('export', out, '--format', 'llm-d')).out).toContain('"0.2.1"');
});
