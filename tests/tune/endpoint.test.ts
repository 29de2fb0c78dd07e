/** A server as the tuner's executor: what goes with each request, what needs a start command, and one that is started anew. */
import { createServer } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import type { AddressInfo } from 'node:net';
import { axesOfCommand, commandWith, startedServer } from '../../src/cli/started-server.ts';
import { EXECUTOR_AXES } from '../../src/core/scenario/tune/axes.ts';
import { parseTuning } from '../../src/core/scenario/parse.ts';
import type { TuneScenario } from '../../src/core/scenario/tune/schema.ts';
import { createEndpointExecutor, thereAlready } from '../../src/tune/executors/endpoint.ts';
import { tune } from '../../src/tune/search.ts';
import { fakeServer, streaming, type FakeServer } from '../endpoints/server.ts';
import { endpointAt } from '../endpoints/support.ts';

const { baseline } = EXECUTOR_AXES.endpoint;
const signal = new AbortController().signal;
const client = 'a test';

let server: FakeServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

function scenarioOf(space: object): TuneScenario {
  const parsed = parseTuning({
    version: 1,
    kind: 'tune',
    executor: 'endpoint',
    profile: {
      name: 'custom',
      contexts: [32],
      outputs: [4],
      weights: { ttft: 0.5, throughput: 0.5, memory: 0 },
    },
    load: { users: 4, requests: 4, spread: 0 },
    space,
    budget: { repeats: 1, share: 1 },
  });
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.scenario;
}

test('settings of a request are tuned on a server that is there; its texts are new each time, its memory is not told', async () => {
  server = await fakeServer({ completion: streaming(2) });
  const scenario = scenarioOf({ maxSequences: [1, 4], prefixCaching: [true, false] });
  const executor = await createEndpointExecutor(scenario, thereAlready(endpointAt(server.url)), {
    client,
    signal,
  });
  const run = await tune(scenario, executor, {});
  expect([run.complete, run.origin, run.ranking.length]).toEqual([true, 'measured', 4]);
  expect(run.about).toMatch(/vllm server 0.1, its memory is not told: 4 requests .* of 4 users/);
  expect(run.rows.every(({ metrics, gains }) => metrics?.memoryBytes === 0 && gains?.memory === 1)).toBe(
    true,
  );
  expect(run.rows[run.ranking[0] ?? 0]?.settings.maxSequences).toBe(4);
  expect(server.mostOpen()).toBe(4);
  const measured = server.sent.filter(({ body }) => body['max_tokens'] === 4);
  expect(new Set(measured.map(({ body }) => body['prompt'])).size).toBe(measured.length);
  const without = measured.filter(({ body }) => 'cache_salt' in body);
  expect(without.length).toBeGreaterThanOrEqual(8);
  expect(without.every(({ body }) => body['cache_prompt'] === false)).toBe(true);
  expect(new Set(without.map(({ body }) => body['cache_salt'])).size).toBeGreaterThanOrEqual(4);
});

test('what no request can set is impossible, in words that say how it can be had', async () => {
  server = await fakeServer({ completion: streaming(1) });
  const scenario = scenarioOf({ blockSize: [16, 32] });
  const executor = await createEndpointExecutor(scenario, thereAlready(endpointAt(server.url)), {
    client,
    signal,
  });
  expect(
    executor.refuses({ ...baseline, blockSize: 32 }, { model: 'served', context: 1, output: 1 }),
  ).toMatch(/blockSize is no setting of a request; start the server anew with \{blockSize\}/);
});

test('a start command with its settings put in', () => {
  const command =
    'serve -np {maxSequences} -ctk {kvFormat f16=f16 int8=q8_0} {prefixCaching true= false=--no-cache}';
  expect(axesOfCommand(command)).toEqual(['maxSequences', 'kvFormat', 'prefixCaching']);
  expect(commandWith(command, { ...baseline, kvFormat: 'int8', prefixCaching: false })).toBe(
    'serve -np 4 -ctk q8_0 --no-cache',
  );
  expect(() => commandWith(command, { ...baseline, kvFormat: 'int4' })).toThrow(
    /no word for kvFormat int4; add int4=/,
  );
  expect(() => axesOfCommand('serve {slots}')).toThrow(/\{slots\}, which is no setting/);
  expect(() => startedServer('serve', endpointAt('http://127.0.0.1:9'))).toThrow(/names no setting/);
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Answers as vLLM lists its models, with a name that tells its setting. */
const SERVER = `require('http').createServer((q, r) => r.writeHead(200, { 'content-type': 'application/json' })
  .end(JSON.stringify({ data: [{ id: 'slots-' + process.argv[1], owned_by: 'vllm' }] }))).listen(+process.argv[2], '127.0.0.1')`;

test(
  'a server is started for its settings, kept while they stay, told what it took, and ended',
  { timeout: 20_000 },
  async () => {
    const port = await freePort();
    const endpoint = endpointAt(`http://127.0.0.1:${port}`);
    const command = `node -e "${SERVER.replaceAll('\n', ' ')}" {maxSequences} ${port}`;
    const started = startedServer(command, endpoint);
    const named = async (maxSequences: number): Promise<string> => {
      const running = await started.running({ ...baseline, maxSequences }, signal);
      expect(running.startupMs).toBeGreaterThan(0);
      if (process.platform === 'linux') expect(running.peakBytes()).toBeGreaterThan(1e6);
      return (await fetch(`${endpoint.api}/models`)).text();
    };
    try {
      expect(await named(2)).toContain('slots-2');
      expect(await named(2)).toContain('slots-2');
      expect(await named(8)).toContain('slots-8');
    } finally {
      await started.close();
    }
    await expect(fetch(`${endpoint.api}/models`)).rejects.toThrow();
    await expect(startedServer('exit {maxSequences}', endpoint).running(baseline, signal)).rejects.toThrow(
      /ended at its start \(status 4\)/,
    );
  },
);
