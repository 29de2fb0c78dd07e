/** `kvlab autopilot` and `kvlab act` in this process: answers, files, policies by name and file, refusals. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parseRun } from '../../src/core/run/parse.ts';
import { kvlab } from '../support/run-cli.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvlab-autopilot-'));
  vi.stubEnv('KVLAB_CHROMIUM', '/nowhere/chromium');
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const SMALL = [
  '--set',
  'simulation.hardware.kvBlocks=400',
  '--set',
  'simulation.workload.requests=30',
  '--set',
  'simulation.workload.arrivals={"kind":"constant","rate":8}',
  '--set',
  'simulation.workload.promptTokens={"kind":"fixed","tokens":400}',
  '--set',
  'simulation.workload.outputTokens={"kind":"fixed","tokens":200}',
];

describe('autopilot', () => {
  test('answers with both sides, plans and the policy of a file; writes the run and its tables', async () => {
    const policy = file(
      'policy.yaml',
      'kvUseTarget: 0.7\ntiers: [HBM, DDR]\nkeepRecentTokens: 32\nwatchMs: 100\nlatencyP95Ms: null\n',
    );
    const out = join(folder, 'out');
    const { status, out: text } = await kvlab(
      'autopilot',
      'default',
      '--policy',
      policy,
      ...SMALL,
      '--out',
      out,
      '--json',
    );
    expect(status).toBe(0);
    const answer = JSON.parse(text) as Record<string, unknown> & {
      plans: unknown[];
      log: { kind: string }[];
    };
    expect(answer).toMatchObject({
      origin: 'simulated',
      complete: true,
      policy: { kvUseTarget: 0.7, tiers: ['hbm', 'host'], keepRecentTokens: 32 },
      with: { finished: 30 },
      without: { finished: 30 },
    });
    expect(answer.plans.length).toBeGreaterThan(0);
    expect(answer.log.some(({ kind }) => kind === 'telemetry')).toBe(false);
    const files = readdirSync(out);
    for (const name of ['run.json', 'series.csv', 'plans.csv', 'log.jsonl', 'policy.yaml'])
      expect(files).toContain(name);
    expect((await parseRun(readFileSync(join(out, 'run.json'), 'utf8'))).ok).toBe(true);
  });

  test('a dry run plans and touches nothing; text for people', async () => {
    const { status, out } = await kvlab(
      'autopilot',
      'default',
      '--policy',
      'memory',
      '--dry-run',
      ...SMALL,
      '--set',
      'policy.latencyP95Ms=null',
    );
    expect(status).toBe(0);
    expect(out).toMatch(/dry run: nothing was touched/);
    expect(out).toMatch(/plan-1 .*pending .*0 of \d+/);
    expect(out).toMatch(/tokens quantized\s+0\s+0\n/);
  });

  test.each([
    [['autopilot'], /autopilot needs a scenario/],
    [['autopilot', 'nothing'], /no autopilot “nothing”; the autopilots are autopilot-rising-load/],
    [['autopilot', 'default', '--policy', 'POLICY'], /kvUseTarget is 2; the most is 1/],
    [
      ['autopilot', 'default', '--policy', '/nowhere.yaml'],
      /no file and no policy “\/nowhere\.yaml”; the policies are \w+/,
    ],
    [['autopilot', 'default', '--set', 'policy.kvUseTarget=7'], /policy.kvUseTarget is 7; the most is 1/],
    [['autopilot', 'default', '--set', 'backend=engine'], /real engine/],
    [
      ['autopilot', 'default', '--set', 'simulation.engine.scheduler=sarathi'],
      /an autopilot steers the vllm scheduler/,
    ],
    [['act', 'default'], /name its YAML or JSON file with --script/],
    [['act', 'default', '--script', '/nowhere.yaml'], /can't be read \(ENOENT\)/],
    [['act', 'default', '--script', 'SCRIPT'], /Command 1: kind is "jump"; choose one of/],
  ])('refuses in a sentence: %j', async (argv, sentence) => {
    const files: Record<string, string> = {
      POLICY: file('bad.yaml', 'kvUseTarget: 2'),
      SCRIPT: file('bad-script.yaml', '- {kind: jump}'),
    };
    const { status, err } = await kvlab(...argv.map((word) => files[word] ?? word));
    expect(status).toBe(2);
    expect(err).toMatch(sentence);
  });
});

test('where no plan was made, the text says why', async () => {
  const { status, out } = await kvlab('autopilot', 'default', ...SMALL);
  expect(status).toBe(0);
  expect(out).toMatch(/No plan was made\.\n[\s\S]*hold no more than keepRecentTokens/);
});

describe('act', () => {
  test('answers each command; a refused one gives the exit status 1, and the others are done', async () => {
    const script = file(
      'script.json',
      JSON.stringify([
        { kind: 'submit', sequence: 'a', tokens: 1000 },
        { kind: 'evict', sequence: 'a', from: 10, to: 20 },
        { kind: 'evict', sequence: 'a', from: 10, to: 20 },
        { kind: 'report' },
      ]),
    );
    const { status, out } = await kvlab('act', 'autopilot-rising-load', '--script', script, '--json');
    expect(status).toBe(1);
    const answer = JSON.parse(out) as {
      refused: number;
      answers: { ok: boolean; report: { sequences: unknown } | null }[];
    };
    expect(answer.answers.map(({ ok }) => ok)).toEqual([true, true, false, true]);
    expect(answer.answers[3]?.report?.sequences).toMatchObject([
      { name: 'a', tokens: 1000, parts: [{ to: 10 }, { from: 20 }] },
    ]);
  });

  test('text for people', async () => {
    const { status, out } = await kvlab(
      'act',
      'autopilot-rising-load',
      '--script',
      'scenarios/acts/evict.yaml',
    );
    expect(status).toBe(0);
    expect(out).toMatch(/evict: 18000 of the tokens 1000–19000 of document, which holds 22000 now/);
    expect(out).toMatch(/0–1000 hbm f16, 19000–40000 hbm f16/);
  });
});
