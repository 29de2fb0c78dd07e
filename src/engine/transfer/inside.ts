/** The parts of an engine that a transfer reads and writes, between two steps. */
import type { Gpu } from '../../gpu/context.ts';
import type { EngineSettings } from '../engine-types.ts';
import type { KvCache } from '../kv-cache.ts';
import type { SequenceBook } from '../sequence-book.ts';
import type { Session } from '../session.ts';
import type { LoadedModel } from '../weights-types.ts';

export interface EngineInside {
  readonly gpu: Gpu;
  readonly model: LoadedModel;
  readonly settings: EngineSettings;
  readonly cache: KvCache;
  /** Where each block of the pool lies in the buffers. */
  readonly physical: Uint32Array;
  /** Until the next `reset`. */
  readonly session: Session;
  readonly book: SequenceBook;
  readonly now: () => number;
}

/** An engine as a transfer needs it. */
export interface TransferEngine {
  readonly inside: EngineInside;
}
