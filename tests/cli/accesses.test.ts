/** `kvlab accesses`: of a demonstration, of a recorded log, of a simulated run; files; bad input. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ensureLibrary } from '../../scripts/build-lib.mjs';
import { parseRun, type AccessProfile } from '../../src/index.ts';
import { kvlab } from '../support/run-cli.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MINUTES = 60_000;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvlab-accesses-'));
  vi.stubEnv('KVLAB_CHROMIUM', '/nowhere/chromium');
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});
/** Of the built command line, which may have the browser that the commands in this process may not. */
const BUILT_ENV = { ...process.env, KVLAB_GPU: 'software' };

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

interface Answer extends AccessProfile {
  readonly origin: string;
  readonly source: string;
  readonly notes: readonly string[];
}

async function answer(...argv: string[]): Promise<Answer> {
  const { status, out } = await kvlab('accesses', ...argv, '--json');
  expect(status).toBe(0);
  expect(out.trim().split('\n')).toHaveLength(1);
  return JSON.parse(out) as Answer;
}

describe('the demonstration', () => {
  test('has as many accesses as asked for, and every part of the profile', async () => {
    const profile = await answer('--demo', '1000');
    expect(profile.summary.accesses).toBe(1000);
    expect(profile.origin).toBe('simulated');
    expect(profile.heatmap?.counts.flat().reduce((a, b) => a + b, 0)).toBe(1000);
    expect(profile.reuse?.cold).toBe(profile.summary.blocks);
    expect(profile.missRatio?.curves).toHaveLength(11);
  });

  test.each([
    ['heatmap', ['heatmap', 'hitRate']],
    ['reuse', ['reuse']],
    ['missratio', ['missRatio']],
  ])('of type %s', async (type, parts) => {
    const profile = await answer('--demo', '200', '--type', type);
    expect(Object.keys(profile)).toEqual(['origin', 'source', 'notes', 'summary', ...parts]);
  });

  test('its summary alone, as JSON and as text', async () => {
    expect(Object.keys(await answer('--demo', '200', '--summary'))).toEqual([
      'origin',
      'source',
      'notes',
      'summary',
    ]);
    const { out, status } = await kvlab('accesses', '--demo', '200', '--summary');
    expect(status).toBe(0);
    expect(out).toMatch(/accesses +200\n/);
    expect(out).toMatch(/hit ratio +\d+\.\d\d %/);
  });

  test('follows its seed', async () => {
    const seeded = (seed: string) => answer('--demo', '500', '--seed', seed, '--summary');
    expect(await seeded('1')).toEqual(await answer('--demo', '500', '--summary'));
    expect((await seeded('2')).summary).not.toEqual((await seeded('1')).summary);
  });
});

test('a recorded log, of which everything can be counted', async () => {
  const log = file('log.csv', 'block,time,hit\na,0,0\nb,1,0\na,2,1\nc,3,0\nb,4,0\na,10,1\n');
  const profile = await answer(log);
  expect(profile.origin).toBe('measured');
  expect(profile.source).toBe('Recorded log log.csv');
  expect(profile.summary).toMatchObject({
    accesses: 6,
    hits: 2,
    hitRatio: 1 / 3,
    blocks: 3,
    medianReuseDistance: 2,
  });
  expect(profile.reuse?.bins).toEqual([
    { from: 0, to: 0, count: 0 },
    { from: 1, to: 1, count: 1 },
    { from: 2, to: 3, count: 2 },
  ]);
  const lru = profile.missRatio?.curves.find(({ policy }) => policy === 'lru');
  expect(profile.missRatio?.sizes).toEqual([1, 2, 3]);
  expect(lru?.missRatio).toEqual([1, 5 / 6, 0.5]);
});

describe('a simulated run', () => {
  const small = [
    ...['--set', 'sweep=[]', '--set', 'repeats=1', '--set', 'workload.requests=60'],
    ...['--set', 'hardware.kvBlocks=20000', '--set', 'engine.prefixCache=hash'],
  ];

  test(
    'by its file and by its scenario, with the hits that the run itself has',
    { timeout: MINUTES },
    async () => {
      const out = join(folder, 'run');
      const simulated = await kvlab('simulate', 'shared-system-prompt', ...small, '--json', '--out', out);
      expect(simulated.status, simulated.err).toBe(0);
      const run = parseRun(readFileSync(join(out, 'run.json'), 'utf8'));
      if (!run.ok || run.run.kind !== 'simulate') throw new Error('simulate wrote no run.');
      const cachedTokens = run.run.points[0]?.repetitions[0]?.requests.cachedTokens ?? [];
      const fromRun = await answer(join(out, 'run.json'), '--type', 'reuse');
      const fromScenario = await answer('shared-system-prompt', ...small, '--type', 'reuse');
      expect(fromScenario.summary).toEqual(fromRun.summary);
      expect(fromRun.summary.hits).toBeGreaterThan(0);
      expect(16 * fromRun.summary.hits).toBe(
        cachedTokens.reduce((sum: number, tokens) => sum + (tokens ?? 0), 0),
      );
      expect(fromRun.source).toMatch(/20000 blocks of 16 tokens/);
    },
  );
});

