/** `kvlab load`, `scrape` and `watch`: answers, exit statuses, and neither address nor key in what they write. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kvlab } from '../support/run-cli.ts';
import { fakeServer, type FakeServer } from './server.ts';

const folder = mkdtempSync(join(tmpdir(), 'kvlab-load-'));
const LLAMA = fileURLToPath(new URL('metrics/llama-cpp-b11669.txt', import.meta.url));
const QUICK = [
  '--set',
  'workload.requests=4',
  '--set',
  'workload.arrivals.users=2',
  '--set',
  'measurement.warmupRequests=0',
  '--set',
  'telemetrySeconds=0',
];
let server: FakeServer;

beforeAll(async () => {
  server = await fakeServer({
    documents: { '/metrics': '# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running 2\n' },
  });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

function file(name: string, document: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(document));
  return path;
}

test('load --json answers both sides and writes a run without the address', async () => {
  const out = join(folder, 'out');
  const answer = await kvlab(
    'load',
    'default',
    '--endpoint',
    `${server.url}/v1`,
    '--api',
    'chat',
    '--model',
    'tiny',
    ...QUICK,
    '--seed',
    '3',
    '--price',
    '2',
    '--json',
    '--out',
    out,
  );
  expect([answer.status, answer.err.includes('failed')]).toEqual([0, false]);
  const { points, server: told } = JSON.parse(answer.out);
  expect(told).toMatchObject({ kind: 'vllm', version: '0.1', models: ['tiny'], maxModelTokens: 4096 });
  const [{ measured, predicted, dollarsPerMillionOutputTokens }] = points[0].repetitions;
  expect(measured.summary).toMatchObject({ requests: 4, finished: 4 });
  expect(measured.summary).toMatchObject({ preemptions: null, steps: null, kvBlocks: null });
  expect(measured.intervals.ttftMs.p50).toBeNull();
  expect(predicted.finished).toBe(4);
  expect(dollarsPerMillionOutputTokens).toBeCloseTo(
    2 / ((measured.summary.outputTokensPerSecond * 3600) / 1e6),
    9,
  );
  const run = readFileSync(join(out, 'run.json'), 'utf8');
  expect(run).not.toContain(new URL(server.url).host);
  expect(JSON.parse(run).command).toMatch(/--endpoint …\/v1 --api chat/);
});

test('a trace is replayed with its times divided by the speed', async () => {
  const trace = join(folder, 'trace.csv');
  writeFileSync(
    trace,
    'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:00:00.0,10,3\n2023-11-16 18:00:04.0,12,2\n2023-11-16 18:00:08.0,14,2\n',
  );
  const scenario = file('replay.json', {
    version: 1,
    kind: 'load',
    workload: { requests: 0, trace: { name: 'trace.csv', speed: 100 } },
    measurement: { calibrationRepeats: 0, warmupRequests: 0 },
    telemetrySeconds: 0,
  });
  const before = server.sent.length;
  const out = join(folder, 'replayed');
  expect(
    (await kvlab('load', scenario, '--trace', trace, '--endpoint', server.url, '--out', out)).status,
  ).toBe(0);
  const { requests } = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')).points[0].repetitions[0]
    .measured;
  expect(requests.arrivalMs).toEqual([0, 40, 80]);
  expect(requests.askedPromptTokens).toEqual([10, 12, 14]);
  expect(requests.outputTokens).toEqual([3, 2, 2]);
  expect(server.sent.length - before).toBe(2 + 3);
});

test.each([
  {
    name: 'no endpoint',
    args: ['load', 'default'],
    status: 2,
    says: /load needs a server: name it with --endpoint/,
  },
  {
    name: 'an endpoint that is no address',
    args: ['load', 'load-eight-streams', '--endpoint', 'here'],
    status: 2,
    says: /no address/,
  },
  {
    name: 'an API of no name',
    args: ['load', 'default', '--api', 'grpc'],
    status: 2,
    says: /there are completions and chat/,
  },
  {
    name: 'a misspelt setting',
    args: ['load', 'default', '--set', 'workload.request=3'],
    status: 2,
    says: /workload\.request/,
  },
  {
    name: 'a scenario of another kind',
    args: ['load', file('sim.json', { version: 1, kind: 'simulate' })],
    status: 2,
    says: /a load \(kind “load”\) is needed/,
  },
  {
    name: 'a load of no name',
    args: ['load', 'load-eight'],
    status: 2,
    says: /no load “load-eight”; the loads are load-eight-streams, load-ramp/,
  },
  {
    name: 'ids in a chat',
    args: ['load', 'default', '--api', 'chat', '--set', 'prompts.as=ids'],
    status: 2,
    says: /a chat is sent as text/,
  },
  {
    name: 'a wrong port',
    args: ['load', 'default', '--endpoint', 'http://127.0.0.1:9'],
    status: 1,
    says: /Nobody listens|can’t be reached/,
  },
  {
    name: 'a file that is not there',
    args: ['scrape', 'nowhere.txt'],
    status: 2,
    says: /nowhere\.txt can’t be read/,
  },
  {
    name: 'a file of another kind',
    args: ['scrape', file('x.txt', {})],
    status: 2,
    says: /no Prometheus text/,
  },
])('$name is one sentence and exit status $status', async ({ args, status, says }) => {
  const answer = await kvlab(...args, '--json');
  expect([answer.status, answer.err.trim().split('\n').length]).toEqual([status, 1]);
  expect(answer.err).toMatch(says);
  expect(JSON.parse(answer.out)).toMatchObject({ error: { code: status === 2 ? 'bad-input' : 'endpoint' } });
});

test('scrape reads a file and a server; watch makes a run of samples with alerts', async () => {
  expect(JSON.parse((await kvlab('scrape', LLAMA, '--json')).out)).toMatchObject({ server: 'llama.cpp' });
  expect((await kvlab('scrape', server.url)).out).toMatch(
    /^vllm, 1 samples[\s\S]*running +2 +vllm:num_requests_running/,
  );
  const watched = JSON.parse(
    (await kvlab('watch', server.url, '--samples', '3', '--interval', '0.05', '--json')).out,
  );
  expect(watched.run).toMatchObject({ kind: 'watch', server: 'vllm', complete: true });
  expect(watched.run.samples.map(({ running }: { running: number }) => running)).toEqual([2, 2, 2]);
  expect(watched.alerts).toEqual([]);
});
