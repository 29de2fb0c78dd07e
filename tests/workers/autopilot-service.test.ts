/** The autopilot's service on the simulated engine: live news, the plan that waits, stop and cancel, scores. */
import * as v from 'valibot';
import { expect, test } from 'vitest';
import '../../src/core/all-records.ts';
import { AutopilotRun } from '../../src/core/run/autopilot.ts';
import { parseAutopilot } from '../../src/core/scenario/parse.ts';
import { presetSimulation } from '../../src/core/scenario/presets.ts';
import type { AutopilotScenario } from '../../src/core/scenario/autopilot/schema.ts';
import type { AutopilotNews, AutopilotPace } from '../../src/workers/autopilot-api.ts';
import { createAutopilotService } from '../../src/workers/autopilot-service.ts';

const FAST: AutopilotPace = { speed: null, hold: false };

/** A clock that runs with every question, so that news are told. */
function serviced() {
  let clock = 0;
  return createAutopilotService({
    now: () => (clock += 40),
    date: () => '2026-01-01T00:00:00.000Z',
    newId: () => 'an-autopilot',
    appVersion: '0',
    sleep: () => Promise.resolve(),
  });
}

/** Fills a small pool within some seconds of its clock. */
function filling(own: object = {}): AutopilotScenario {
  const parsed = parseAutopilot({
    version: 1,
    kind: 'autopilot',
    title: 'A small pool that fills',
    simulation: {
      model: 'Llama-3.1-8B',
      hardware: { gpu: 'H100-SXM', kvBlocks: 1200 },
      workload: {
        requests: 40,
        arrivals: { kind: 'constant', rate: 8 },
        promptTokens: { kind: 'fixed', tokens: 1024 },
        outputTokens: { kind: 'fixed', tokens: 200 },
      },
    },
    policy: { kvUseTarget: 0.6, keepRecentTokens: 128, watchMs: 200, cooldownMs: 200, latencyP95Ms: null },
    controlMs: 100,
    ...own,
  });
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.scenario;
}

async function heard(
  scenario: AutopilotScenario,
  pace: AutopilotPace,
  onNews: (news: AutopilotNews) => void,
) {
  const news: AutopilotNews[] = [];
  const service = serviced();
  const outcome = await service.run(scenario, pace, (one) => {
    news.push(one);
    onNews(one);
  });
  if (!outcome.ok) throw new Error(outcome.error.message);
  return { run: outcome.value, news, service };
}

test('a run tells of itself in words and in runs that read, and ends as one', async () => {
  const { run, news } = await heard(filling(), FAST, () => undefined);
  expect(v.is(AutopilotRun, run)).toBe(true);
  expect([run.id, run.complete, run.origin]).toEqual(['an-autopilot', true, 'simulated']);
  expect(run.plans.length).toBeGreaterThan(0);
  expect(run.without).not.toBeNull();
  const partials = news.flatMap(({ partial }) => partial ?? []);
  expect(partials.length).toBeGreaterThan(2);
  expect(partials.every((partial) => v.is(AutopilotRun, partial) && !partial.complete)).toBe(true);
  expect(partials.some(({ sequences }) => sequences.length > 0)).toBe(true);
  const fractions = news.flatMap(({ fraction }) => fraction ?? []);
  expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
  expect(news.at(-1)?.message).toMatch(/^The same without the autopilot/);
});

test('how it is watched changes nothing of what happens', async () => {
  const scenario = filling({ compare: false });
  const [fast, slow] = await Promise.all(
    [FAST, { speed: 100, hold: false }].map((pace) => heard(scenario, pace, () => undefined)),
  );
  expect(slow?.run).toEqual(fast?.run);
});

test('a plan waits whole, before anything is touched, until it is let go', async () => {
  const service = serviced();
  const held: AutopilotNews[] = [];
  const outcome = await service.run(filling({ compare: false }), { speed: null, hold: true }, (news) => {
    if (news.held === undefined || news.held === null) return;
    held.push(news);
    queueMicrotask(() => service.goOn());
  });
  if (!outcome.ok) throw new Error(outcome.error.message);
  expect(held.map((news) => news.held?.planId)).toEqual(outcome.value.plans.map(({ planId }) => planId));
  expect(held[0]?.held?.actions.length).toBeGreaterThan(0);
  expect(held[0]?.held?.actionsCompleted).toBe(0);
  expect(held[0]?.partial?.with.counters.applies).toBe(0);
});

test('a stop while a plan waits touches nothing, and the cache serves on to its end', async () => {
  const service = serviced();
  const outcome = await service.run(filling({ compare: false }), { speed: null, hold: true }, (news) => {
    if (news.held !== undefined && news.held !== null) queueMicrotask(() => service.stop());
  });
  if (!outcome.ok) throw new Error(outcome.error.message);
  const { plans, with: steered, complete } = outcome.value;
  expect(plans.map(({ status }) => status)).toEqual(['cancelled']);
  expect(steered.counters.applies).toBe(0);
  expect(complete).toBe(true);
});

test('a cancel ends it with what there is', async () => {
  const service = serviced();
  let looks = 0;
  const outcome = await service.run(filling(), FAST, () => {
    if (++looks === 5) service.cancel();
  });
  if (!outcome.ok) throw new Error(outcome.error.message);
  expect(outcome.value.complete).toBe(false);
  expect(outcome.value.without).toBeNull();
  expect(v.is(AutopilotRun, outcome.value)).toBe(true);
});

test('a dry run plans and touches nothing', async () => {
  const { run } = await heard(filling({ dryRun: true, compare: false }), FAST, () => undefined);
  expect(run.plans.length).toBeGreaterThan(0);
  expect(
    run.plans.every(({ status, actionsCompleted }) => status === 'pending' && actionsCompleted === 0),
  ).toBe(true);
  expect(run.with.counters.applies).toBe(0);
});

test('the log is done once more and every state comes out again; one that was changed does not', async () => {
  const { run, service } = await heard(filling({ compare: false }), FAST, () => undefined);
  const replayed = await service.replay(run);
  if (!replayed.ok) throw new Error(replayed.error.message);
  expect(replayed.value.compared).toBeGreaterThan(0);
  expect(replayed.value).toEqual({
    compared: replayed.value.compared,
    equal: replayed.value.compared,
    difference: null,
  });
  const log = run.log.map((entry) => (entry.kind === 'apply' ? { ...entry, state: 'another' } : entry));
  const changed = await service.replay({ ...run, log });
  expect(changed.ok && changed.value.difference).toMatch(/left another state/);
});

test('a score is compared on the accesses of a workload that shares its prompts', async () => {
  const simulation = presetSimulation('ten-blocks');
  const outcome = await serviced().score({ simulation, text: 'age / frequency', share: 0.5 });
  if (!outcome.ok) throw new Error(outcome.error.message);
  expect(outcome.value.rows.filter(({ isOwn }) => isOwn).map(({ policy }) => policy)).toEqual([
    'age / frequency',
  ]);
  expect(outcome.value.capacity).toBe(Math.round(outcome.value.blocks / 2));
});

test.each([
  { text: 'agee', simulation: 'ten-blocks', sentence: /age/ },
  { text: 'age', simulation: 'chunk-size', sentence: /no|No prompt block/ },
  { text: 'age', simulation: 'azure-conversation', sentence: /trace in a file/ },
])('$text on $simulation is refused in a sentence', async ({ text, simulation, sentence }) => {
  const outcome = await serviced().score({ simulation: presetSimulation(simulation), text, share: 0.5 });
  expect(outcome.ok ? '' : outcome.error.message).toMatch(sentence);
});
