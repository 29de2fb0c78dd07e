/**
 * What an engine knows of each request beside the scheduler: its tokens, where its next one goes, and how it ended.
 *
 * The scheduler counts ahead of the GPU: `computed` and `planned` are those of the last step that was planned, `output`
 * holds the tokens that have come back.
 */
import type { GenerationRequest, RequestEvent } from './engine-types.ts';

export interface SequenceState {
  readonly row: number;
  readonly request: GenerationRequest;
  readonly stopTokens: ReadonlySet<number>;
  phase: 'waiting' | 'running' | 'ended';
  /** Place of its last token on the GPU (and of its f16 ring); −1 while it does not run. */
  slot: number;
  /** Tokens whose K and V are in the cache or on their way. */
  computed: number;
  /** Tokens among them that were evicted: whole blocks. */
  dropped: number;
  /** It was over its budget once: its prompt has been judged. */
  cut: boolean;
  /** Output tokens that are sampled or on their way. */
  planned: number;
  readonly output: number[];
  /** Its prompt is computed: it takes part in every step. */
  decoding: boolean;
  finished: RequestEvent['finished'];
}

export function createSequence(
  row: number,
  request: GenerationRequest,
  modelStops: readonly number[],
): SequenceState {
  return {
    row,
    request,
    stopTokens: new Set(request.forced ? [] : (request.stopTokens ?? modelStops)),
    phase: 'waiting',
    slot: -1,
    computed: 0,
    dropped: 0,
    cut: false,
    planned: 0,
    output: [],
    decoding: false,
    finished: 'no',
  };
}

/** Token at a position of prompt + output; null where only the GPU knows it yet. */
export function tokenAt({ request, output }: SequenceState, position: number): number | null {
  const prompt = request.promptIds.length;
  return (position < prompt ? request.promptIds[position] : output[position - prompt]) ?? null;
}

/** Numbers from 0 on that are given out and taken back, lowest first. */
export class Slots {
  readonly #free: number[];

  constructor(count: number) {
    this.#free = Array.from({ length: count }, (_, i) => count - 1 - i);
  }

  /** @throws RangeError when none is free: the scheduler runs more sequences than it was made for. */
  take(): number {
    const slot = this.#free.pop();
    if (slot === undefined) throw new RangeError('Every slot of the engine is taken by a running sequence.');
    return slot;
  }

  give(slot: number): void {
    this.#free.push(slot);
  }
}
