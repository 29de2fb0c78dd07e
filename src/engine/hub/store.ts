/**
 * Models kept in the browser's Cache storage: what has arrived of each file, in segments, so that a download goes on where
 * it stopped and a kept model needs no network.
 *
 * Addresses inside the cache are of the reserved domain `.invalid`: they are names, nothing is ever fetched from them.
 * A browser without Cache storage (a private window, Node) keeps nothing, and reads from the hub each time.
 */
import * as v from 'valibot';
import { isFileName } from './repository.ts';
import type { HubListing } from './client.ts';

export const SEGMENT_BYTES = 8 * 2 ** 20;

const CACHE_NAME = 'kvlab-models-1';
const ROOT = 'https://models.kvlab.invalid/';
const SIZE_HEADER = 'x-kvlab-bytes';

/** One model at one commit. */
export interface ModelKey {
  readonly hub: string;
  readonly id: string;
  readonly commit: string;
}

export interface KeptModel extends ModelKey {
  /** Bytes that are here. */
  readonly bytes: number;
  readonly files: readonly string[];
}

export interface ModelStore {
  segment(key: ModelKey, file: string, index: number): Promise<Uint8Array<ArrayBuffer> | null>;
  /** False where the browser has no room; the model still runs, but is not kept. */
  keep(key: ModelKey, file: string, index: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean>;
  /** The listing that a revision had when it was last asked for; null where it never was. */
  listing(hub: string, id: string, revision: string): Promise<HubListing | null>;
  keepListing(hub: string, id: string, revision: string, listing: HubListing): Promise<void>;
  list(): Promise<KeptModel[]>;
  /** Bytes freed. Every commit of the model goes. */
  delete(hub: string, id: string): Promise<number>;
}

const Listing = v.object({
  commit: v.string(),
  files: v.array(v.object({ name: v.pipe(v.string(), v.check(isFileName)), size: v.number() })),
});

const part = encodeURIComponent;
const modelPath = (hub: string, id: string): string => `${ROOT}${part(hub)}/${part(id)}/`;
const segmentPath = ({ hub, id, commit }: ModelKey, file: string, index: number): string =>
  `${modelPath(hub, id)}segments/${part(commit)}/${part(file)}/${index}`;
const listingPath = (hub: string, id: string, revision: string): string =>
  `${modelPath(hub, id)}listings/${part(revision)}`;

/** The browser's own store, or null where it has none. */
export async function openModelStore(
  storage: CacheStorage | undefined = browserCaches(),
): Promise<ModelStore | null> {
  try {
    return storage ? overCache(await storage.open(CACHE_NAME)) : null;
  } catch {
    // A private window may have the interface and refuse its use.
    return null;
  }
}

function browserCaches(): CacheStorage | undefined {
  return typeof caches === 'undefined' ? undefined : caches;
}

function overCache(cache: Cache): ModelStore {
  return {
    async segment(key, file, index) {
      const found = await cache.match(segmentPath(key, file, index));
      if (!found) return null;
      const bytes = new Uint8Array(await found.arrayBuffer());
      return bytes.byteLength === Number(found.headers.get(SIZE_HEADER)) ? bytes : null;
    },

    async keep(key, file, index, bytes) {
      const headers = { [SIZE_HEADER]: String(bytes.byteLength), 'content-type': 'application/octet-stream' };
      try {
        await cache.put(segmentPath(key, file, index), new Response(bytes, { headers }));
        return true;
      } catch {
        return false;
      }
    },

    async listing(hub, id, revision) {
      const found = await cache.match(listingPath(hub, id, revision));
      const parsed = v.safeParse(Listing, found ? await found.json().catch(() => null) : null);
      return parsed.success ? parsed.output : null;
    },

    async keepListing(hub, id, revision, listing) {
      // No room for a listing is no reason to refuse the model.
      await cache.put(listingPath(hub, id, revision), Response.json(listing)).catch(() => undefined);
    },

    list: () => keptModels(cache),

    async delete(hub, id) {
      let freed = 0;
      for (const request of await cache.keys()) {
        if (!request.url.startsWith(modelPath(hub, id))) continue;
        freed += await sizeOf(cache, request);
        await cache.delete(request);
      }
      return freed;
    },
  };
}

async function keptModels(cache: Cache): Promise<KeptModel[]> {
  const models = new Map<string, { key: ModelKey; bytes: number; files: Set<string> }>();
  for (const request of await cache.keys()) {
    const [hub, id, kind, commit, file] = request.url.slice(ROOT.length).split('/').map(decodeURIComponent);
    if (kind !== 'segments' || hub === undefined || id === undefined || commit === undefined) continue;
    const name = `${hub} ${id} ${commit}`;
    const model = models.get(name) ?? { key: { hub, id, commit }, bytes: 0, files: new Set<string>() };
    model.bytes += await sizeOf(cache, request);
    model.files.add(file ?? '');
    models.set(name, model);
  }
  return [...models.values()].map(({ key, bytes, files }) => ({ ...key, bytes, files: [...files].sort() }));
}

async function sizeOf(cache: Cache, request: Request): Promise<number> {
  return Number((await cache.match(request))?.headers.get(SIZE_HEADER) ?? 0);
}
