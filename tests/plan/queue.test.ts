import { expect, test } from 'vitest';
import { erlangC } from '../../src/core/metrics/queueing.ts';
import { crossing } from '../../src/plan/crossing.ts';
import { closed, inFlightAt, open, throughput, type Server } from '../../src/plan/queue.ts';
import { runPlan } from '../../src/plan/index.ts';
import { plan } from './support.ts';
import { loadContext } from '../../src/plan/context.ts';
import { serverOf } from '../../src/plan/server.ts';
import { givenLoad } from '../../src/plan/load.ts';
import { subjectOf, gpuOf } from '../../src/plan/subject.ts';

function server(layer: object = {}): Server {
  const scenario = plan({ hardware: { gpu: 'h100-sxm', count: 1 }, ...layer });
  const subject = subjectOf(scenario);
  const gpu = gpuOf(scenario);
  const deployment = runPlan(scenario).deployment;
  if (gpu === null || deployment === null) throw new Error('no plan');
  return serverOf(
    { gpu, choice: deployment.choice },
    subject,
    loadContext(subject, givenLoad(scenario, null)),
  );
}

test('a crossing is found from above, in few evaluations', () => {
  let asked = 0;
  const f = (x: number): number => {
    asked++;
    return x * x * x - 2000;
  };
  const x = crossing(f, 1, 1000, f(1), f(1000));
  expect(x * x * x).toBeGreaterThanOrEqual(2000);
  expect(x).toBeLessThan(12.6 * 1.002);
  expect(asked).toBeLessThan(22);
});

test('requests in flight follow from the rate by Little’s law', () => {
  const one = server();
  const rate = throughput(one, 24);
  expect(inFlightAt(one, rate)).toBeCloseTo(24, 0);
  expect(inFlightAt(one, one.top * 1.01)).toBeNull();
  expect(inFlightAt(one, 1e-3)).toBe(1);
});

test('waits grow with the rate and never end above capacity', () => {
  const one = server();
  const waits = [0.1, 0.5, 0.8, 0.95].map((share) => open(one, one.top * share));
  const ttft = waits.map((served) => served?.ttftMs ?? NaN);
  expect(ttft).toEqual([...ttft].sort((a, b) => a - b));
  expect(waits.every((served) => served !== null && served.ttftTailMs >= served.ttftMs)).toBe(true);
  expect(open(one, one.top * 1.2)).toBeNull();
});

test('where places are ample nobody waits for one: Erlang’s formula says so too', () => {
  for (const servers of [32, 200, 1024]) {
    const load = 1 - Math.sqrt(16.1 / servers);
    expect(erlangC(servers * load, 1, servers).waits).toBeLessThan(1e-4);
  }
});

test('users beyond the places wait, and Little’s law holds for all of them', () => {
  const one = server();
  const crowd = closed(one, one.most * 3);
  expect(crowd.batch).toBe(one.most);
  expect((crowd.requestsPerSecond * crowd.e2eMs) / 1000).toBeCloseTo(one.most * 3, 6);
});

test('the closed forms and the simulator agree at a rate', () => {
  const scenario = plan({ load: { rate: 10 } });
  const [planned, simulated] = [runPlan(scenario), runPlan(scenario, { simulate: true })];
  const [a, b] = [planned.deployment?.speed, simulated.deployment?.speed];
  if (!a || !b) throw new Error('no speed');
  expect(Math.abs(b.ttftMs / a.ttftMs - 1)).toBeLessThan(0.25);
  expect(Math.abs(b.ttftTailMs / a.ttftTailMs - 1)).toBeLessThan(0.5);
  expect(Math.abs(b.tpotTailMs / a.tpotTailMs - 1)).toBeLessThan(0.25);
  expect(simulated.notes.join(' ')).toContain('simulated: 400 requests');
});

test('a prefix cache is simulated: its hits shorten the first token and spare memory', () => {
  const shared = (tokens: number) =>
    runPlan(plan({ load: { rate: 6, sharedPrefix: { tokens, prompts: 4 } } }), { simulate: true }).deployment
      ?.prefixCache;
  const [little, much] = [shared(256), shared(1792)];
  expect(little?.hitRatio).toBeLessThan(256 / 2048);
  expect(much?.hitRatio).toBeGreaterThan(0.8);
  expect(much?.hitRatio).toBeLessThan(1792 / 2048);
  expect(much?.ttftSaved).toBeGreaterThan(0.4);
  expect(much?.memorySaved).toBeGreaterThan(0.3);
  // The whole prompt may not be shared, and nothing breaks.
  expect(runPlan(plan({ load: { rate: 6 } }), { simulate: true }).deployment?.prefixCache).toBeNull();
});

test('where no limit is set, replicas are added until the queue is short; where their number is given, a queue is said', () => {
  const laptops = (count: number | null) =>
    runPlan(
      plan({
        model: 'llama-3.1-8b',
        hardware: { gpu: 'rtx-4060-laptop', count },
        load: {
          rate: 0.5,
          promptTokens: { kind: 'fixed', tokens: 1024 },
          outputTokens: { kind: 'fixed', tokens: 256 },
        },
      }),
      { simulate: true },
    );
  const free = laptops(null);
  const replicas = free.deployment?.choice.replicas ?? 0;
  // What four places of one laptop would carry at the most is not enough for bursts.
  expect(free.deployment?.speed?.ttftMs).toBeLessThan(8000);
  expect(free.notes.join(' ')).not.toContain('queue');
  const tight = laptops(Math.ceil(replicas / 2));
  expect(tight.deployment?.speed?.ttftMs).toBeGreaterThan(20_000);
  expect(tight.notes.join(' ')).toMatch(
    /stand in a queue: \d+ s to the first token, of which a prompt takes/,
  );
});

test('users without a place are said, with the GPUs that have one for each', () => {
  const laptop = (concurrency: number) =>
    runPlan(
      plan({
        model: 'llama-3.1-8b',
        hardware: { gpu: 'rtx-4060-laptop' },
        load: { rate: null, concurrency },
      }),
      { simulate: true },
    );
  expect(laptop(2).notes.join(' ')).not.toContain('have a place');
  const [, places, gpus] =
    /(\d+) of the 8 requests in flight have a place, .*; (\d+) GPUs/.exec(laptop(8).notes.join(' ')) ?? [];
  expect(Number(places)).toBeLessThan(8);
  expect(Number(gpus) * Number(places)).toBeGreaterThanOrEqual(8);
});
