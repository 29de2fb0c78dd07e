import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RUN_KINDS } from '../../src/core/run/parse.ts';
import { planToJson } from '../../src/exchange/plan/files.ts';
import { deleteRunStore, openRunStore, StoreError, type RunStore } from '../../src/store/runs.ts';
import { toyPlanRun } from '../charts/plan-runs.ts';
import { toySimRun } from '../charts/sim-runs.ts';
import { checkRun, labRun, point } from '../support/runs.ts';

let store: RunStore;
beforeEach(async () => {
  store = await openRunStore('test');
});
afterEach(async () => {
  vi.restoreAllMocks();
  store.close();
  await deleteRunStore('test');
});

const early = labRun([point()], {
  id: 'a',
  title: 'Concurrency on a laptop',
  createdAt: '2026-01-01T00:00:00Z',
});
const late = checkRun({ id: 'b', title: 'Check', createdAt: '2026-02-01T00:00:00Z' });

test('a run comes back as it was put, and the list shows the newest first', async () => {
  await store.put(early);
  await store.put(late);
  expect(await store.get('a')).toEqual(early);
  expect(await store.get('nowhere')).toBeNull();
  const entries = await store.list();
  expect(entries.map(({ id, kind, points, device }) => ({ id, kind, points, device }))).toEqual([
    { id: 'b', kind: 'check', points: 2, device: 'SwiftShader' },
    { id: 'a', kind: 'lab', points: 1, device: 'SwiftShader' },
  ]);
});

test('a simulation is kept and listed like any run', async () => {
  const run = toySimRun({ id: 'c', title: 'Two replicas' });
  await store.put(run);
  expect(await store.get('c')).toEqual(run);
  expect(await store.list()).toMatchObject([
    { id: 'c', kind: 'simulate', points: 1, device: 'Llama-3.1-8B on h100-sxm, simulated' },
  ]);
  expect((await store.search('llama simulate')).map(({ id }) => id)).toEqual(['c']);
  const text = await store.exportAll();
  await store.removeAll();
  expect(await store.importText(text)).toEqual({ added: 1, refused: [] });
});

test('a plan is kept, renamed, carried out and in like any run', async () => {
  const run = toyPlanRun({ id: 'd', title: 'One H100' });
  await store.put(run);
  expect(await store.get('d')).toEqual(run);
  const model = run.deployment?.choice.model;
  const gpu = run.deployment?.choice.gpuName;
  expect(await store.list()).toMatchObject([
    { id: 'd', kind: 'plan', points: 4, device: `${model} on ${gpu}, planned`, complete: true },
  ]);
  await store.rename('d', 'Another name');
  expect((await store.search('plan another')).map(({ id }) => id)).toEqual(['d']);
  const text = await store.exportAll();
  await store.remove('d');
  expect(await store.list()).toEqual([]);
  expect(await store.importText(text)).toEqual({ added: 1, refused: [] });
  await store.put(toyPlanRun({ id: 'e', deployment: null, feasible: false, reason: 'It has no size.' }));
  expect((await store.search('planned')).map(({ device }) => device)).toContain(
    `${run.scenario.model}, planned`,
  );
});

test('the file of plan --out is a run', async () => {
  const run = toyPlanRun({ id: 'f', command: 'kvlab plan --gpu H100' });
  expect(await store.importText(planToJson(run))).toEqual({ added: 1, refused: [] });
  expect(await store.get('f')).toEqual(run);
  const broken = planToJson(run).replace('"feasible": true', '"feasible": "perhaps"');
  expect((await store.importText(broken)).refused[0]).toMatch(/feasible is "perhaps"/);
});

test.each([
  { words: 'laptop', ids: ['a'] },
  { words: 'SWIFT', ids: ['b', 'a'] },
  { words: 'concurrency 2026-01', ids: ['a'] },
  { words: 'concurrency check', ids: [] },
  { words: '  ', ids: ['b', 'a'] },
])('searching “$words” finds $ids', async ({ words, ids }) => {
  await store.put(early);
  await store.put(late);
  expect((await store.search(words)).map(({ id }) => id)).toEqual(ids);
});

test('renames in the list and in the run', async () => {
  await store.put(early);
  await store.rename('a', '  New name  ');
  expect((await store.get('a'))?.title).toBe('New name');
  expect((await store.list())[0]?.title).toBe('New name');
});

