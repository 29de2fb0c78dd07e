/** `kvlab replay`: the answer's shape, files of --out, and recordings that are none. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ReplayReport } from '../../src/core/run/replay.ts';
import { FILES } from '../sim/support/profile.ts';
import { texts } from '../sim/support/recording.ts';
import { kvlab } from '../support/run-cli.ts';

let folder = '';
beforeAll(() => {
  // Without a browser, figures are SVG.
  vi.stubEnv('KVLAB_CHROMIUM', '/nowhere/chromium');
  folder = mkdtempSync(join(tmpdir(), 'kvlab-replay-'));
  const given = texts([
    { input: 64, output: 3, ms: 0, queued: 0, first: 10, last: 30 },
    { input: 16, output: 2, ms: 5, queued: 10, first: 25, last: 40 },
  ]);
  write('run/meta.json', given.meta);
  write('run/requests.jsonl', given.requests);
  write('run/config.json', given.config ?? '');
  write('run/timeseries.csv', 't,running,waiting,kv_cache_pct\n0.02,2,0,0\n0.04,1,0,0\n0.05,0,0,0\n');
  write('workload.jsonl', given.workload);
  for (const [name, text] of Object.entries(FILES)) write(`profile/${name}`, text);
  write('empty/note.txt', 'nothing');
  write('bad-profile/meta.yaml', FILES['meta.yaml'] ?? '');
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const at = (...names: string[]): string => join(folder, ...names);

function write(name: string, text: string): void {
  mkdirSync(dirname(at(name)), { recursive: true });
  writeFileSync(at(name), text);
}

test('answers predicted, measured and their errors', async () => {
  const argv = [
    'replay',
    at('run'),
    '--workload',
    at('workload.jsonl'),
    '--profile',
    at('profile'),
    '--json',
  ];
  const { status, out } = await kvlab(...argv);
  expect(status).toBe(0);
  const answer = JSON.parse(out) as ReplayReport;
  for (const side of [answer.predicted, answer.measured, answer.errorPercent]) {
    for (const metric of ['ttftMs', 'tpotMs', 'e2eMs'] as const) {
      expect(Object.keys(side[metric])).toEqual(['mean', 'p50', 'p90', 'p95', 'p99']);
    }
  }
  expect(answer.measured.ttftMs.mean).toBeCloseTo(12.5, 6);
  const { predicted, measured, errorPercent } = answer;
  expect(errorPercent.e2eMs.mean).toBeCloseTo(100 * (predicted.e2eMs.mean / measured.e2eMs.mean - 1), 9);
  expect(Object.keys(answer.series)).toEqual(['running', 'waiting']);
  expect(answer).not.toHaveProperty('samples');
});

test('writes the whole report and a figure of each comparison', async () => {
  const argv = ['replay', at('run'), '--workload', at('workload.jsonl'), '--profile', at('profile')];
  const { status, out } = await kvlab(...argv, '--out', at('out'));
  expect(status).toBe(0);
  expect(out).toMatch(/TTFT mean +[\d.]+ ms +12\.5 ms/);
  expect(readdirSync(at('out')).sort()).toEqual([
    'replay.json',
    'replay_e2e_cdf.svg',
    'replay_running.svg',
    'replay_tpot_cdf.svg',
    'replay_ttft_cdf.svg',
    'replay_waiting.svg',
  ]);
  const report = JSON.parse(readFileSync(at('out', 'replay.json'), 'utf8')) as ReplayReport;
  expect(report.samples.predicted.e2eMs).toHaveLength(2);
  expect(readFileSync(at('out', 'replay_ttft_cdf.svg'), 'utf8')).toContain('Predicted');
  expect(existsSync(at('out', 'replay_kvusage.svg'))).toBe(false);
});

describe('bad input is one sentence and exit status 2', () => {
  const good = (): string[] => ['replay', at('run'), '--workload', at('workload.jsonl')];
  const cases: { name: string; argv: () => string[]; says: RegExp }[] = [
    { name: 'no folder', argv: () => ['replay'], says: /replay needs a folder with a recorded run/ },
    {
      name: 'no workload',
      argv: () => ['replay', at('run')],
      says: /needs a recorded folder and --workload FILE/,
    },
    {
      name: 'a file for a folder',
      argv: () => ['replay', at('workload.jsonl'), '--workload', 'w'],
      says: /is no folder/,
    },
    {
      name: 'nothing recorded',
      argv: () => ['replay', at('empty'), '--workload', 'w'],
      says: /meta\.json can't be read \(ENOENT\)/,
    },
    {
      name: 'no such workload',
      argv: () => ['replay', at('run'), '--workload', at('none')],
      says: /none can't be read/,
    },
    {
      name: 'a workload that is none',
      argv: () => ['replay', at('run'), '--workload', at('empty', 'note.txt')],
      says: /note\.txt: Line 1 of the trace/,
    },
    { name: 'no GPU is known', argv: good, says: /names no GPU that is known/ },
    {
      name: 'a profile without tables',
      argv: () => [...good(), '--profile', at('bad-profile')],
      says: /attention\.csv is missing/,
    },
    {
      name: 'a profile that is not there',
      argv: () => [...good(), '--profile', at('nowhere')],
      says: /nowhere is no folder/,
    },
    {
      name: 'a flag of another command',
      argv: () => ['risk', 'x', '--workload', 'w'],
      says: /--workload does not go with risk/,
    },
  ];
  test.each(cases)('$name', async ({ argv, says }) => {
    const { status, out, err } = await kvlab(...argv());
    expect(err).toMatch(says);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect([status, out]).toEqual([2, '']);
  });
});
