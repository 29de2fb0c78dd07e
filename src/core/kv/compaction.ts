/**
 * Moving blocks inside one pool: which blocks to move so that the used ones lie together, and in which order moves may
 * run on the GPU, where all moves of one dispatch run at once.
 */
import type { BlockTable } from './block-table.ts';
import type { BlockId, BlockMove, BlockPool } from './pool.ts';

/**
 * Moves that bring all used blocks into the lowest ids: the highest used block goes to the lowest free one. Sources are
 * used and destinations free, so they are one wave and can run at once.
 */
export function planCompaction(pool: BlockPool): BlockMove[] {
  const end = pool.numUsedBlocks;
  const holes = pool
    .freeBlocks()
    .filter((block) => block < end)
    .sort((a, b) => a - b);
  const free = new Set(pool.freeBlocks());
  const strays: BlockId[] = [];
  for (let block = pool.numBlocks - 1; block >= end; block--) {
    const id = block as BlockId;
    if (!free.has(id)) strays.push(id);
  }
  return holes.flatMap((to, i) => {
    const from = strays[i];
    return from === undefined ? [] : [{ from, to }];
  });
}

/** Enters planned moves into the pool and all its tables. The words have to be copied before anything is written. */
export function applyCompaction(
  pool: BlockPool,
  tables: Iterable<BlockTable>,
  moves: readonly BlockMove[],
): void {
  for (const move of moves) pool.relocate(move);
  const byId = new Map(moves.map(({ from, to }) => [from, to]));
  for (const table of tables) table.relocate(byId);
}

/** Moves that can't be ordered: they form a ring and need one block of room. */
export interface MoveCycle {
  readonly kind: 'cycle';
  readonly blocks: readonly BlockId[];
}

export type MoveWaves =
  { readonly kind: 'ok'; readonly waves: readonly (readonly BlockMove[])[] } | MoveCycle;

/**
 * Orders moves into waves (dispatches), so that every block is read before it is overwritten and no block is source and
 * destination in one wave.
 * @param scratch A free block; with it, rings of moves are broken by parking one block there.
 * @throws RangeError where two moves write the same block.
 */
export function planWaves(moves: readonly BlockMove[], scratch?: BlockId): MoveWaves {
  let rest = moves.filter(({ from, to }) => from !== to);
  checkDestinations(rest);
  const waves: BlockMove[][] = [];
  while (rest.length > 0) {
    const sources = new Set(rest.map(({ from }) => from));
    const ready = rest.filter(({ to }) => !sources.has(to));
    if (ready.length === 0) {
      const ring = rest[0];
      if (scratch === undefined || ring === undefined || sources.has(scratch)) {
        return { kind: 'cycle', blocks: [...sources] };
      }
      // The first block of a ring waits in the scratch block; every move that read it reads that instead.
      waves.push([{ from: ring.to, to: scratch }]);
      rest = rest.map((move) => (move.from === ring.to ? { from: scratch, to: move.to } : move));
      continue;
    }
    waves.push(ready);
    const done = new Set(ready);
    rest = rest.filter((move) => !done.has(move));
  }
  return { kind: 'ok', waves };
}

function checkDestinations(moves: readonly BlockMove[]): void {
  const seen = new Set<BlockId>();
  for (const { to } of moves) {
    if (seen.has(to)) throw new RangeError(`Two moves write block ${to}; one at most may.`);
    seen.add(to);
  }
}