test.each([
  { id: 'a', title: '   ', code: 'invalid', says: 'The title is empty; give the run a name.' },
  {
    id: 'gone',
    title: 'x',
    code: 'missing',
    says: 'This run is no longer here; another tab may have deleted it.',
  },
])('renaming $id to “$title” is refused', async ({ id, title, code, says }) => {
  await store.put(early);
  await expect(store.rename(id, title)).rejects.toMatchObject({ code, message: says });
  expect((await store.get('a'))?.title).toBe(early.title);
});

test('deletes one, then all', async () => {
  await store.put(early);
  await store.put(late);
  await store.remove('a');
  expect((await store.list()).map(({ id }) => id)).toEqual(['b']);
  expect(await store.get('a')).toBeNull();
  await store.removeAll();
  expect(await store.list()).toEqual([]);
});

test('everything carried out comes in again elsewhere; what is there already stays', async () => {
  await store.put(early);
  await store.put(late);
  const text = await store.exportAll();
  const other = await openRunStore('other');
  await other.put({ ...early, title: 'Mine' });
  expect(await other.importText(text)).toEqual({
    added: 1,
    refused: ['“Concurrency on a laptop” is here already; it was left as it is.'],
  });
  expect((await other.get('a'))?.title).toBe('Mine');
  expect(await other.get('b')).toEqual(late);
  other.close();
  await deleteRunStore('other');
});

test('one run file is read too, and a bad one among good ones is named', async () => {
  expect(await store.importText(JSON.stringify(early))).toEqual({ added: 1, refused: [] });
  const text = JSON.stringify({
    format: 'kvlab-runs',
    version: 1,
    runs: [late, { version: 7 }, { version: 1 }],
  });
  expect(await store.importText(text)).toEqual({
    added: 1,
    refused: [
      'This run has version 7, newer than 1, which is the newest read here; update KV Lab.',
      `This run has no kind; ${[...RUN_KINDS].join(', ')} is needed. Is it another file?`,
    ],
  });
});

test.each([
  { text: '{', says: 'This file is not valid JSON; check for a missing bracket or quote.' },
  {
    text: '{"format":"kvlab-runs","version":2}',
    says: 'This export has version 2; 1 is read here: update KV Lab.',
  },
  {
    text: '{"format":"kvlab-runs","version":1}',
    says: 'This export holds no list of runs; export it again.',
  },
  { text: '{"__proto__":{}}', says: '__proto__ is not allowed as a name; remove it.' },
])('an import of $text is refused in one sentence', async ({ text, says }) => {
  await expect(store.importText(text)).rejects.toMatchObject({ message: says });
  expect(await store.list()).toEqual([]);
});

test('a full disk is one sentence, and leaves the store as it was', async () => {
  await store.put(early);
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
    throw new DOMException('full', 'QuotaExceededError');
  });
  const failure = store.put(late);
  await expect(failure).rejects.toBeInstanceOf(StoreError);
  await expect(failure).rejects.toMatchObject({ code: 'quota' });
  vi.restoreAllMocks();
  expect((await store.list()).map(({ id }) => id)).toEqual(['a']);
});

test('a disk that fills up while a run is written leaves neither half of it', async () => {
  await store.put(early);
  const put = IDBObjectStore.prototype.put;
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, value, key) {
    if (this.name === 'entries') throw new DOMException('full', 'QuotaExceededError');
    return put.call(this, value, key);
  });
  await expect(store.put(late)).rejects.toMatchObject({ code: 'quota' });
  vi.restoreAllMocks();
  expect(await store.get('b')).toBeNull();
  expect((await store.list()).map(({ id }) => id)).toEqual(['a']);
});

test('a database of a newer release is left alone', async () => {
  store.close();
  const newer = await openDB('test', 99);
  newer.close();
  await expect(openRunStore('test')).rejects.toMatchObject({ code: 'blocked' });
});

test('a run that was damaged in the store is named when it is opened', async () => {
  await store.put(early);
  const db = await openDB('test', 1);
  await db.put('runs', { version: 1, kind: 'lab' }, 'a');
  db.close();
  await expect(store.get('a')).rejects.toThrow('The run “a” can’t be read');
});

test('goes on after the connection was closed for a newer tab', async () => {
  await store.put(early);
  store.close();
  expect(await store.get('a')).toEqual(early);
});

test('says so where the browser keeps nothing', async () => {
  vi.stubGlobal('indexedDB', undefined);
  await expect(openRunStore('none')).rejects.toMatchObject({ code: 'unavailable' });
  vi.unstubAllGlobals();
});
