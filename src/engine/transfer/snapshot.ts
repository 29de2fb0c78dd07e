/**
 * A live sequence out of its engine: its tokens and its KV, as they stand between two steps.
 *
 * Boundary: copies. The sequence stays where it is and could go on; whoever moves it calls `cancel` once the other side
 * has it. Reading needs `Engine.settle` before, and no step until it is done.
 */
import { POLICIES } from '../../core/eviction/policies.ts';
import { TransferError } from '../../core/transfer/error.ts';
import type { KvShapeOf, SequenceKv } from '../../core/transfer/kv.ts';
import type { MovedSequence, SequenceSnapshot } from '../../core/transfer/types.ts';
import { RequestError } from '../errors.ts';
import type { SequenceState } from '../sequence-state.ts';
import { blocksOfLayers } from './arrivals.ts';
import { identityOf } from './fingerprint.ts';
import type { EngineInside, TransferEngine } from './inside.ts';

/** How the KV of an engine lies in its blocks. */
export function shapeOf({ cache, settings }: EngineInside): KvShapeOf {
  const { format, shape } = cache.layout;
  return {
    format,
    layers: cache.pools.length,
    ...shape,
    residualTokens: format === 'int2' ? settings.residualTokens : 0,
  };
}

/** @throws TransferError where sequences can neither leave nor enter */
export function checkMovable({ settings }: EngineInside): void {
  const { policy } = settings.eviction;
  if (policy === 'none') return;
  throw new TransferError(
    'settings',
    `${POLICIES[policy].title} chooses tokens by what it saw of their attention, and that does not move with the KV; turn eviction off on both sides.`,
  );
}

/** @throws TransferError, RequestError where there is no such sequence any more */
export async function snapshotSequence(engine: TransferEngine, request: number): Promise<SequenceSnapshot> {
  const { inside } = engine;
  checkMovable(inside);
  const state = liveState(inside, request);
  return {
    model: await identityOf(inside.gpu, inside.model),
    shape: shapeOf(inside),
    sequence: movedSequence(state),
    kv: await readKv(inside, state),
  };
}

/** @throws TransferError for one that has ended, or that still waits for the sequence that it is a fork of */
export function liveState({ book }: EngineInside, request: number): SequenceState {
  const state = book.state(request);
  if (state.phase === 'ended') {
    throw new TransferError('no-sequence', `Sequence ${request} has ended, so there is nothing to move.`);
  }
  if (state.planned > state.output.length) {
    throw new RequestError(
      `Sequence ${request} is in the middle of a step; wait for it (settle) before moving it.`,
    );
  }
  return state;
}

export function movedSequence({ request, output, stopTokens }: SequenceState): MovedSequence {
  const { promptIds, maxTokens, sampling, forced } = request;
  return {
    ...{ promptIds: [...promptIds], output: [...output], maxTokens },
    sampling: { ...sampling },
    stopTokens: [...stopTokens],
    forced: forced ? [...forced] : null,
  };
}

async function readKv(inside: EngineInside, state: SequenceState): Promise<SequenceKv> {
  const blocks = await readSequenceBlocks(inside, state, 0);
  const { cache } = inside;
  const hasRing = cache.rings.length > 0 && state.slot >= 0;
  const tokens = blocks.length > 0 ? state.computed : 0;
  return { tokens, blocks, ring: hasRing ? await cache.readRings(state.slot) : null };
}

/** Blocks of a sequence from block `first` on, as far as they hold tokens. @returns u32 [layers][blockWords] each */
export async function readSequenceBlocks(
  { cache, physical, session, settings }: EngineInside,
  { row, computed }: Pick<SequenceState, 'row' | 'computed'>,
  first: number,
): Promise<Uint32Array[]> {
  const table = session.manager.blocksOf(row).slice(first, Math.ceil(computed / settings.blockSize));
  const layers = await cache.readBlocks(table.map((block) => physical[block] ?? 0));
  return blocksOfLayers(layers, cache.layout.blockWords);
}
