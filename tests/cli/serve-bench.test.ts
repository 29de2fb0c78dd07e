/** `kvlab serve-bench`: what is refused before anything is started; what it answers and writes of a run made by a double. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parseArguments } from '../../src/cli/arguments.ts';
import type { GpuCommandContext, Outcome } from '../../src/cli/commands/command.ts';
import { serveBench } from '../../src/cli/commands/serve-bench.ts';
import type { GpuHost, ServeTask } from '../../src/cli/host.ts';
import { createTerminal } from '../../src/cli/terminal.ts';
import { parseRun } from '../../src/core/run/parse.ts';
import type { ServeRun } from '../../src/core/run/serve.ts';
import { servingRun } from '../charts/serve-runs.ts';
import { kvlab } from '../support/run-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'kvlab-serve-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, document: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof document === 'string' ? document : JSON.stringify(document));
  return path;
}

const OWN = file('own.json', { version: 1, kind: 'serve', model: 'my-model' });
const BROKEN = file('broken.json', '{');
const MISSPELT = file('misspelt.json', { version: 1, kind: 'serve', workload: { request: 3 } });

test.each([
  { name: 'no scenario', args: [], says: /serve-bench needs a scenario/ },
  { name: 'a scenario that is not there', args: ['nowhere.json'], says: /nowhere\.json/ },
  { name: 'a scenario of another kind', args: ['quality-formats'], says: /quality-formats/ },
  { name: 'a file that is no JSON', args: [BROKEN], says: /broken\.json: .*JSON/ },
  { name: 'a misspelt setting', args: [MISSPELT], says: /workload\.request/ },
  { name: 'a model that is loaded elsewhere', args: [OWN], says: /“my-model”; name its folder with --model/ },
  {
    name: 'a model that is not there',
    args: ['serve-rate', '--model', 'nowhere'],
    says: /no folder nowhere/,
  },
  {
    name: 'weights of no format',
    args: ['serve-rate', '--weights', 'q8'],
    says: /--weights is “q8”; there are f32/,
  },
  {
    name: 'a swept setting that is set as well',
    args: ['serve-rate', '--set', 'workload.arrivals.rate=3'],
    says: /workload\.arrivals\.rate/,
  },
  {
    name: 'a request that no pool holds',
    args: ['serve-length', '--set', 'engine.blocks=4'],
    says: /more than the 64 of engine\.blocks; set \d+ blocks or more/,
  },
])('$name is one sentence and exit status 2', async ({ args, says }) => {
  const { status, out, err } = await kvlab('serve-bench', ...args, '--json');
  expect({ status, err }).toMatchObject({ status: 2 });
  expect(err).toMatch(says);
  expect(err.trim().split('\n')).toHaveLength(1);
  expect(JSON.parse(out)).toMatchObject({ error: { code: 'bad-input' } });
});

interface Answered {
  readonly outcome: Outcome;
  readonly out: string;
  readonly err: string;
  readonly files: ReadonlyMap<string, string | Uint8Array>;
  readonly task: ServeTask | null;
}

/** The command on a host that simulates the engine; `change` is what became of its run. */
async function answered(args: readonly string[], change: (run: ServeRun) => ServeRun = (run) => run) {
  let [out, err] = ['', ''];
  const streams = {
    out: { write: (text: string) => (out += text) },
    err: { write: (text: string) => (err += text) },
  };
  const files = new Map<string, string | Uint8Array>();
  let task: ServeTask | null = null;
  const host: Pick<GpuHost, 'serve' | 'png'> = {
    serve: async (asked) => {
      task = asked;
      return change(await servingRun(asked.scenario));
    },
    png: () => Promise.resolve(null),
  };
  const invocation = parseArguments(['serve-bench', ...args]);
  if (typeof invocation === 'string') throw new Error('No invocation.');
  const context: GpuCommandContext = {
    invocation,
    terminal: createTerminal(streams, false),
    write: invocation.out === null ? null : (name, contents) => files.set(name, contents),
    command: 'kvlab serve-bench',
    onCancel: () => undefined,
    openHost: () => Promise.resolve(host as GpuHost),
  };
  const outcome = await serveBench(context);
  return { outcome, out, err, files, task } satisfies Answered as Answered;
}

const QUICK = ['--set', 'workload.requests=8', '--set', 'measurement.repeats=1', '--seed', '5'];

test('--json answers both sides of each point, the errors, the cost model and the first tokens', async () => {
  const { outcome, out, task } = await answered(['serve-first-token', ...QUICK, '--json']);
  expect(outcome).toBe('done');
  expect(task?.scenario).toMatchObject({ seed: 5, workload: { requests: 8 } });
  expect(task?.load.weightFormat).toBe('f32');
  const answer = JSON.parse(out);
  expect(Object.keys(answer)).toEqual([
    ...['title', 'model', 'device', 'points', 'firstToken', 'bars', 'notes', 'complete'],
  ]);
  expect(answer.bars).toEqual({ 'tpotMs.mean': 10, 'e2eMs.mean': 15 });
  const [point] = answer.points;
  for (const metric of ['ttftMs.mean', 'tpotMs.mean', 'itlMs.p99', 'e2eMs.mean', 'outputTokensPerSecond']) {
    const { measured, predicted, errorPercent } = point;
    expect(measured[metric]).toBeGreaterThan(0);
    expect(errorPercent[metric]).toBeCloseTo(100 * (predicted[metric] / measured[metric] - 1), 6);
  }
  expect(point.costModel.decode.ms.length).toBeGreaterThan(0);
  expect(point.kvCacheBytes).toBe(64 * 16 * 1024);
  expect(answer.firstToken.map(({ from }: { from: string }) => from)).toEqual([
    ...['computed', 'prefix cache', 'host memory'],
  ]);
});

test('without --json it answers a table with the error on each line', async () => {
  const { out } = await answered(['serve-paged-or-contiguous', ...QUICK]);
  expect(out).toMatch(/mean TPOT\s+\d\S*\sms\s+\d\S*\sms\s+[+−]\d+\.\d\s%/);
  expect(out).toMatch(/backend contiguous \(KV Lab, contiguous\)/);
  expect(out).toMatch(/KV slots with a token \d+ %, \d+ sequences at most/);
});

test('--out writes the run, its requests, steps and points, and every figure', async () => {
  const { files } = await answered(['serve-rate', ...QUICK, '--out', folder]);
  for (const name of ['run.json', 'requests.csv', 'steps.csv', 'points.csv'])
    expect(files.has(name)).toBe(true);
  for (const id of ['errors', 'ttft_cdf', 'tpot_cdf', 'itl_cdf', 'e2e_cdf', 'kv_over_time']) {
    expect(files.get(`serve_${id}.svg`)).toMatch(/^<svg/);
  }
  expect(parseRun(String(files.get('run.json')))).toMatchObject({ ok: true, run: { kind: 'serve' } });
  expect(String(files.get('points.csv')).split('\n')[0]).toContain('errorPercent');
});

test('a point that failed, and a run that was stopped, are no success and say why', async () => {
  const reason = 'The device was lost.';
  const failed = await answered(['serve-rate', ...QUICK], (run) => ({
    ...run,
    points: run.points.map((point, i) =>
      i === 0 ? { ...point, status: 'failed', reason, repetitions: [], calibration: [] } : point,
    ),
  }));
  expect([failed.outcome, failed.err]).toEqual(['failed', expect.stringContaining(reason)]);
  const stopped = await answered(['serve-rate', ...QUICK], (run) => ({ ...run, complete: false }));
  expect([stopped.outcome, stopped.err]).toEqual(['failed', expect.stringContaining('are kept')]);
});
