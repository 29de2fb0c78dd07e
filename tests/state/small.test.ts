/** The small states and pure helpers around them. */
import { expect, test, vi } from 'vitest';
import { featuresOf, limitsOf } from '../../src/state/capabilities.ts';
import { DemoRun } from '../../src/state/demo.svelte.ts';
import { faultFromUnknown, faultOf } from '../../src/state/faults.ts';
import { FigureList } from '../../src/state/figures.svelte.ts';
import { Offline } from '../../src/state/offline.svelte.ts';
import { readingGroups, showReading } from '../../src/state/readings.ts';
import { readValues, showValues } from '../../src/state/sweep-text.ts';
import { adapterName } from '../../src/core/run/adapter-name.ts';
import { provenance, shortDate } from '../../src/state/words.ts';
import { createDesk } from '../../src/workers/desk.ts';
import { environment, toyCheck, toyRun } from '../charts/runs.ts';
import { deferred, settle } from './doubles.ts';

const RUN = toyRun('concurrency', { repeats: 2 });

test.each([
  { text: '1, 2, 4', values: [1, 2, 4] },
  { text: ' f16 , int8,', values: ['f16', 'int8'] },
  { text: 'true, false', values: [true, false] },
  { text: '[[{"name":"a"}]]', values: [[{ name: 'a' }]] },
])('sweep values “$text”', ({ text, values }) => {
  expect(readValues(text)).toEqual({ ok: true, values });
  const shown = readValues(showValues(values));
  expect(shown).toEqual({ ok: true, values });
});

test.each(['', ' , ', '[1, 2', '[}'])('sweep values “%s” are refused in a sentence', (text) => {
  const read = readValues(text);
  expect(read.ok ? '' : read.sentence).toMatch(/\.$/);
});

test('the demonstration is fetched once and read through the door to runs', async () => {
  const fetchText = vi.fn(async () => JSON.stringify(RUN));
  const demo = new DemoRun(fetchText, createDesk());
  await Promise.all([demo.load(), demo.load()]);
  expect([fetchText.mock.calls.length, demo.run?.id, demo.fault]).toEqual([1, RUN.id, null]);
  expect(demo.figure).not.toBeNull();
});

test.each([
  { text: null, says: 'missing' },
  { text: '{"version": 99}', says: '99' },
  { text: 'no json', says: 'JSON' },
])('a demonstration that does not read says so ($says)', async ({ text, says }) => {
  const demo = new DemoRun(async () => text, createDesk());
  await demo.load();
  expect([demo.run, demo.fault?.text.includes(says)]).toEqual([null, true]);
});

test('a live run never outpaces the desk: only its newest state is drawn', async () => {
  const asked: string[] = [];
  const gate = deferred<void>();
  const list = new FigureList({
    figures: async (run) => {
      asked.push(run.title);
      await gate.promise;
      return [];
    },
  });
  for (const title of ['one', 'two', 'three']) list.show({ ...RUN, title }, null);
  gate.resolve();
  await settle();
  expect([asked, list.working]).toEqual([['one', 'three'], false]);
});

test('figures that can’t be made are a fault, and the next run is drawn', async () => {
  const desk = createDesk();
  let fails = true;
  const list = new FigureList({
    figures: (run, other) => (fails ? Promise.reject(new Error('No.')) : desk.figures(run, other)),
  });
  list.show(RUN, null);
  await settle();
  expect(list.fault?.text).toBe('No.');
  fails = false;
  list.show(RUN, null);
  await vi.waitFor(() => expect(list.specs.length).toBeGreaterThan(0));
  expect(list.fault).toBeNull();
});

test('two runs share their figures', async () => {
  const other = toyRun('concurrency', { repeats: 2, title: 'The other', slower: 2 });
  const alone = await createDesk().figures(RUN, null);
  const both = await createDesk().figures(RUN, other);
  expect(both.map(({ id }) => id)).toEqual(alone.map(({ id }) => id));
  expect(both[1]?.series.length).toBeGreaterThan(alone[1]?.series.length ?? 0);
});

test('a worker’s error keeps its own sentence unless the page knows better', () => {
  expect(faultOf({ code: 'odd', message: 'Do this.' })).toEqual({ code: 'odd', text: 'Do this.' });
  expect(faultOf({ code: 'device-lost', message: 'raw' }).text).toContain('start again');
  expect(faultFromUnknown(new Error('')).text).toContain('reload');
});

test('features and limits have plain words whether they are there or not', () => {
  const features = featuresOf({ ...environment, features: ['subgroups'] });
  expect(features.map(({ present }) => present)).toEqual([true, false, false]);
  expect(new Set(features.map(({ meaning }) => meaning)).size).toBe(3);
  expect(
    limitsOf({ ...environment, limits: { maxBufferSize: 5, odd: 1 } }).map(({ value }) => value),
  ).toEqual([5]);
});

test('every measurement of a check stands on the card once', () => {
  const check = toyCheck();
  const shown = readingGroups(check).flatMap(({ readings }) => readings);
  expect(shown.map(({ id }) => id).sort()).toEqual(check.measurements.map(({ id }) => id).sort());
  const missing = check.measurements.find(({ value }) => value === null);
  if (missing) expect(showReading(missing)).toBeNull();
});

test('an adapter without a name is called what it tells', () => {
  const { adapter } = environment;
  const nameless = { ...adapter, device: '', description: ' ' };
  expect(adapterName(nameless)).toBe('acme unreal');
  expect(adapterName({ ...nameless, vendor: '', architecture: '' })).toBe('unnamed adapter');
  expect(provenance(RUN)).toContain('Test GPU 9');
  expect(shortDate('yesterday')).toBe('at an unknown time');
});

test('a new version waits until it is taken', async () => {
  const posted: unknown[] = [];
  const fakeWorker = (state: string) => ({
    state,
    addEventListener: () => undefined,
    postMessage: (m: unknown) => posted.push(m),
  });
  const registration = {
    active: fakeWorker('activated'),
    waiting: fakeWorker('installed'),
    installing: null,
    addEventListener: () => undefined,
  };
  let changed = (): void => undefined;
  const registrar = {
    controller: fakeWorker('activated'),
    register: async () => registration,
    addEventListener: (_: 'controllerchange', listener: () => void) => void (changed = listener),
  };
  const offline = new Offline();
  await offline.register(registrar, './sw.js');
  expect([offline.ready, offline.updateWaiting]).toEqual([true, true]);
  const reload = vi.fn();
  offline.takeUpdate(registrar, reload);
  expect(posted).toEqual([{ type: 'SKIP_WAITING' }]);
  changed();
  expect(reload).toHaveBeenCalledOnce();
});

test('without service workers the page goes on', async () => {
  const offline = new Offline();
  const registrar = {
    controller: null,
    register: () => Promise.reject(new Error('no')),
    addEventListener: () => undefined,
  };
  await offline.register(registrar, './sw.js');
  expect(offline.ready).toBe(false);
});