describe('bad input is one sentence and exit status 2', () => {
  const table: { name: string; args: () => string[]; says: RegExp }[] = [
    { name: 'nothing', args: () => [], says: /accesses needs a run\.json of simulate, a log/ },
    { name: 'a demonstration of something', args: () => ['x', '--demo', '5'], says: /does not take “x”/ },
    {
      name: 'a demonstration of nothing',
      args: () => ['--demo', '0'],
      says: /--demo is “0”; a whole number from 1/,
    },
    {
      name: 'a profile that there is not',
      args: () => ['--demo', '5', '--type', 'pie'],
      says: /“pie”; there are heatmap, reuse, missratio, all/,
    },
    { name: 'no such file', args: () => ['nowhere'], says: /nowhere can't be read \(ENOENT\)/ },
    { name: 'a folder', args: () => [folder], says: /can't be read \(EISDIR\)/ },
    {
      name: 'a bad line',
      args: () => [file('bad.csv', 'block,time,hit\na,0,0\na,1\n')],
      says: /Line 3 of the access log: hit is/,
    },
    { name: 'an empty log', args: () => [file('empty.csv', '\n')], says: /without a single access/ },
    { name: 'no run', args: () => [file('x.json', '{"points":[')], says: /x\.json: / },
    {
      name: 'a scenario without a cache',
      args: () => ['shared-system-prompt', '--set', 'engine.prefixCache=off', '--set', 'sweep=[]'],
      says: /prefixCache is off/,
    },
  ];
  test.each(table)('$name', async ({ args, says }) => {
    const { status, out, err } = await kvlab('accesses', ...args());
    expect(err).toMatch(says);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(out).toBe('');
    expect(status).toBe(2);
  });
});

describe('files', () => {
  beforeAll(() => ensureLibrary({ types: false }), 3 * MINUTES);

  test(
    '--out writes JSON, the log, and each figure as SVG and PNG; the log is read again',
    { timeout: 2 * MINUTES },
    async () => {
      const out = join(folder, 'out');
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        ['dist-lib/cli.js', 'accesses', '--demo', '300', '--json', '--out', out],
        { cwd: ROOT, encoding: 'utf8', env: BUILT_ENV },
      );
      expect(stderr).not.toMatch(/error/i);
      expect(status).toBe(0);
      const figures = ['heatmap', 'hitrate', 'missratio', 'reuse'].flatMap((name) => [
        `accesses_${name}.png`,
        `accesses_${name}.svg`,
      ]);
      expect(readdirSync(out).sort()).toEqual(['accesses.csv', 'accesses.json', ...figures]);
      expect(JSON.parse(readFileSync(join(out, 'accesses.json'), 'utf8'))).toEqual(JSON.parse(stdout));
      expect(readFileSync(join(out, 'accesses_heatmap.png')).subarray(1, 4).toString()).toBe('PNG');
      const again = await answer(join(out, 'accesses.csv'), '--summary');
      expect({ ...again.summary, timeUnit: 'ms' }).toEqual((JSON.parse(stdout) as Answer).summary);
    },
  );

  test('simulate --out writes each figure as SVG and PNG too', { timeout: 2 * MINUTES }, () => {
    const out = join(folder, 'simulated');
    const { status, stderr } = spawnSync(
      process.execPath,
      ['dist-lib/cli.js', 'simulate', 'ten-blocks', '--json', '--out', out],
      { cwd: ROOT, encoding: 'utf8', env: BUILT_ENV },
    );
    expect(stderr).not.toMatch(/error|only/i);
    expect(status).toBe(0);
    const names = (ending: string): string[] =>
      readdirSync(out).flatMap((name) => (name.endsWith(ending) ? [name.slice(0, -ending.length)] : []));
    expect(names('.svg').length).toBeGreaterThan(3);
    expect(names('.png')).toEqual(names('.svg'));
    for (const name of names('.png')) {
      expect(
        readFileSync(join(out, `${name}.png`))
          .subarray(1, 4)
          .toString(),
      ).toBe('PNG');
    }
  });
});
