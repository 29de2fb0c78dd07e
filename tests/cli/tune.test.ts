/** `kvlab tune`, `apply` and `profiles` as they are called: what they answer, what they write, what they refuse. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parseBestPlan } from '../../src/core/run/best-plan.ts';
import { parseRun } from '../../src/core/run/parse.ts';
import { decodeLink } from '../../src/core/scenario/link.ts';
import { kvlab } from '../support/run-cli.ts';

let folder = '';
beforeAll(() => {
  vi.stubGlobal('__APP_VERSION__', 'test');
  vi.stubEnv('KVLAB_CHROMIUM', '/nowhere/chromium');
  folder = mkdtempSync(join(tmpdir(), 'kvlab-tune-'));
});
afterAll(() => {
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const QUICK = [
  '--profile',
  'ci-micro',
  '--set',
  'load.users=4',
  '--set',
  'load.requests=8',
  '--set',
  'space={"kvFormat":["bf16","fp8"],"weights":["bf16","fp8"],"maxSequences":[2,4]}',
] as const;

interface Answer {
  readonly plan: { readonly config: Readonly<Record<string, unknown>> };
  readonly confidence: number;
  readonly link: string;
  readonly counts: { readonly full: number; readonly taken: number };
  readonly ranking: readonly { readonly place: number; readonly score: { readonly value: number } | null }[];
  readonly error?: { readonly message: string };
}

describe('tune', () => {
  test('answers with the plan, the ranking and what was skipped', async () => {
    const { status, out, err } = await kvlab('tune', '--model', 'llama-3.1-8b', ...QUICK, '--json');
    expect(err).not.toContain('Error');
    expect(status).toBe(0);
    const answer = JSON.parse(out) as Answer;
    expect(answer.plan.config).toMatchObject({ weights: 'fp8', maxSequences: 4 });
    expect(answer.ranking[0]?.place).toBe(1);
    expect(answer.ranking[0]?.score?.value).toBeGreaterThan(110);
    expect(answer.counts.taken).toBeLessThan(answer.counts.full);
    const link = await decodeLink(answer.link);
    expect(link.ok && link.kind === 'tune' && link.scenario.profile.name).toBe('ci-micro');
  });

  test('writes the run, the plan, tables, a report in two formats and its figures', async () => {
    const out = join(folder, 'out');
    const { status } = await kvlab('tune', ...QUICK, '--out', out);
    expect(status).toBe(0);
    const run = parseRun(readFileSync(join(out, 'run.json'), 'utf8'));
    expect(run.ok && run.run.kind).toBe('tune');
    expect(parseBestPlan(readFileSync(join(out, 'best_plan.json'), 'utf8')).ok).toBe(true);
    const report = readFileSync(join(out, 'report.md'), 'utf8');
    for (const [, file = ''] of report.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g))
      expect(existsSync(join(out, file))).toBe(true);
    expect(report).toContain('](tune_scores.svg)');
    const html = readFileSync(join(out, 'report.html'), 'utf8');
    expect(html.match(/<svg/g)?.length).toBe(6);
    expect(readFileSync(join(out, 'ranking.csv'), 'utf8').split('\r\n').length).toBe(11);
  });

  test('a file name gets the one document of its ending', async () => {
    const path = join(folder, 'plan.json');
    await kvlab('tune', ...QUICK, '--out', path);
    expect(parseBestPlan(readFileSync(path, 'utf8')).ok).toBe(true);
    const yaml = join(folder, 'plan.yaml');
    await kvlab('tune', ...QUICK, '--out', yaml);
    expect(parseBestPlan(parseYaml(readFileSync(yaml, 'utf8'))).ok).toBe(true);
  });

  test('the contexts and outputs given take the place of the profile’s', async () => {
    const { out } = await kvlab('tune', ...QUICK, '--contexts', '256,512', '--outputs', '16', '--json');
    const { cells } = JSON.parse(out) as { cells: { context: number; output: number }[] };
    expect(cells).toEqual([
      { model: 'Llama-3.1-8B', context: 256, output: 16 },
      { model: 'Llama-3.1-8B', context: 512, output: 16 },
    ]);
  });

  test('--weights is the baseline’s format, under the engines’ names too', async () => {
    const baseline = async (weights: string): Promise<string> => {
      const space = 'space={"maxSequences":[2,4]}';
      const { out } = await kvlab('tune', ...QUICK, '--set', space, '--weights', weights, '--json');
      return (JSON.parse(out) as { plan: { baseline: { weights: string } } }).plan.baseline.weights;
    };
    expect(await baseline('FP8')).toBe('fp8');
    expect(await baseline('fp16')).toBe('bf16');
    const wrong = await kvlab('tune', ...QUICK, '--weights', 'fp3');
    expect(wrong.err).toMatch(/baseline\.weights/);
  });

  test('goes on from a run, and measures nothing again', async () => {
    const out = join(folder, 'resumed');
    await kvlab('tune', ...QUICK, '--out', out);
    const again = await kvlab('tune', ...QUICK, '--resume', join(out, 'run.json'), '--json');
    const { notes, counts } = JSON.parse(again.out) as { notes: string[]; counts: { taken: number } };
    expect(notes).toContain(`${counts.taken} measurements are those of an earlier part of the run.`);
  });

  test.each([
    { argv: ['--model', 'lama-3.1-8b'], says: /models has “lama-3\.1-8b”.*the nearest is/ },
    { argv: ['--gpu', 'h1000'], says: /hardware\.gpu is “h1000”.*the nearest is/ },
    {
      argv: ['--profile', 'chat'],
      says: /--profile is “chat”; there are chat-agent, rag, longform, ci-micro/,
    },
    { argv: ['--contexts', '12,x'], says: /--contexts is “x”/ },
    {
      argv: ['--set', 'profile.weights={"ttft":1,"throughput":1,"memory":0}'],
      says: /sum to 2; they must sum to 1/,
    },
    {
      argv: ['--set', 'space={"lanes":[1,2]}'],
      says: /space\.lanes changes nothing that the simulator measures/,
    },
    { argv: ['--contexts', '200000'], says: /No cell of the profile can run: 200000 tokens/ },
    { argv: ['--resume', '/nowhere/run.json'], says: /can't be read/ },
  ])('refuses $argv in one sentence', async ({ argv, says }) => {
    const { status, out } = await kvlab('tune', ...argv, '--json');
    const { error } = JSON.parse(out) as Answer;
    expect(error?.message).toMatch(says);
    expect(status).toBe(2);
  });
});

describe('apply', () => {
  const plan = async (): Promise<string> => {
    const path = join(folder, 'best_plan.json');
    if (!existsSync(path)) await kvlab('tune', ...QUICK, '--out', path);
    return path;
  };

  test('kvlab: a simulation that can be run as it is', async () => {
    const { status, out } = await kvlab('apply', await plan(), '--print', 'kvlab');
    expect(status).toBe(0);
    const path = join(folder, 'applied.json');
    writeFileSync(path, out);
    const simulated = await kvlab('simulate', path, '--json');
    expect(simulated.status).toBe(0);
    expect((JSON.parse(simulated.out) as { finished: number }).finished).toBeGreaterThan(0);
  });

  test.each([
    {
      target: 'transformers',
      holds: ['FineGrainedFP8Config()', 'cache_implementation="dynamic"', 'MAX_BATCH = 4'],
    },
    { target: 'transformersjs', holds: ["device: 'webgpu'", "dtype: 'q8'"] },
    { target: 'llamacpp', holds: ['llama-server', '--parallel 4', '--ctx-size 2176'] },
    { target: 'vllm', holds: ['vllm serve', '--max-num-seqs 4', '--quantization fp8'] },
  ])('$target', async ({ target, holds }) => {
    const { status, out } = await kvlab('apply', await plan(), '--print', target);
    expect(status).toBe(0);
    for (const part of holds) expect(out).toContain(part);
  });

  test.each([
    { text: '{"version":1}', says: /no best_plan\.json/ },
    { text: '{"kind":"best-plan","version":2}', says: /newer|version/ },
    { text: '{"kind":"best-plan","version":1', says: /JSON/ },
  ])('refuses $text', async ({ text, says }) => {
    const path = join(folder, 'bad.json');
    writeFileSync(path, text);
    const { status, err } = await kvlab('apply', path);
    expect(status).toBe(2);
    expect(err).toMatch(says);
  });
});

describe('profiles', () => {
  test('lists four with their weights', async () => {
    const { out } = await kvlab('profiles', '--json');
    const rows = JSON.parse(out) as { name: string; weights: { ttft: number } }[];
    expect(rows.map(({ name }) => name)).toEqual(['chat-agent', 'rag', 'longform', 'ci-micro']);
    expect(rows[1]).toMatchObject({
      contexts: [8192, 16384, 32768],
      outputs: [256, 512],
      weights: { ttft: 0.35 },
    });
  });

  test.each([
    { argv: ['--isl', '16000', '--osl', '300'], name: 'rag' },
    { argv: ['--isl', '2000', '--osl', '1500'], name: 'longform' },
    { argv: ['--isl', '3000', '--osl', '128'], name: 'chat-agent' },
    { argv: ['--isl', '300', '--osl', '32'], name: 'ci-micro' },
    // A small card can't hold a request of 33,000 tokens of an 8B model.
    { argv: ['--isl', '16000', '--osl', '300', '--gpu', 't4', '--model', 'llama-2-7b'], name: 'chat-agent' },
  ])('recommends $name for $argv', async ({ argv, name }) => {
    const { out } = await kvlab('profiles', '--recommend', ...argv, '--json');
    expect((JSON.parse(out) as { profile: string }).profile).toBe(name);
  });
});

test('the simulator and the tuner know every model and GPU that plans know', async () => {
  const { status, out } = await kvlab(
    'tune',
    '--model',
    'Qwen3-14B',
    '--gpu',
    'RTX A6000',
    ...QUICK,
    '--json',
  );
  expect(status).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ models: ['Qwen3-14B'], executor: 'simulator' });
});
