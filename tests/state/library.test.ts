import { expect, test } from 'vitest';
import type { Run } from '../../src/core/run/schema.ts';
import { Library, type LibraryPort } from '../../src/state/library.svelte.ts';
import { entryOf } from '../../src/store/runs.ts';
import { toyCheck, toyRun } from '../charts/runs.ts';

function fakeStore(): LibraryPort {
  const runs = new Map<string, Run>();
  return {
    list: async () => [...runs.values()].map(entryOf),
    get: async (id) => runs.get(id) ?? null,
    put: async (run) => void runs.set(run.id, run),
    rename: async (id, title) => {
      const run = runs.get(id);
      if (run) runs.set(id, { ...run, title });
    },
    remove: async (id) => void runs.delete(id),
    exportAll: async () => JSON.stringify([...runs.values()]),
    importText: async () => ({ added: 1, refused: [] }),
  };
}

const FULL = 'This browser’s storage is full; delete old runs.';

test('keeps, lists, finds, renames and deletes', async () => {
  const library = new Library(fakeStore());
  await library.keep(toyRun('concurrency', { repeats: 1, title: 'First sweep' }));
  await library.keep(toyCheck());
  await library.refresh();
  expect(library.entries).toHaveLength(2);
  library.search = 'sweep FIRST';
  expect(library.found.map(({ title }) => title)).toEqual(['First sweep']);
  const id = library.found[0]?.id ?? '';
  await library.rename(id, '  Renamed  ');
  expect((await library.open(id))?.title).toBe('Renamed');
  await library.rename(id, '   ');
  expect((await library.open(id))?.title).toBe('Renamed');
  await library.remove(id);
  expect([library.entries?.length, await library.open(id)]).toEqual([1, null]);
});

test('a full storage is one sentence, and the list stays', async () => {
  const store = { ...fakeStore(), put: () => Promise.reject(new Error(FULL)) };
  const library = new Library(store);
  expect((await library.keep(toyCheck()))?.text).toBe(FULL);
});

test('a store that fails is a fault on the list, gone when it works again', async () => {
  let fails = true;
  const store = fakeStore();
  const library = new Library({
    ...store,
    list: () => (fails ? Promise.reject(new Error(FULL)) : store.list()),
  });
  await library.refresh();
  expect([library.fault?.text, library.entries]).toEqual([FULL, null]);
  fails = false;
  await library.refresh();
  expect([library.fault, library.entries]).toEqual([null, []]);
});

test('a file that is refused says why', async () => {
  const store = {
    ...fakeStore(),
    importText: () => Promise.reject(new Error('This file is not valid JSON.')),
  };
  expect(await new Library(store).importText('{')).toEqual({
    added: 0,
    refused: ['This file is not valid JSON.'],
  });
});
