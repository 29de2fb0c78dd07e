/**
 * The prefix cache of an engine as data, and back: what one session computed is found by the next without computing.
 *
 * Boundary: full blocks that can be found again, their texts whole from the first token on. Nothing here reads or writes
 * a file (src/core/transfer/file.ts). Both ways need `Engine.settle` before, and no step until they are done.
 */
import { TransferError } from '../../core/transfer/error.ts';
import { convertKv } from '../../core/transfer/kv.ts';
import type { BlockId } from '../../core/kv/pool.ts';
import type { PrefixEntry, PrefixSnapshot } from '../../core/transfer/types.ts';
import type { TextIds } from '../text-ids.ts';
import { checkModel } from './adopt.ts';
import { blocksOfLayers, layersOf } from './arrivals.ts';
import { identityOf } from './fingerprint.ts';
import type { EngineInside, TransferEngine } from './inside.ts';
import { shapeOf } from './snapshot.ts';

export interface ImportedPrefixes {
  /** Blocks that were written. */
  readonly blocks: number;
  /** Tokens in them: they are found now without computing. */
  readonly tokens: number;
  /** Tokens that came. Those between were cached already, filled no block of this size, or found none empty. */
  readonly offeredTokens: number;
}

/** @throws TransferError where the engine keeps no prefixes */
export async function exportPrefixes(engine: TransferEngine): Promise<PrefixSnapshot> {
  const { inside } = engine;
  const texts = textsOf(inside);
  const cached = cachedBlocks(inside);
  const entries: PrefixEntry[] = [];
  const places: number[] = [];
  const at = new Map<number, number>();
  // Names are given out along a text, so what stands before a block was named before it.
  for (const { id, before, tokens } of texts.texts()) {
    const block = cached.get(id);
    const parent = before < 0 ? -1 : at.get(before);
    if (block === undefined || parent === undefined) continue;
    at.set(id, entries.length);
    entries.push({ parent, tokens });
    places.push(inside.physical[block] ?? 0);
  }
  const { cache } = inside;
  const layers = await cache.readBlocks(places);
  return {
    model: await identityOf(inside.gpu, inside.model),
    shape: shapeOf(inside),
    entries,
    blocks: blocksOfLayers(layers, cache.layout.blockWords),
  };
}

/**
 * Puts prefixes where nothing is yet; what the engine has cached itself stays.
 * @throws TransferError
 */
export async function importPrefixes(
  engine: TransferEngine,
  snapshot: PrefixSnapshot,
): Promise<ImportedPrefixes> {
  textsOf(engine.inside);
  await checkModel(engine.inside, snapshot.model);
  const { inside } = engine;
  const { entries, shape } = snapshot;
  const blocks = pathsOf(entries).reduce((sum, path) => sum + importPath(inside, snapshot, path), 0);
  return {
    blocks,
    tokens: blocks * inside.settings.blockSize,
    offeredTokens: entries.length * shape.blockSize,
  };
}

/** @throws TransferError */
function textsOf({ session, settings }: EngineInside): TextIds {
  const { texts } = session.requests;
  if (texts) return texts;
  const why =
    settings.layout === 'contiguous' ? 'reserves whole sequences' : 'has its prefix cache turned off';
  throw new TransferError(
    'settings',
    `This engine ${why}, so it shares no prefixes; turn prefixCaching on, with paged blocks.`,
  );
}

/** Id of a text → the block that holds it. */
function cachedBlocks({ session }: EngineInside): Map<number, number> {
  const { manager } = session;
  const blocks = new Map<number, number>();
  for (let block = 0; block < manager.numBlocks; block++) {
    const id = manager.contentsOf(block as BlockId);
    if (id >= 0 && manager.isCached(id) && !blocks.has(id)) blocks.set(id, block);
  }
  return blocks;
}

/** Every text from its first block to a last one, as places in the list of entries. */
function pathsOf(entries: readonly PrefixEntry[]): number[][] {
  const parents = new Set(entries.map(({ parent }) => parent));
  return entries.flatMap((_, leaf) => {
    if (parents.has(leaf)) return [];
    const path: number[] = [];
    for (let at = leaf; at >= 0; at = entries[at]?.parent ?? -1) path.unshift(at);
    return [path];
  });
}

/** @returns blocks that were written */
function importPath(
  inside: EngineInside,
  { shape, entries, blocks }: PrefixSnapshot,
  path: readonly number[],
): number {
  const { session, settings, cache, physical, now } = inside;
  const { manager, requests } = session;
  const text = path.flatMap((at) => [...(entries[at]?.tokens ?? [])]);
  const row = requests.add(text, 1, now());
  // A lookup stops before the last token, which is always computed; here none is.
  const known = manager.lookup(row, text.length + 1);
  const empty = manager.numFreeBlocks - manager.numIdleCachedBlocks;
  const full = Math.min(Math.floor(text.length / settings.blockSize), known + empty);
  if (full <= known || !manager.admit(row, full * settings.blockSize)) return 0;
  const kv = { tokens: text.length, blocks: path.flatMap((at) => blocks[at] ?? []), ring: null };
  const converted = convertKv(kv, shape, shapeOf(inside));
  const places = manager.blocksOf(row).map((block) => physical[block] ?? 0);
  cache.writeBlocks(places.slice(known), layersOf(converted.blocks, known, full - known, cache.pools.length));
  manager.free(row, full * settings.blockSize);
  return full - known;
}
