/**
 * What servers say of themselves, in our words. llama.cpp's text is what a real server answered (build b11669); the others
 * are written by the names that their sources have (src/endpoints/names.ts), and no real file of them was read.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readEndpoint, withoutSecrets } from '../../src/endpoints/endpoint.ts';
import { whyRefused } from '../../src/endpoints/browser.ts';
import { EndpointError } from '../../src/endpoints/fault.ts';
import { parsePrometheus } from '../../src/endpoints/prometheus.ts';
import { probe } from '../../src/endpoints/probe.ts';
import { readTelemetry, scrape } from '../../src/endpoints/telemetry.ts';
import { alertsOf, ratesOf } from '../../src/endpoints/watch.ts';
import { fakeServer } from './server.ts';
import { endpointAt } from './support.ts';

const LLAMA = readFileSync(new URL('metrics/llama-cpp-b11669.txt', import.meta.url), 'utf8');

test('samples with labels, escapes, infinities, timestamps; a line that is none is counted', () => {
  const { samples, families, unread } = parsePrometheus(
    [
      '# HELP a_total What it\\nis',
      '# TYPE a_total counter',
      'a_total{x="1,2",y="q\\"\\\\\\n}"} 3 1712000000000',
      'b{} +Inf',
      'c 1e-3 # {trace_id="1"} 0.5',
      'd NaN',
      'not a sample',
      'e{x=1} 2',
      '',
    ].join('\r\n'),
  );
  expect(samples).toEqual([
    { name: 'a_total', labels: { x: '1,2', y: 'q"\\\n}' }, value: 3 },
    { name: 'b', labels: {}, value: Infinity },
    { name: 'c', labels: {}, value: 0.001 },
    { name: 'd', labels: {}, value: NaN },
  ]);
  expect(families.get('a_total')).toEqual({ type: 'counter', help: 'What it\nis' });
  expect(unread).toBe(2);
});

test('llama.cpp, as it really answers: what it does not tell is null', () => {
  const { server, telemetry, prefixHitRatio, unread } = readTelemetry(LLAMA);
  expect([server, unread]).toEqual(['llama.cpp', 0]);
  expect(telemetry).toMatchObject({
    running: 0,
    waiting: 0,
    kvUsage: null,
    promptTokens: 4135,
    outputTokens: 1671,
    prefixHits: 61,
    prefixLookups: 4135 + 61,
    ttftMs: null,
  });
  expect(prefixHitRatio).toBeCloseTo(61 / 4196, 12);
});

const VLLM = `
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 12.0
vllm:num_requests_running{engine="1",model_name="m"} 8.0
vllm:num_requests_waiting{engine="0",model_name="m"} 3.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.75
vllm:prefix_cache_queries_total{engine="0",model_name="m"} 4096.0
vllm:prefix_cache_hits_total{engine="0",model_name="m"} 3072.0
vllm:num_preemptions_total{engine="0",model_name="m"} 4.0
vllm:generation_tokens_total{engine="0",model_name="m"} 1500.0
vllm:time_to_first_token_seconds_bucket{engine="0",le="+Inf",model_name="m"} 20
vllm:time_to_first_token_seconds_sum{engine="0",model_name="m"} 10.0
vllm:time_to_first_token_seconds_count{engine="0",model_name="m"} 20.0
`;

test('vLLM: engines side by side are added up, the fuller cache counts, histograms become means', () => {
  const { server, telemetry, from, prefixHitRatio } = readTelemetry(VLLM);
  expect(server).toBe('vllm');
  expect(telemetry).toMatchObject({
    running: 20,
    waiting: 3,
    kvUsage: 0.75,
    preemptions: 4,
    ttftMs: 500,
    itlMs: null,
  });
  expect([prefixHitRatio, from.kvUsage]).toEqual([0.75, 'vllm:kv_cache_usage_perc']);
});

test.each([
  {
    server: 'vllm',
    text: 'vllm:gpu_cache_usage_perc 0.5\nvllm:time_per_output_token_seconds_sum 3\nvllm:time_per_output_token_seconds_count 100',
    is: { kvUsage: 0.5, itlMs: 30 },
  },
  {
    server: 'sglang',
    text: 'sglang:num_running_reqs{tp_rank="0"} 5\nsglang:num_running_reqs{tp_rank="1"} 5\nsglang:token_usage 0.28\nsglang:num_queue_reqs{priority=""} 3\nsglang:num_queue_reqs{priority="1"} 2',
    is: { running: 5, waiting: 3, kvUsage: 0.28 },
  },
  {
    server: 'tgi',
    text: 'tgi_queue_size 7\ntgi_batch_current_size 4\ntgi_request_duration_sum 40\ntgi_request_duration_count 20\ntgi_request_generated_tokens_sum 8123',
    is: { running: 4, waiting: 7, e2eMs: 2000, outputTokens: 8123, kvUsage: null },
  },
  {
    server: 'dynamo',
    text: 'dynamo_frontend_inflight_requests{model="m"} 9\ndynamo_frontend_queued_requests{model="m"} 1\nvllm:num_requests_running 5',
    is: { running: 9, waiting: 1 },
  },
  {
    server: 'tensorrt-llm',
    text: 'trtllm_num_requests_running{model_name="m"} 6\ntrtllm_num_requests_waiting{model_name="m"} 2\ntrtllm_kv_cache_utilization{model_name="m"} 0.4\ntrtllm_kv_cache_reused_blocks_total{model_name="m"} 30\ntrtllm_kv_cache_missed_blocks_total{model_name="m"} 70\ntrtllm_time_to_first_token_seconds_sum{model_name="m"} 4\ntrtllm_time_to_first_token_seconds_count{model_name="m"} 8',
    is: { running: 6, waiting: 2, kvUsage: 0.4, prefixHits: 30, prefixLookups: 100, ttftMs: 500 },
  },
])('$server by its names', ({ server, text, is }) => {
  const scraped = readTelemetry(text);
  expect(scraped.server).toBe(server);
  expect(scraped.telemetry).toMatchObject(is);
});

test.each([
  { text: '<!doctype html>', says: /web page \(HTML\)/ },
  { text: 'hello', says: /no Prometheus text/ },
  {
    text: 'node_cpu_seconds_total{cpu="0"} 1',
    says: /node_cpu_seconds_total, …\) are of no server that is known/,
  },
])('$text is refused in one sentence', ({ text, says }) => {
  expect(() => readTelemetry(text)).toThrow(says);
});

test('rates and alerts: over-use, under-use, a server that began anew', () => {
  const { telemetry } = readTelemetry(VLLM);
  const later = {
    ...telemetry,
    atMs: 10_000,
    outputTokens: 2500,
    prefixHits: 3172,
    prefixLookups: 4496,
    preemptions: 14,
    kvUsage: 0.95,
  };
  const rates = ratesOf([telemetry, later], 3.6);
  expect(rates).toMatchObject({ outputTokensPerSecond: 100, prefixHitRatio: 0.25, preemptionsPerSecond: 1 });
  // 3.6 $ an hour over 100 tokens a second: 10 $ a million.
  expect(rates.dollarsPerMillionTokens).toBeCloseTo(10, 9);
  expect(alertsOf([telemetry, later], rates).join(' ')).toMatch(
    /95 % full .* preemptions a second.* waited at every look/,
  );
  const idle = { ...telemetry, running: 0, waiting: 0, kvUsage: 0 };
  expect(alertsOf([idle, idle], ratesOf([idle, idle], null))).toEqual([
    'Under-used: nothing ran at any of 2 looks.',
  ]);
  expect(ratesOf([later, { ...telemetry, atMs: 20_000 }], 1).outputTokensPerSecond).toBeNull();
});

test.each([
  { url: 'http://host:8000', root: 'http://host:8000' },
  { url: ' http://host:8000/v1/ ', root: 'http://host:8000' },
  { url: 'https://host/proxy/v1/chat/completions', root: 'https://host/proxy' },
  { url: 'http://host:8000/metrics', root: 'http://host:8000' },
])('$url is the server at $root', ({ url, root }) => {
  expect(readEndpoint({ url })).toMatchObject({ ok: true, endpoint: { root, api: `${root}/v1` } });
});

test.each([
  { url: 'host:8000', key: null, says: /no address/ },
  { url: 'file:///etc/passwd', key: null, says: /no address/ },
  { url: 'http://me:word@host', key: null, says: /password/ },
  { url: 'http://host', key: 'two words', says: /no HTTP header/ },
])('$url with the key $key is refused', ({ url, key, says }) => {
  expect(readEndpoint({ url, key })).toMatchObject({ ok: false, sentence: expect.stringMatching(says) });
});

test('neither address nor key stays in a sentence', () => {
  const endpoint = { root: 'http://gpu7.corp.example:8000', key: 'abc123secret' };
  const said = withoutSecrets(
    'GET http://gpu7.corp.example:8000/v1 with abc123secret, sk-proj-12345 at gpu7.corp.example\n:8000',
    endpoint,
  );
  expect(said).toBe('GET …/v1 with …, … at … :…');
});

test('metrics are found where TensorRT-LLM has them, whose /metrics is JSON of its own', async () => {
  const server = await fakeServer({
    documents: {
      '/metrics': '[{"iter":1}]',
      '/prometheus/metrics': '# TYPE trtllm_num_requests_running gauge\ntrtllm_num_requests_running 3\n',
    },
  });
  try {
    const endpoint = endpointAt(server.url);
    expect(await scrape(endpoint)).toMatchObject({ server: 'tensorrt-llm', telemetry: { running: 3 } });
    expect(await probe(endpoint)).toMatchObject({ metrics: true });
  } finally {
    await server.close();
  }
});

const GONE = new EndpointError('unreachable', 'The endpoint can’t be reached.');

test.each([
  { kind: 'mixed content', root: 'http://10.0.0.5:8000', page: 'https://lab.example', answers: false },
  { kind: 'no CORS', root: 'http://127.0.0.1:8000', page: 'https://lab.example', answers: true },
  { kind: 'local network', root: 'http://127.0.0.1:8000', page: 'https://lab.example', answers: false },
  { kind: 'nobody there', root: 'http://127.0.0.1:8000', page: 'http://localhost:5173', answers: false },
])('a page is told “$kind”', async ({ kind, root, page, answers }) => {
  const asked = {
    ...endpointAt(root),
    fetch: () =>
      answers ? Promise.resolve(new Response()) : Promise.reject(new TypeError('Failed to fetch')),
  };
  expect((await whyRefused(asked, page, GONE)).kind).toBe(kind);
});

test('a page is told where a server sends its question on, and goes to no other address', async () => {
  const asked: string[] = [];
  const endpoint = {
    ...endpointAt('http://127.0.0.1:8000'),
    fetch: (url: string | URL | Request, init?: RequestInit) => {
      asked.push(`${String(url)} ${init?.redirect ?? 'follow'}`);
      return Promise.resolve(new Response(null, { status: 302, headers: { location: 'http://other/' } }));
    },
  };
  expect(await whyRefused(endpoint, 'http://localhost:5173', GONE)).toMatchObject({
    kind: 'redirect',
    sentence: expect.stringMatching(/name that address itself/),
  });
  expect(asked).toEqual(['http://127.0.0.1:8000/v1/models manual']);
});

test.each([
  { access: 'denied', kind: 'local network', says: /site’s settings/ },
  { access: 'prompt', kind: 'local network', says: /Nobody listens there, or the browser guards/ },
  { access: 'granted', kind: 'nobody there', says: /start the server/ },
  { access: null, kind: 'mixed content', says: /https/ },
] as const)('a server of the local network, $access: $kind', async ({ access, kind, says }) => {
  const endpoint = {
    ...endpointAt('http://192.168.1.7:8000'),
    fetch: () => Promise.reject(new TypeError('Failed to fetch')),
  };
  const refused = await whyRefused(endpoint, 'https://lab.example', GONE, async () => access);
  expect(refused).toMatchObject({ kind, sentence: expect.stringMatching(says) });
});
