/** Drafts outlive a reload of their tab, and nothing that was kept wrong gets in the way of a page that opens. */
import { expect, test } from 'vitest';
import { DEFAULT_SIMULATION } from '../../src/core/scenario/simulate/defaults.ts';
import { DraftMemory } from '../../src/state/draft-memory.ts';
import { SIMULATE } from '../../src/state/route.ts';
import { Setup } from '../../src/state/setup.svelte.ts';
import { SimCompare } from '../../src/state/sim-compare.svelte.ts';
import type { SimPort } from '../../src/state/sim-session.svelte.ts';
import { SimSetup } from '../../src/state/sim-setup.svelte.ts';

/** A tab's storage that survives the states made on it. */
function tab(full = false) {
  const kept = new Map<string, string>();
  return {
    kept,
    getItem: (key: string) => kept.get(key) ?? null,
    removeItem: (key: string) => void kept.delete(key),
    setItem: (key: string, text: string) => {
      if (full) throw new Error('QuotaExceededError');
      kept.set(key, text);
    },
  };
}

test('an edited simulation is there after a reload, and its address does not undo it', async () => {
  const store = tab();
  const before = new SimSetup(store);
  await before.follow({ ...SIMULATE, story: 'ten-blocks' });
  before.set('workload.requests', 3);
  before.keep();
  const after = new SimSetup(store);
  await after.follow({ ...SIMULATE, story: 'ten-blocks' });
  expect([after.story, after.recalled, after.draft.at('workload.requests')]).toEqual(['ten-blocks', true, 3]);
  after.startOver();
  expect([after.story, after.recalled, after.draft.at('workload.requests')]).toEqual([
    'ten-blocks',
    false,
    4,
  ]);
});

test('an edited experiment is there after a reload; one that was not edited is no news', () => {
  const store = tab();
  const before = new Setup(store);
  before.keep();
  expect(new Setup(store).recalled).toBe(false);
  before.choose('kv-format-length');
  before.draft.set('workload.concurrency', 3);
  before.keep();
  const after = new Setup(store);
  expect([after.preset, after.recalled, after.draft.at('workload.concurrency')]).toEqual([
    'kv-format-length',
    true,
    3,
  ]);
  after.startOver();
  expect([after.preset, after.recalled]).toEqual(['kv-format-length', false]);
});

test('both sides of a comparison are there after a reload, or neither', () => {
  const store = tab();
  const make = () => {
    const port: SimPort = {
      api: new Proxy({} as SimPort['api'], {
        get: () => () => {
          throw new Error('Nothing is simulated here.');
        },
      }),
      cancel: () => undefined,
    };
    return new SimCompare(port, { refresh: async () => undefined }, DEFAULT_SIMULATION, store);
  };
  const before = make();
  before.a.set('engine.tokenBudget', 512);
  before.b.set('engine.tokenBudget', 1024);
  before.keep();
  expect(make().changes).toEqual([{ path: 'engine.tokenBudget', a: '512', b: '1024' }]);
  store.kept.set('kvlab.draft.compare.b', '{"address":"","document":{"kind":"simulate"}}');
  expect(make().changes).toEqual([]);
});

test('a draft that does not read is not kept: the last one that did is', () => {
  const store = tab();
  const before = new SimSetup(store);
  before.set('workload.requests', 30);
  before.keep();
  before.set('workload.requests', -1);
  before.keep();
  expect(new SimSetup(store).draft.at('workload.requests')).toBe(30);
});

test.each(['', 'no JSON', '[]', '{}', '{"address":"","document":{"version":9}}', '{"document":null}'])(
  'kept text %j opens the first story',
  (text) => {
    const store = tab();
    store.kept.set('kvlab.draft.simulate', text);
    const setup = new SimSetup(store);
    expect([setup.recalled, setup.draft.scenario]).toEqual([false, new SimSetup().draft.scenario]);
  },
);

test('storage that is full, blocked or missing changes nothing', () => {
  const setup = new SimSetup(tab(true));
  expect(() => setup.keep()).not.toThrow();
  expect(new DraftMemory(null, 'x').recall()).toBeNull();
  const store = tab();
  const memory = new DraftMemory(store, 'x');
  memory.keep({ name: null, address: '', document: 'x'.repeat(600_000) });
  expect([memory.recall(), store.kept.size]).toEqual([null, 0]);
});
