/** A load on a small local server: requests as the workload draws them, times per token, and each fault by its kind. */
import { afterEach, expect, test } from 'vitest';
import { summarizeLoad } from '../../src/core/metrics/load/summary.ts';
import { parseRun } from '../../src/core/run/parse.ts';
import { EndpointError } from '../../src/endpoints/fault.ts';
import { spread } from '../../src/endpoints/predict.ts';
import {
  beginStream,
  ending,
  eventOf,
  fakeServer,
  streaming,
  type Completion,
  type FakeServer,
} from './server.ts';
import { loadOn, smallLoad } from './support.ts';

const servers: FakeServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serving(completion?: Completion, documents: Record<string, string> = {}): Promise<FakeServer> {
  const server = await fakeServer({ ...(completion ? { completion } : {}), documents });
  servers.push(server);
  return server;
}

const NONE = { ttftMs: null, tpotMs: null, e2eMs: null };
/** Two probes of the token rate come before the load. */
const PROBES = 2;

test.each(['completions', 'chat'] as const)(
  'a closed loop over %s: lengths, times, and no more users than asked',
  async (api) => {
    const server = await serving();
    const run = await loadOn(server.url, smallLoad({ api }));
    const record = run.points[0]?.repetitions[0]?.measured;
    if (!record) throw new Error('No record.');
    expect(server.sent).toHaveLength(PROBES + 6);
    expect(
      server.sent.every(({ path }) =>
        path.endsWith(api === 'chat' ? '/v1/chat/completions' : '/v1/completions'),
      ),
    ).toBe(true);
    expect(server.mostOpen()).toBe(3);
    const { requests } = record;
    expect(requests.chunks).toEqual(new Array(6).fill(4));
    expect(requests.outputTokens).toEqual(new Array(6).fill(4));
    // The server counts words, and the probes found that out.
    expect(requests.promptTokens).toEqual(new Array(6).fill(20));
    for (let row = 0; row < 6; row++) {
      const [due = 0, sent = 0, first = 0, end = 0] = [
        requests.arrivalMs,
        requests.sentMs,
        requests.firstTokenMs,
        requests.endMs,
      ].map((column) => column[row] ?? -1);
      expect(due >= 0 && sent >= due && first > sent && end > first).toBe(true);
    }
    const { summary, failed, errors, chunksPerToken } = summarizeLoad(record, NONE);
    expect([summary.finished, failed, errors, chunksPerToken]).toEqual([6, 0, {}, 1]);
    expect(summary.itlMs?.samples).toBe(6 * 3);
    expect(run.complete).toBe(true);
    expect(parseRun(JSON.stringify(run))).toMatchObject({ ok: true });
  },
);

test('an open loop sends when each is due, and its latency counts from there though the client holds it back', async () => {
  const server = await serving(streaming(8));
  const workload = { arrivals: { kind: 'constant', rate: 200 } };
  const run = await loadOn(server.url, smallLoad({ workload, client: { maxInFlight: 1 } }));
  const record = run.points[0]?.repetitions[0]?.measured;
  if (!record) throw new Error('No record.');
  expect(record.requests.arrivalMs.map((ms) => Math.round(ms ?? -1))).toEqual([5, 10, 15, 20, 25, 30]);
  expect(server.mostOpen()).toBe(1);
  expect(record.heldBack).toBeGreaterThan(0);
  const { latenessMs, summary } = summarizeLoad(record, NONE);
  // The last one waits for the five before it, and says so in its end-to-end time.
  expect(summary.e2eMs?.max ?? 0).toBeGreaterThan(latenessMs?.max ?? Infinity);
  expect(latenessMs?.max ?? 0).toBeGreaterThan(record.requests.arrivalMs[0] ?? 0);
});

