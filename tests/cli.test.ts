/**
 * The command line as a shell sees it: one JSON document on standard output, exit status, sentences for bad input, and
 * the GPU commands in a headless Chromium.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureLibrary } from '../scripts/build-lib.mjs';
import { parseRun } from '../src/index.ts';
import { referencePath, referenceText, whyNoReferenceData } from './reference-data.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MINUTES = 60_000;

let folder = '';
beforeAll(async () => {
  await ensureLibrary({ types: false });
  folder = mkdtempSync(join(tmpdir(), 'kvlab-cli-'));
}, 3 * MINUTES);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Finished {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function finished(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    // On the software adapter, as everywhere in the tests.
    const child = spawn(command, args, { cwd: ROOT, env: { ...process.env, KVLAB_GPU: 'software', ...env } });
    let [out, err] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (err += data.toString()));
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, out, err }));
  });
}

const kvlab = (...args: string[]): Promise<Finished> =>
  finished(process.execPath, ['dist-lib/cli.js', ...args]);

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('bad input is one sentence and exit status 2', () => {
  const table: { name: string; args: () => string[]; says: RegExp }[] = [
    { name: 'no command', args: () => [], says: /Name a command: check, measure/ },
    { name: 'unknown command', args: () => ['dance'], says: /no command “dance”/ },
    { name: 'unknown flag', args: () => ['check', '--wat'], says: /no flag --wat/ },
    { name: 'short flag', args: () => ['check', '-x'], says: /no flag -x/ },
    {
      name: 'flag of another command',
      args: () => ['check', '--set', 'a=1'],
      says: /--set does not go with check/,
    },
    {
      name: 'flag without its value',
      args: () => ['measure', 'block-size', '--out'],
      says: /--out needs a value/,
    },
    {
      name: 'value for a flag without one',
      args: () => ['check', '--json=1'],
      says: /--json takes no value/,
    },
    { name: 'scenario missing', args: () => ['measure'], says: /needs a scenario/ },
    { name: 'one word too many', args: () => ['risk', 'block-size', 'x'], says: /does not take “x”/ },
    {
      name: 'unknown experiment',
      args: () => ['risk', 'nothing'],
      says: /no file and no experiment “nothing”/,
    },
    { name: 'a folder for a scenario', args: () => ['risk', folder], says: /can't be read \(EISDIR\)/ },
    { name: 'no JSON', args: () => ['risk', file('a.json', '{')], says: /not valid JSON/ },
    { name: 'a newer version', args: () => ['risk', file('b.json', '{"version":9}')], says: /newer than 1/ },
    {
      name: 'a number out of range',
      args: () => ['risk', file('c.json', '{"version":1,"workload":{"concurrency":1e9}}')],
      says: /workload\.concurrency is 1000000000/,
    },
    {
      name: '--set out of range',
      args: () => ['risk', 'block-size', '--set', 'seed=-1'],
      says: /seed is -1/,
    },
    {
      name: '--set of nothing',
      args: () => ['risk', 'block-size', '--set', 'x.y=1'],
      says: /x\.y is not a setting/,
    },
    {
      name: '--set of what is swept',
      args: () => ['risk', 'concurrency-llama-3.2-1b', '--set', 'workload.concurrency=2'],
      says: /workload\.concurrency is swept/,
    },
    { name: 'shape missing', args: () => ['attention'], says: /needs --shape/ },
    { name: 'shape without a field', args: () => ['attention', '--shape', '{}'], says: /batch is missing/ },
    {
      name: 'shape with a wrong number',
      args: () => ['attention', '--shape', shape({ headDim: 63 })],
      says: /headDim is 63/,
    },
    {
      name: 'heads that do not divide',
      args: () => ['attention', '--shape', shape({ kvHeads: 3 })],
      says: /queryHeads must be 1 to 8 times kvHeads/,
    },
    {
      name: 'check file missing',
      args: () => ['risk', 'block-size', '--check', 'nowhere'],
      says: /nowhere can't be read/,
    },
  ];
  test.each(table)('$name', async ({ args, says }) => {
    const { status, out, err } = await kvlab(...args());
    expect(err).toMatch(says);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(out).toBe('');
    expect(status).toBe(2);
  });

  test('with --json the sentence is also the one document', async () => {
    const { status, out } = await kvlab('risk', 'nothing', '--json');
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'bad-input' } });
    expect(status).toBe(2);
  });
});

function shape(changes: object = {}): string {
  const base = {
    batch: 2,
    queryHeads: 8,
    kvHeads: 2,
    headDim: 64,
    context: 130,
    blockSize: 16,
    kvFormat: 'int8',
  };
  return JSON.stringify({ ...base, ...changes });
}

describe('risk', () => {
  test('is an answer even where it is high', async () => {
    const sweepless = [
      '--set',
      'sweep=[]',
      '--set',
      'workload.concurrency=1024',
      '--set',
      'workload.promptTokens=4096',
    ];
    const { status, out } = await kvlab('risk', 'concurrency-llama-3.2-1b', ...sweepless, '--json');
    const answer = JSON.parse(out);
    expect(answer).toMatchObject({ risk: 'high', availableOrigin: 'assumed' });
    expect(answer.neededBytes).toBeGreaterThan(answer.availableBytes);
    expect(answer.advice).toMatch(/\.$/);
    expect(status).toBe(0);
  });

  test('through npm, standard output is still exactly one JSON document', async () => {
    const args = ['run', 'kvlab', '--', 'risk', 'block-size', '--json'];
    const { status, out } = await finished('npm', args, { npm_config_loglevel: '' });
    expect(JSON.parse(out)).toMatchObject({ risk: 'low' });
    expect(status).toBe(0);
  });
});

describe('GPU commands in a headless Chromium', { timeout: 5 * MINUTES }, () => {
  test('check --env says what the GPU is', async () => {
    const { status, out, err } = await kvlab('check', '--env', '--json');
    expect({ status, err }).toMatchObject({ status: 0 });
    const environment = JSON.parse(out);
    expect(environment.adapter.isFallback).toBe(true);
    expect(environment.runtime).toMatch(/Chrom/);
  });

  test('attention agrees with its twin and says how fast it is', async () => {
    const { status, out, err } = await kvlab('attention', '--shape', shape(), '--json');
    expect({ status, err }).toMatchObject({ status: 0 });
    const result = JSON.parse(out);
    expect(Object.keys(result).sort()).toEqual(
      ['gbps', 'kvBytes', 'maxAbsError', 'medianMs', 'minMs', 'readPeakGbps', 'variant'].sort(),
    );
    expect(result.maxAbsError).toBeLessThan(1e-4);
    expect(result.minMs).toBeLessThanOrEqual(result.medianMs);
  });

  test('generate answers tokens, times and bytes for the model that ships', async () => {
    const args = [
      '--prompt',
      'Ada pearl . Ben copper . ? Ada',
      '--tokens',
      '6',
      '--kv',
      'fp8_e4m3',
      '--json',
    ];
    const { status, out, err } = await kvlab('generate', '--model', 'public/models/ledger-485k', ...args);
    expect({ status, err }).toMatchObject({ status: 0 });
    const answer = JSON.parse(out);
    expect(Object.keys(answer).sort()).toEqual(['kvBytesPerToken', 'tokens', 'tpotMs', 'ttftMs']);
    expect(answer.tokens).toHaveLength(6);
    expect(answer.ttftMs).toBeGreaterThan(0);
    expect(answer.tpotMs).toBeGreaterThan(0);
  });

  test('quality answers a row a cache for the model that ships, the full cache first, and writes the run', async () => {
    const settings = [
      ...['cache.kFormats=["int2"]', 'tasks.recall.distances=[16]', 'tasks.recall.contextTokens=48'],
      ...['tasks.recall.depths=[0]', 'tasks.recall.samples=2', 'tasks.text.promptTokens=40'],
      ...['tasks.text.sequences=3', 'tasks.text.scoredTokens=4', 'tasks.attentionSequences=1'],
      ...['tasks.speed.sequences=1', 'tasks.speed.tokens=10'],
    ].flatMap((setting) => ['--set', setting]);
    const folderOut = join(folder, 'quality');
    const { status, out, err } = await kvlab('quality', ...settings, '--out', folderOut, '--json');
    expect({ status, err }).toMatchObject({ status: 0 });
    const { rows, trends, model } = JSON.parse(out);
    expect(model.name).toBe('ledger-485k');
    expect(rows.map(({ kFormat }: { kFormat: string }) => kFormat)).toEqual(['f32', 'int2']);
    expect(rows[0]).toMatchObject({ recall: { 16: 1 }, klDivergence: 0, top1Agreement: 1, budget: null });
    expect(rows[1].bytesPerToken).toBeLessThan(rows[0].bytesPerToken / 4);
    expect(rows[1].klDivergence).toBeGreaterThan(0);
    expect(trends.length).toBeGreaterThan(6);
    const written = JSON.parse(readFileSync(join(folderOut, 'run.json'), 'utf8'));
    expect(written).toMatchObject({ kind: 'quality', complete: true });
  });

  test('a checkpoint that is cut off is one sentence and exit status 2', async () => {
    const path = file('cut.bin', 'short');
    const { status, out, err } = await kvlab('generate', '--model', path, '--prompt-ids', '1', '--json');
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'bad-input' } });
    expect(err.trim().split('\n').at(-1)).toMatch(/cut\.bin .+\.$/);
    expect(status).toBe(2);
  });

  const CHECKPOINT = 'weights/stories260K.bin';
  const GOLDEN = 'weights/golden_greedy.json';
  const missing = whyNoReferenceData(CHECKPOINT) ?? whyNoReferenceData(GOLDEN);
  test.skipIf(missing !== null)(
    `generate gives the golden tokens of a real checkpoint${missing === null ? '' : ` (skipped: ${missing})`}`,
    async () => {
      const golden: number[] = JSON.parse(referenceText(GOLDEN)).stories260K.greedy_tokens;
      const args = ['--prompt-ids', golden.slice(0, 2).join(), '--tokens', '30', '--json'];
      const { status, out } = await kvlab('generate', '--model', referencePath(CHECKPOINT), ...args);
      expect(status).toBe(0);
      expect(JSON.parse(out).tokens).toEqual(golden.slice(2, 32));
    },
  );

  test('measure --out writes the run, its tables and its figures', async () => {
    const out = join(folder, 'measured');
    const small = [
      'workload.promptTokens=48',
      'workload.outputTokens=4',
      'model.layers=2',
      'measurement.repeats=2',
    ];
    const smaller = ['softwareAdapter={}', ...small].flatMap((text) => ['--set', text]);
    const scenario = file('small.json', JSON.stringify(SMALL));
    const answer = await kvlab('measure', scenario, ...smaller, '--out', out, '--json');
    expect({ status: answer.status, err: answer.err }).toMatchObject({ status: 0 });
    const parsed = parseRun(JSON.parse(answer.out));
    if (!parsed.ok || parsed.run.kind !== 'lab') throw new Error('The answer is no run.');
    expect(parsed.run.command).toMatch(/^kvlab measure /);
    expect(parsed.run.points.map(({ status }) => status)).toEqual(['done', 'done']);
    expect(parseRun(readFileSync(join(out, 'run.json'), 'utf8'))).toMatchObject({ ok: true });
    expect(readFileSync(join(out, 'requests.csv'), 'utf8').trim().split('\r\n')).toHaveLength(
      1 + 2 * (1 + 2),
    );
    for (const figure of ['fig1_mem_vs_concurrency', 'fig2_tps_vs_concurrency']) {
      expect(readFileSync(join(out, `${figure}.svg`), 'utf8')).toMatch(/^<svg /);
      // 300 dots an inch, as pHYs says in dots a metre.
      expect(readFileSync(join(out, `${figure}.png`)).includes(Buffer.from('pHYs'))).toBe(true);
    }
    expect(readdirSync(out)).toContain('points.csv');
  });

  test('a run that would take nearly all memory is a no-go, exit status 1', async () => {
    const huge = [
      'sweep=[]',
      'workload.concurrency=1024',
      'workload.promptTokens=8192',
      'softwareAdapter={}',
    ];
    const sets = huge.flatMap((text) => ['--set', text]);
    const { status, out } = await kvlab('measure', 'concurrency-llama-3.2-1b', ...sets, '--json');
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'memory-risk' } });
    expect(status).toBe(1);
  });

  test('no browser is a sentence, exit status 1', async () => {
    const { status, err } = await finished(process.execPath, ['dist-lib/cli.js', 'check', '--env'], {
      KVLAB_CHROMIUM: '/nowhere/chromium',
    });
    expect(err).toMatch(/KVLAB_CHROMIUM names \/nowhere\/chromium/);
    expect(status).toBe(1);
  });

  test('--native without DAWN says what to set', async () => {
    const { status, err } = await finished(process.execPath, ['dist-lib/cli.js', 'check', '--native'], {
      DAWN: '',
    });
    expect(err).toMatch(/DAWN/);
    expect(status).toBe(1);
  });
});

test('--help names every command and flag', async () => {
  const { status, out } = await kvlab('--help');
  expect(status).toBe(0);
  for (const word of ['check', 'measure', 'attention', 'risk', '--json', '--native', '--set'])
    expect(out).toContain(word);
  expect(existsSync(folder)).toBe(true);
});

const SMALL = {
  version: 1,
  kind: 'lab',
  title: 'A small sweep',
  model: { name: 'small', layers: 2, queryHeads: 4, kvHeads: 2, headDim: 64 },
  sweep: [{ path: 'workload.concurrency', values: [1, 2] }],
  measurement: { repeats: 1, warmupRepeats: 0 },
};
