/** The room Connect without a page: what is remembered where, the command that does the same, the course as it comes. */
import { expect, test } from 'vitest';
import type { LoadedServer } from '../../src/core/run/load.ts';
import { DEFAULT_LOAD } from '../../src/core/scenario/load/defaults.ts';
import { parseLoad } from '../../src/core/scenario/parse.ts';
import { LOAD_PRESETS, presetLoad } from '../../src/core/scenario/presets.ts';
import { applyAssignments } from '../../src/core/scenario/set.ts';
import { loadCommand, watchCommand } from '../../src/state/connect-command.ts';
import {
  firstRamp,
  LOAD_FIRST,
  LOAD_GROUPS,
  loadParts,
  loadPlan,
  rampsOf,
} from '../../src/state/connect-form.ts';
import { LoadSession } from '../../src/state/connect-load.svelte.ts';
import { ConnectRoom } from '../../src/state/connect.svelte.ts';
import { ServerLink, type ServerMemory } from '../../src/state/connect-server.svelte.ts';
import { LoadSetup, loadLink } from '../../src/state/connect-setup.ts';
import type { OnConnectNews, Outcome } from '../../src/workers/connect-api.ts';

const URL = 'http://gpu7.corp.example:8000';
const KEY = 'sk-very-secret-123';

function memory() {
  const made = () => {
    const kept = new Map<string, string>();
    return {
      kept,
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    };
  };
  const [tab, browser] = [made(), made()];
  return { tab, browser, ports: { tab, browser } satisfies ServerMemory };
}

const TOLD: LoadedServer = {
  kind: 'vllm',
  version: '0.9',
  models: ['m'],
  maxModelTokens: null,
  maxSequences: null,
  kvTokens: null,
  vocabulary: null,
  metrics: true,
};
const probes = { probe: async (): Promise<Outcome<LoadedServer>> => ({ ok: true, value: TOLD }) };

test('the address is kept for the tab, the key nowhere, both in the browser only where the person says so', () => {
  const { tab, browser, ports } = memory();
  const server = new ServerLink(probes, ports);
  server.setUrl(URL);
  server.setKey(KEY);
  expect([...browser.kept.values()]).toEqual([]);
  expect([...tab.kept.values()]).toEqual([URL]);
  const reloaded = new ServerLink(probes, ports);
  expect([reloaded.url, reloaded.key, reloaded.keep]).toEqual([URL, '', false]);

  server.setKeep(true);
  const tomorrow = new ServerLink(probes, { tab: null, browser });
  expect([tomorrow.url, tomorrow.key, tomorrow.keep]).toEqual([URL, KEY, true]);
  server.setKeep(false);
  expect(browser.kept.size).toBe(0);

  server.setKeep(true);
  server.forget();
  expect([browser.kept.size, tab.kept.size, server.url, server.key]).toEqual([0, 0, '', '']);
});

test('another address forgets what the last server told, and an answer that comes too late is not taken', async () => {
  let answer: (outcome: Outcome<LoadedServer>) => void = () => undefined;
  const server = new ServerLink(
    { probe: () => new Promise((resolve) => (answer = resolve)) },
    memory().ports,
  );
  server.setUrl(URL);
  const probing = server.probe();
  server.setUrl('http://127.0.0.1:1');
  answer({ ok: true, value: TOLD });
  await probing;
  expect([server.told, server.probing]).toEqual([null, false]);
});

test('neither address nor key is in what the draft keeps or in a link', async () => {
  const { tab, ports } = memory();
  const server = new ServerLink(probes, ports);
  const setup = new LoadSetup(tab);
  server.setUrl(URL);
  server.setKey(KEY);
  setup.set('workload.requests', 9);
  setup.keep();
  const link = `${await setup.link()} ${await loadLink(DEFAULT_LOAD)}`;
  const draft = [...tab.kept].filter(([name]) => name.includes('draft')).join(' ');
  expect(draft).toContain('"requests":9');
  for (const text of [link, draft]) {
    expect(text).not.toContain('gpu7');
    expect(text).not.toContain(KEY);
  }
});

