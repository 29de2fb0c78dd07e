/** The service that talks to servers, without the worker around it: what comes while a load goes on, what is refused, a cancel. */
import { afterEach, expect, test, vi } from 'vitest';
import { DEFAULT_LOAD } from '../../src/core/scenario/load/defaults.ts';
import type { LoadScenario } from '../../src/core/scenario/load/schema.ts';
import type { CourseNewsBatch, OnConnectNews } from '../../src/workers/connect-api.ts';
import { createConnectService } from '../../src/workers/connect-service.ts';
import { fakeServer, streaming, type FakeServer } from '../endpoints/server.ts';
import { smallLoad } from '../endpoints/support.ts';

let server: FakeServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

const service = (given: { origin?: string; fetch?: typeof fetch } = {}) =>
  createConnectService({
    origin: 'http://localhost:1',
    fetch: globalThis.fetch,
    now: () => performance.now(),
    date: () => '2026-01-02T03:04:05.000Z',
    newId: () => 'a-load',
    appVersion: '0',
    client: async () => 'a test',
    localAccess: async () => null,
    ...given,
  });

const quiet: OnConnectNews = () => undefined;
const at = (url: string, key: string | null = null) => ({ url, key });

test('a load tells its course while it goes on, and the run has neither address nor key', async () => {
  server = await fakeServer({ completion: streaming(30) });
  const heard: CourseNewsBatch[] = [];
  const outcome = await service().load(at(server.url, 'secret-key'), smallLoad(), null, (news) => {
    if (news.kind === 'course') heard.push(news);
  });
  if (!outcome.ok) throw new Error(outcome.error.message);
  expect(heard.filter(({ begin }) => begin !== null)).toHaveLength(1);
  expect(heard[0]?.begin).toEqual({ label: 'single point', kept: true });
  const requests = heard.flatMap((news) => news.requests);
  expect(requests.map(({ row }) => row).toSorted()).toEqual([0, 1, 2, 3, 4, 5]);
  expect(requests.every(({ fault, e2eMs, ttftMs }) => fault === null && (e2eMs ?? 0) >= (ttftMs ?? 0))).toBe(
    true,
  );
  const ticks = heard.flatMap((news) => news.ticks);
  expect(ticks.at(-1)).toMatchObject({ inFlight: 0, pieces: 24 });
  expect(Math.max(...ticks.map(({ inFlight }) => inFlight))).toBeLessThanOrEqual(3);
  const text = JSON.stringify(outcome.value);
  expect(text).not.toContain(new URL(server.url).host);
  expect(text).not.toContain('secret-key');
});

test('over http a browser’s connections bound what is in flight; who waits here is counted and said', async () => {
  server = await fakeServer({ completion: streaming(5) });
  const scenario = smallLoad({
    workload: { requests: 12, arrivals: { kind: 'closed', users: 12, thinkSeconds: 0 } },
  });
  const outcome = await service().load(at(server.url), scenario, null, quiet);
  if (!outcome.ok) throw new Error(outcome.error.message);
  expect(server.mostOpen()).toBe(6);
  const record = outcome.value.points[0]?.repetitions[0]?.measured;
  expect(record?.heldBack).toBe(6);
  expect(outcome.value.notes.join(' ')).toMatch(/6 connections .* no more than 6 requests .* 6 waited here/);
});

test('a cancel ends a load at once and keeps what came', async () => {
  server = await fakeServer({ completion: streaming(10_000) });
  const own = service();
  const loading = own.load(
    at(server.url),
    smallLoad({ prompts: { as: 'ids', vocabulary: 512 } }),
    null,
    (news) => {
      if (news.kind === 'course' && news.ticks.some(({ inFlight }) => inFlight > 0)) own.cancel();
    },
  );
  const outcome = await loading;
  expect(outcome).toMatchObject({ ok: true, value: { complete: false } });
});

test('a cancel while the server is still asked how it counts is a cancel, not a fault', async () => {
  const slow = (server = await fakeServer({ completion: streaming(10_000) }));
  const own = service();
  const loading = own.load(at(slow.url), smallLoad(), null, quiet);
  await vi.waitFor(() => expect(slow.mostOpen()).toBeGreaterThan(0));
  own.cancel();
  expect(await loading).toMatchObject({ ok: false, error: { code: 'cancelled' } });
});

test('a load that replays a trace asks for its file', async () => {
  const scenario: LoadScenario = {
    ...DEFAULT_LOAD,
    workload: { ...DEFAULT_LOAD.workload, trace: { name: 'azure', speed: 1 } },
  };
  const outcome = await service().load(at('http://127.0.0.1:9'), scenario, null, quiet);
  expect(outcome).toMatchObject({
    ok: false,
    error: { message: expect.stringMatching(/trace azure.*give its file/) },
  });
});

test('a trace is replayed with its own arrivals, faster where it is asked', async () => {
  server = await fakeServer({ completion: streaming(1) });
  const file = new File(
    ['TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.0,20,3\n2023-11-16 18:15:47.0,30,2\n'],
    'azure.csv',
  );
  const scenario = smallLoad({ workload: { requests: 0, trace: { name: 'azure.csv', speed: 10 } } });
  const outcome = await service().load(at(server.url), scenario, file, quiet);
  if (!outcome.ok) throw new Error(outcome.error.message);
  const requests = outcome.value.points[0]?.repetitions[0]?.measured.requests;
  expect(requests?.askedPromptTokens).toEqual([20, 30]);
  expect(requests?.askedOutputTokens).toEqual([3, 2]);
  expect(requests?.arrivalMs.map((ms) => Math.round((ms ?? 0) / 100))).toEqual([0, 1]);
});

test.each([
  ['https://lab.example', 'http://10.0.0.9:8000', 'mixed content'],
  ['http://localhost:1', 'http://127.0.0.1:9', 'nobody there'],
] as const)('a page of %s that asks %s is told: %s', async (origin, url, kind) => {
  const refusing = () => Promise.reject(new TypeError('Failed to fetch'));
  const outcome = await service({ origin, fetch: refusing }).probe(at(url));
  expect(outcome).toMatchObject({ ok: false, error: { code: 'refused', data: { kind } } });
});

test('an address that is none, and metrics that are none, are one sentence each', async () => {
  expect(await service().probe(at('host:1'))).toMatchObject({
    ok: false,
    error: { message: expect.stringMatching(/no address/) },
  });
  expect(await service().read('<html>')).toMatchObject({
    ok: false,
    error: { message: expect.stringMatching(/web page/) },
  });
  expect(await service().read('vllm:num_requests_running 3')).toMatchObject({
    ok: true,
    value: { telemetry: { running: 3 } },
  });
});

test('a watch is told sample by sample and ends with a run', async () => {
  server = await fakeServer({
    documents: { '/metrics': '# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running 0\n' },
  });
  const heard: number[] = [];
  const outcome = await service().watch(
    at(server.url),
    { samples: 3, intervalSeconds: 0.05, pricePerHour: null },
    (answer) => {
      heard.push(answer.run.samples.length);
    },
  );
  expect(heard).toEqual([1, 2, 3]);
  expect(outcome).toMatchObject({
    ok: true,
    value: { run: { complete: true, server: 'vllm' }, alerts: [expect.stringMatching(/Under-used/)] },
  });
});
