/**
 * What is remembered of a device between visits: chosen tunings and what the allocation probe got. In IndexedDB, apart
 * from the runs; where the browser keeps nothing, for as long as the worker lives.
 */
import { openDB, type IDBPDatabase } from 'idb';
import type { DecodeTuning } from '../gpu/kernels/tuning.ts';
import type { TuningMemory } from '../lab/index.ts';
import type { PoolMemory } from './gpu-service.ts';

const DATABASE = 'kvlab-devices';
const STORE = 'facts';

interface KeyValue {
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown): Promise<void>;
}

/** Never rejects: a memory that fails is an empty one. */
function persistent(): KeyValue {
  const kept = new Map<string, unknown>();
  let opened: Promise<IDBPDatabase | null> | null = null;
  const open = (): Promise<IDBPDatabase | null> =>
    (opened ??= openDB(DATABASE, 1, { upgrade: (db) => void db.createObjectStore(STORE) }).catch(() => null));
  return {
    async get(key) {
      if (kept.has(key)) return kept.get(key);
      const database = await open();
      return database ? await database.get(STORE, key).catch(() => undefined) : undefined;
    },
    async set(key, value) {
      kept.set(key, value);
      const database = await open();
      await database?.put(STORE, value, key).catch(() => undefined);
    },
  };
}

export function deviceMemory(): { readonly tunings: TuningMemory; readonly pools: PoolMemory } {
  const memory = persistent();
  return {
    tunings: {
      // Whoever reads it compares it with today's candidates, so a stale or spoilt value does no harm.
      get: async (key) => ((await memory.get(`tuning|${key}`)) as DecodeTuning | undefined) ?? null,
      set: (key, tuning) => memory.set(`tuning|${key}`, tuning),
    },
    pools: {
      async get(key) {
        const value = await memory.get(`pool|${key}`);
        return typeof value === 'number' && value > 0 ? value : null;
      },
      set: (key, bytes) => memory.set(`pool|${key}`, bytes),
    },
  };
}