test('the command line makes the same load of the story and what was changed', () => {
  const story = { name: 'load-eight-streams', scenario: presetLoad('load-eight-streams') };
  const parsed = parseLoad({
    ...story.scenario,
    api: 'chat',
    model: 'a b',
    workload: { ...story.scenario.workload, requests: 5, arrivals: { kind: 'poisson', rate: 3 } },
    objectives: { ttftMs: 200, tpotMs: null, e2eMs: null },
  });
  if (!parsed.ok) throw new Error(parsed.sentence);
  const command = loadCommand({
    scenario: parsed.scenario,
    story,
    defaults: DEFAULT_LOAD,
    url: URL,
    key: KEY,
  });
  expect(command).toBe(
    `KVLAB_ENDPOINT_KEY=… npm run kvlab -- load scenarios/load-eight-streams.json --endpoint ${URL} --api chat --model 'a b' ` +
      `--set workload.requests=5 --set 'workload.arrivals={"kind":"poisson","rate":3}' --set objectives.ttftMs=200`,
  );
  expect(command).not.toContain(KEY);
  const set = [...command.matchAll(/--set ('[^']*'|\S+)/g)].map(([, word]) =>
    (word ?? '').replaceAll("'", ''),
  );
  const again = applyAssignments({ ...story.scenario, api: 'chat', model: 'a b' }, set);
  expect(again).toEqual({ ok: true, scenario: parsed.scenario });
});

test('a watch’s command has its price, and an address that is not there is a blank to fill in', () => {
  expect(watchCommand('', '', { samples: 6, intervalSeconds: 5, pricePerHour: 2.5 })).toBe(
    'npm run kvlab -- watch http://HOST:PORT --samples 6 --interval 5 --price 2.5',
  );
});

test.each(LOAD_PRESETS.map(({ name }) => name))(
  '%s says what it is about to send, and every field of its form has words',
  (name) => {
    const scenario = presetLoad(name);
    const plan = loadPlan(scenario);
    expect(plan.points.length).toBe(scenario.sweep?.values.length ?? 1);
    const parts = [...LOAD_FIRST, ...LOAD_GROUPS]
      .flatMap(({ paths }) => paths)
      .flatMap((path) => loadParts(scenario, path));
    expect(parts.filter(({ help }) => help === '').map(({ path }) => path)).toEqual([]);
  },
);

test('a ramp is offered over what the load has, and a first one parses', () => {
  const setup = new LoadSetup();
  setup.choose('load-open-loop');
  expect(rampsOf((path) => setup.draft.at(path)).map(({ name }) => name)).toEqual([
    'requests a second',
    'temperature',
  ]);
  setup.set('sweep', firstRamp('workload.arrivals.rate', 2));
  expect(setup.draft.scenario?.sweep?.values).toEqual([1, 2, 4, 8, 16]);
});

test('the course grows as it comes, and a repetition begins it anew', async () => {
  let tell: OnConnectNews = () => undefined;
  let end: (outcome: Outcome<never>) => void = () => undefined;
  const session = new LoadSession(
    {
      load: (_target, _scenario, _trace, onNews) => {
        tell = onNews;
        return new Promise((resolve) => (end = resolve));
      },
      cancel: () => end({ ok: false, error: { code: 'failed', message: 'Nobody listens.', data: null } }),
    },
    { keep: async () => null },
  );
  const loading = session.start({ url: URL, key: null }, DEFAULT_LOAD, null);
  const tick = (atMs: number) => ({ atMs, inFlight: 1, pieces: atMs });
  const none = { requests: [], telemetry: [] };
  tell({ kind: 'course', begin: { label: '8 users', kept: false }, ticks: [tick(1)], ...none });
  tell({ kind: 'course', begin: null, ticks: [tick(2), tick(3)], ...none });
  expect([session.stage, session.course.ticks.length]).toEqual(['8 users: calibrating', 3]);
  tell({ kind: 'course', begin: { label: '8 users', kept: true }, ticks: [tick(0)], ...none });
  expect([session.stage, session.course.ticks.length]).toEqual(['8 users: measuring', 1]);
  tell({ kind: 'course', begin: null, ticks: Array.from({ length: 3000 }, (_, i) => tick(i)), ...none });
  expect(session.course.ticks.length).toBe(1200);
  session.cancel();
  await loading;
  expect([session.status, session.fault?.text]).toEqual(['failed', 'Nobody listens.']);
});

test('a single look that the browser refuses is told where the server is, with the command', async () => {
  const never = () => new Promise<never>(() => undefined);
  const room = new ConnectRoom({
    api: {
      ...{ probe: never, load: never, watch: never, read: never, act: never, tune: never },
      scrape: async () => ({
        ok: false,
        error: { code: 'refused', message: 'No CORS here.', data: { kind: 'no CORS' } },
      }),
      cancel: () => undefined,
    },
    traces: { readTrace: never },
    library: { keep: async () => null },
    memory: memory().ports,
  });
  room.server.setUrl(URL);
  await room.look();
  expect(room.server.refused).toMatchObject({ text: 'No CORS here.', refusal: 'no CORS' });
});
