/** `kvlab report` and `kvlab advise`: answers, files, and the exit status that a CI stops on. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runSimulation } from '../../src/sim/run.ts';
import { engine } from '../advise/scenarios.ts';
import { kvlab } from '../support/run-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'kvlab-report-'));
const [before, after, check] = ['before.json', 'after.json', 'check.json'].map((name) =>
  join(folder, name),
) as [string, string, string];

function simulated(slower: number) {
  const { cost, ...rest } = engine({ workload: { requests: 320 } });
  if (cost.kind !== 'linear') throw new Error('The cost of the test is linear.');
  return runSimulation({ ...rest, cost: { ...cost, baseMs: cost.baseMs * slower } });
}

beforeAll(() => {
  writeFileSync(before, JSON.stringify(simulated(1)));
  writeFileSync(after, JSON.stringify(simulated(1.3)));
  writeFileSync(check, '{"version":1,"kind":"check"}');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const RULE = 'p99 TTFT is worse than the baseline by more than 5 % with 95 % confidence';

test('exit status 1 where a rule is broken, and the sentence says by how much', async () => {
  const { status, out } = await kvlab('report', after, '--baseline', before, '--fail-on', RULE, '--json');
  expect(status).toBe(1);
  const answer = JSON.parse(out) as {
    outcome: string;
    rules: { verdict: string; sentence: string; bounds: object }[];
  };
  expect(answer.outcome).toBe('no-go');
  expect(answer.rules[0]?.verdict).toBe('broken');
  expect(answer.rules[0]?.sentence).toMatch(
    /^Broken: p99 TTFT is .* % higher than the baseline’s .* same arrivals\)\.$/,
  );
});

test('exit status 0 where none is: the other way round, and against itself', async () => {
  expect((await kvlab('report', before, '--baseline', after, '--fail-on', RULE)).status).toBe(0);
  const same = await kvlab(
    'report',
    before,
    '--baseline',
    before,
    '--fail-on',
    'p95 e2e > 0%; no-go',
    '--json',
  );
  expect(same.status).toBe(0);
});

test('exit status 2 where the rule or the samples can’t tell', async () => {
  for (const [words, sentence] of [
    [['--fail-on', 'p99 speed > 5%'], /is no metric of a rule/],
    [['--fail-on', RULE], /needs a baseline/],
    [
      ['--baseline', before, '--fail-on', 'p99.9 ttft > 5%'],
      /too few to bound a p99\.9 TTFT .*: 2995 are needed/,
    ],
    [['--baseline', before, '--fail-on', 'throughput < -5%'], /1 repetition shows no spread/],
    [['--baseline', join(folder, 'none.json')], /can't be read/],
    [['--format', 'pdf'], /md or html/],
  ] as const) {
    const { status, err } = await kvlab('report', after, ...words);
    expect([words.join(' '), status]).toEqual([words.join(' '), 2]);
    expect(err).toMatch(sentence);
  }
  expect((await kvlab('report', check)).status).toBe(2);
});

test('the report on standard output is Markdown, or HTML; into a folder both with their figures', async () => {
  const text = await kvlab('report', after, '--baseline', before);
  expect(text.out).toMatch(/^# All is well, against All is well\n/);
  expect((await kvlab('report', after, '--format', 'html')).out).toMatch(/^<!doctype html>/);
  const out = join(folder, 'out');
  await kvlab('report', after, '--baseline', before, '--out', out);
  const files = readdirSync(out);
  expect(files).toEqual(expect.arrayContaining(['report.md', 'report.html', 'sim_ttft_cdf.svg']));
  const named = [...readFileSync(join(out, 'report.md'), 'utf8').matchAll(/\]\((\w+\.svg)\)/g)].map(
    ([, name]) => name,
  );
  expect(named.length).toBeGreaterThan(3);
  for (const name of named) expect(files).toContain(name);
});

test('advise answers with evidence, effects and scenarios to try, and says nothing where all is well', async () => {
  const small = join(folder, 'small.json');
  writeFileSync(small, JSON.stringify(runSimulation(engine({ hardware: { kvBlocks: 20_000 } }))));
  const out = join(folder, 'advice');
  const { status, out: text } = await kvlab('advise', small, '--json', '--out', out);
  expect(status).toBe(0);
  const { recommendations } = JSON.parse(text) as {
    recommendations: { id: string; assignments: string[] }[];
  };
  expect(recommendations.map(({ id }) => id)).toEqual(['kv-budget']);
  expect(recommendations[0]?.assignments[0]).toMatch(/^hardware\.kvBlocks=\d+$/);
  expect(readdirSync(out).sort()).toEqual(['advice-1-a.json', 'advice-1-b.json', 'advice.json']);
  expect((await kvlab('advise', before)).out).toBe('Nothing to change was found.\n');
  expect((await kvlab('advise', check)).status).toBe(2);
});
