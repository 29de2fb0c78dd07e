/** What the page says of models that the browser keeps. */
import { expect, test } from 'vitest';
import { openModelStore } from '../../src/engine/hub/store.ts';
import { KeptModels } from '../../src/state/kept-models.svelte.ts';
import { fakeCaches } from '../support/fake-caches.ts';

const HUB = 'https://huggingface.co';
const key = (id: string, commit: string) => ({ hub: HUB, id, commit });

test('repositories are listed with the bytes of all their commits, largest first, and deleted whole', async () => {
  const store = await openModelStore(fakeCaches());
  await store?.keep(key('a/small', 'one'), 'x', 0, new Uint8Array(5));
  await store?.keep(key('b/large', 'one'), 'x', 0, new Uint8Array(10));
  await store?.keep(key('b/large', 'two'), 'x', 0, new Uint8Array(20));
  const kept = new KeptModels(async () => store);
  expect(kept.repositories).toBeNull();
  await kept.refresh();
  expect(kept.repositories).toEqual([
    { hub: HUB, id: 'b/large', bytes: 30 },
    { hub: HUB, id: 'a/small', bytes: 5 },
  ]);
  expect(kept.bytes).toBe(35);
  const [large] = kept.repositories ?? [];
  if (!large) throw new Error('none');
  await kept.delete(large);
  expect(kept.deleted).toEqual(large);
  expect(kept.repositories).toEqual([{ hub: HUB, id: 'a/small', bytes: 5 }]);
});

test('a browser that keeps nothing lists nothing', async () => {
  const kept = new KeptModels(async () => null);
  await kept.refresh();
  expect(kept.repositories).toEqual([]);
});