test('turns of a session resend what was really answered', async () => {
  const server = await serving();
  const sharing = { kind: 'sessions', systemTokens: 0, turns: 2, thinkSeconds: 0 };
  const workload = { requests: 2, sharing, promptTokens: { kind: 'fixed', tokens: 6 } };
  await loadOn(server.url, smallLoad({ workload }));
  const [first, second] = server.sent.slice(PROBES).map(({ body }) => String(body['prompt']));
  expect(second?.startsWith(`${first} w0 w1 w2 w3 `)).toBe(true);
  await loadOn(server.url, smallLoad({ workload, api: 'chat' }));
  const messages = server.sent.at(-1)?.body['messages'];
  expect(messages).toMatchObject([
    { role: 'user' },
    { role: 'assistant', content: ' w0 w1 w2 w3' },
    { role: 'user' },
  ]);
});

test('prompts of one system prompt begin alike, as ids and as text', async () => {
  const server = await serving();
  const sharing = { kind: 'system', prompts: 1, systemTokens: 32, exponent: 1 };
  const workload = { requests: 2, sharing, promptTokens: { kind: 'fixed', tokens: 5 } };
  await loadOn(server.url, smallLoad({ workload, prompts: { as: 'ids', vocabulary: 1000 } }));
  const [a, b] = server.sent.map(({ body }) => body['prompt'] as number[]);
  expect([a?.length, b?.length]).toEqual([37, 37]);
  expect(a?.slice(0, 32)).toEqual(b?.slice(0, 32));
  expect(a?.slice(32)).not.toEqual(b?.slice(32));
});

/** What one of the requests meets in place of a stream. */
const FAULTS: readonly { name: string; kind: string; says: RegExp; completion: Completion }[] = [
  {
    name: '500',
    kind: 'server error',
    says: /500: out of memory/,
    completion: (response) => void response.writeHead(500).end('{"error":{"message":"out of memory"}}'),
  },
  {
    name: '429',
    kind: 'rate limited',
    says: /limits the rate/,
    completion: (response) => void response.writeHead(429).end('slow down'),
  },
  {
    name: 'HTML instead of JSON',
    kind: 'not an API',
    says: /web page \(HTML\)/,
    completion: (response) =>
      void response.writeHead(200, { 'content-type': 'text/html' }).end('<html></html>'),
  },
  {
    name: 'one piece and no stream',
    kind: 'not streamed',
    says: /in one piece/,
    completion: (response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end('{"choices":[{"text":"x"}]}'),
  },
  {
    name: 'a stream cut between events',
    kind: 'stream cut',
    says: /after 1 piece without/,
    completion: (response) => {
      beginStream(response);
      response.end(eventOf(' a', false));
    },
  },
  {
    name: 'a stream cut inside a token',
    kind: 'stream cut',
    says: /after 1 piece without/,
    completion: (response) => {
      beginStream(response);
      response.end(eventOf(' a', false) + eventOf(' bcd', false).slice(0, 30));
    },
  },
  {
    name: 'a stream of another language',
    kind: 'unreadable stream',
    says: /Event 1 of the stream is no JSON/,
    completion: (response) => {
      beginStream(response);
      response.end('data: hello\n\n');
    },
  },
  {
    name: 'a server that dies in the middle',
    // Which of the two depends on what Node's fetch makes of a reset.
    kind: 'stream cut or connection lost',
    says: /without its end|middle of the stream/,
    completion: (response) => {
      beginStream(response);
      response.write(eventOf(' a', false), () => setTimeout(() => response.socket?.resetAndDestroy(), 5));
    },
  },
  {
    name: 'an error inside the stream',
    kind: 'server error',
    says: /in its answer: engine died/,
    completion: (response) => {
      beginStream(response);
      response.end(`${eventOf(' a', false)}data: {"error":{"message":"engine died"}}\n\n`);
    },
  },
  {
    name: 'no token at all',
    kind: 'no tokens',
    says: /without a token/,
    completion: (response, sent) => {
      beginStream(response);
      response.end(ending(sent, 0));
    },
  },
  {
    name: 'a server that hangs',
    kind: 'timeout',
    says: /not over after 1 s/,
    completion: (response) => beginStream(response),
  },
  {
    name: 'a key that is refused',
    kind: 'unauthorized',
    says: /refuses the key \(401: Incorrect API key provided: …\)/,
    completion: (response) =>
      void response.writeHead(401).end('{"error":{"message":"Incorrect API key provided: sk-secret-1."}}'),
  },
];

test.each(FAULTS)(
  '$name is counted as “$kind”, in one sentence, and the rest goes on',
  async ({ kind, says, completion }) => {
    const good = streaming(1);
    const server = await serving((response, sent, n) =>
      n === PROBES + 1 ? completion(response, sent, n) : good(response, sent, n),
    );
    const run = await loadOn(
      server.url,
      smallLoad({ client: { timeoutSeconds: kind === 'timeout' ? 1 : 60 } }),
      {
        key: 'sk-secret-1',
      },
    );
    const record = run.points[0]?.repetitions[0]?.measured;
    if (!record) throw new Error('No record.');
    const { summary, failed, errors } = summarizeLoad(record, NONE);
    expect([summary.finished, failed, Object.values(errors)]).toEqual([5, 1, [1]]);
    expect(kind.split(' or ')).toContain(Object.keys(errors)[0]);
    expect(record.faults[0]?.sentence).toMatch(says);
    expect(run.complete).toBe(true);
    const text = JSON.stringify(run);
    expect(text).not.toContain('secret');
    expect(text).not.toContain(new URL(server.url).port);
  },
);

test('a request that is sent again counts its retries, and its time from the beginning', async () => {
  const good = streaming(1);
  const server = await serving((response, sent, n) =>
    n === PROBES ? void response.writeHead(503).end('{"message":"busy"}') : good(response, sent, n),
  );
  const run = await loadOn(
    server.url,
    smallLoad({ workload: { requests: 1 }, client: { retries: 2, retrySeconds: 0.05 } }),
  );
  const record = run.points[0]?.repetitions[0]?.measured;
  if (!record) throw new Error('No record.');
  expect(summarizeLoad(record, NONE)).toMatchObject({ failed: 0, retries: 1, errors: { 'server error': 1 } });
  expect(record.requests.attempts).toEqual([2]);
  expect((record.requests.firstTokenMs[0] ?? 0) - (record.requests.arrivalMs[0] ?? 0)).toBeGreaterThan(45);
});

test('a server that fails now and then is asked again how it counts, and loaded all the same', async () => {
  const good = streaming(1);
  const server = await serving((response, sent, n) =>
    n % 2 === 0 ? void response.writeHead(500).end('{"message":"now and then"}') : good(response, sent, n),
  );
  const run = await loadOn(server.url, smallLoad({ workload: { requests: 6 } }));
  const record = run.points[0]?.repetitions[0]?.measured;
  if (!record) throw new Error('No record.');
  const { summary, failed } = summarizeLoad(record, NONE);
  expect([summary.finished + failed, failed > 0, summary.finished > 0]).toEqual([6, true, true]);
  expect(run.notes).toContain(
    'Before the load the server failed 2 times while it was asked how it counts tokens.',
  );
});

test('a server that is killed in the middle ends the run, which keeps what it has and says so', async () => {
  let server: FakeServer | null = null;
  const good = streaming(2);
  server = await serving((response, sent, n) => {
    if (n === PROBES + 8) void server?.close();
    return good(response, sent, n);
  });
  const run = await loadOn(server.url, smallLoad({ workload: { requests: 200 } }));
  expect(run.complete).toBe(false);
  expect(run.notes.join(' ')).toMatch(/The server was gone .* the rest was not sent/);
  const record = run.points[0]?.repetitions[0]?.measured;
  if (!record) throw new Error('No record.');
  const { summary, notSent } = summarizeLoad(record, NONE);
  expect(summary.finished).toBeGreaterThan(0);
  expect(notSent).toBeGreaterThan(100);
});

test('a cancelled load ends at once and keeps what came', async () => {
  const server = await serving(streaming(20));
  const stop = new AbortController();
  let told = 0;
  const run = await loadOn(server.url, smallLoad({ workload: { requests: 100 } }), {
    signal: stop.signal,
    onProgress: ({ message }) => {
      if (/in flight/.test(message) && ++told === 3) stop.abort();
    },
  });
  expect(run.complete).toBe(false);
  expect(run.notes.join(' ')).toContain('cancelled');
  const faults = run.points[0]?.repetitions[0]?.measured.faults ?? [];
  expect(faults.every(({ kind }) => kind === 'cancelled')).toBe(true);
});

test.each([
  {
    name: 'a model that it does not serve',
    layer: { model: 'huge' },
    kind: 'wrong model',
    says: /does not serve “huge”; it lists tiny/,
  },
  {
    name: 'requests that are too long',
    layer: { workload: { promptTokens: { kind: 'fixed', tokens: 5000 } } },
    kind: 'bad request',
    says: /5004 tokens with its output, more than the 4096/,
  },
])('$name is refused before the load', async ({ layer, kind, says }) => {
  const server = await serving();
  const error: unknown = await loadOn(server.url, smallLoad(layer)).catch((fault: unknown) => fault);
  expect(error).toBeInstanceOf(EndpointError);
  expect(error).toMatchObject({ kind, message: expect.stringMatching(says) });
});

test.each([
  { name: 'a wrong port', models: null, kind: 'unreachable', says: /Nobody listens at the endpoint’s port/ },
  { name: 'a web page', models: '<!doctype html><html></html>', kind: 'not an API', says: /web page/ },
  { name: 'another service', models: '{"hello":1}', kind: 'not an API', says: /lists no models/ },
])('$name is told before the load', async ({ models, kind, says }) => {
  const server = await serving(undefined, models === null ? {} : { '/v1/models': models });
  if (models === null) await server.close();
  await expect(loadOn(server.url, smallLoad())).rejects.toMatchObject({
    kind,
    message: expect.stringMatching(says),
  });
});

test('a sweep stops where more users bring no more tokens', async () => {
  // One request at a time, whoever asks.
  let line = Promise.resolve();
  const one = streaming(1);
  const server = await serving((response, sent, n) => (line = line.then(() => one(response, sent, n))));
  const sweep = {
    path: 'workload.arrivals.users',
    values: [1, 2, 4, 8],
    stop: { gainPercent: 1000, errorPercent: 5 },
  };
  const { points } = await loadOn(server.url, smallLoad({ sweep, workload: { requests: 8 } }));
  expect(points.map(({ status }) => status)).toEqual(['done', 'done', 'skipped', 'skipped']);
  expect(points[1]?.saturated).toMatch(/Saturated at users 2: .* tok\/s/);
});

test('the prediction beside the measurement is fitted on repetitions of other seeds', async () => {
  const server = await serving(streaming(4));
  const measurement = { repeats: 1, calibrationRepeats: 1, warmupRequests: 1 };
  const workload = { requests: 12, outputTokens: { kind: 'fixed', tokens: 8 } };
  const { points } = await loadOn(server.url, smallLoad({ measurement, workload }));
  const [point] = points;
  const [repetition] = point?.repetitions ?? [];
  expect(point?.calibration[0]?.seed).not.toBe(repetition?.measured.seed);
  expect(point?.fit?.steps).toBeGreaterThan(10);
  expect(repetition?.predicted).toMatchObject({ requests: 12, finished: 12 });
  expect(repetition?.predicted?.tpotMs?.mean).toBeGreaterThan(1);
});

test('tokens of one read are spread over the time in which they were made', () => {
  expect(spread([10, 20, 20, 30])).toEqual([10, 15, 20, 30]);
  expect(spread([10, 10, 10, 40, 50])).toEqual([10, 20, 30, 40, 50]);
  expect(spread([10, 10])).toEqual([10, 10]);
  expect(spread([])).toEqual([]);
});

test('a seed of 32 bits is one like every other', async () => {
  const server = await fakeServer();
  try {
    const scenario = smallLoad({
      seed: 4_033_978_389,
      measurement: { repeats: 1, calibrationRepeats: 0, warmupRequests: 1 },
    });
    expect((await loadOn(server.url, scenario)).complete).toBe(true);
  } finally {
    await server.close();
  }
});
