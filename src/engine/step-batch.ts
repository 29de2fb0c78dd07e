/**
 * One step as the kernels read it: plain arrays, filled from a plan. Rows of a step are its decodes, one token each, and
 * behind them the chunks of prompts, one after the other.
 *
 * Boundary: numbers. Buffers are step-buffers.ts's, launches are forward.ts's.
 */
import type { StepPlan } from '../core/schedule/scheduler.ts';
import { FROM_SLOT } from '../gpu/kernels/transformer-config.ts';
import { tokenAt, type SequenceState } from './sequence-state.ts';

export interface StepLimits {
  readonly maxTokens: number;
  readonly maxSequences: number;
  /** Blocks of the longest sequence. */
  readonly tableStride: number;
  readonly blockSize: number;
  /** A sequence's row is its slot, because what is known of its tokens lives on from step to step (eviction). */
  readonly rowsBySlot: boolean;
  /** Added to a position before the table of learned positions is read. */
  readonly positionOffset: number;
}

/** A token that a step samples. */
export interface StepSample {
  readonly sequence: SequenceState;
  /** Which token of its output. */
  readonly index: number;
}

/** The rows of one sequence. */
export interface StepMember {
  readonly sequence: SequenceState;
  readonly firstRow: number;
  readonly tokens: number;
  readonly position: number;
  /** Tokens in its cache, those of the step included. */
  readonly context: number;
  /** Tokens that it has to compute before its next one is sampled. */
  readonly total: number;
}

/** Sequences of one attention launch. */
export interface SequenceRows {
  /** u32 [count][tableStride] */
  readonly table: Uint32Array;
  /** u32 [count]: tokens in the cache, the step's own included. */
  readonly contexts: Uint32Array;
  /** u32 [count] */
  readonly ringSlots: Uint32Array;
  /** u32 [count + 1]: rows of the step. */
  readonly starts: Uint32Array;
}

export class StepBatch {
  readonly limits: StepLimits;
  readonly ids: Uint32Array;
  readonly positions: Uint32Array;
  readonly slots: Int32Array;
  /** All sequences of the step, decodes first. */
  readonly all: SequenceRows;
  /** Those that compute a chunk of their prompt. */
  readonly chunks: SequenceRows;
  readonly sampledRows: Uint32Array;
  readonly settings: Uint32Array;
  readonly samples: StepSample[] = [];
  /** In the order of their rows. */
  readonly members: StepMember[] = [];
  tokens = 0;
  /** Rows of decodes, those that stay empty by `rowsBySlot` among them. */
  decodes = 0;
  /** Sequences that decode. */
  numDecoding = 0;
  /** Rows of `chunks`. */
  numChunks = 0;
  /** Longest context among decodes, and among chunks. */
  maxDecodeContext = 0;
  maxChunkContext = 0;
  maxChunkTokens = 0;
  /** Sum of the contexts that decodes read. */
  decodeContextTokens = 0;
  readonly #blocksOf: (row: number) => readonly number[];
  readonly #physical: Uint32Array;
  readonly #floats: Float32Array;

  /**
   * @param blocksOf a row's blocks as the pool numbers them
   * @param physical where each block of the pool lies in the buffers
   */
  constructor(limits: StepLimits, blocksOf: (row: number) => readonly number[], physical: Uint32Array) {
    const { maxTokens, maxSequences, tableStride } = limits;
    this.limits = limits;
    this.#blocksOf = blocksOf;
    this.#physical = physical;
    this.ids = new Uint32Array(maxTokens);
    this.positions = new Uint32Array(maxTokens);
    this.slots = new Int32Array(maxTokens);
    this.all = sequenceRows(2 * maxSequences, tableStride);
    this.chunks = sequenceRows(maxSequences, tableStride);
    this.sampledRows = new Uint32Array(maxSequences);
    this.settings = new Uint32Array(maxSequences * 8);
    this.#floats = new Float32Array(this.settings.buffer);
  }

  /** @param decoding sequences that decode in this step, in any order */
  fill(plan: StepPlan, decoding: Iterable<SequenceState>, stateOf: (row: number) => SequenceState): void {
    this.#clear();
    for (const sequence of this.#inOrder([...decoding], (state) => state)) this.#addDecode(sequence);
    this.decodes = this.tokens;
    const { work, chunks } = plan;
    const prompts = Array.from({ length: work.prefillCount }, (_, i) => ({
      sequence: stateOf(chunks[i] ?? -1),
      context: work.prefillContextTokens[i] ?? 0,
      tokens: work.prefillTokens[i] ?? 0,
    }));
    for (const { sequence, context, tokens } of this.#inOrder(prompts, (chunk) => chunk.sequence)) {
      this.#addChunk(sequence, context, tokens);
    }
  }

  #clear(): void {
    this.tokens = 0;
    this.decodes = 0;
    this.numDecoding = 0;
    this.numChunks = 0;
    this.maxDecodeContext = 0;
    this.maxChunkContext = 0;
    this.maxChunkTokens = 0;
    this.decodeContextTokens = 0;
    this.samples.length = 0;
    this.members.length = 0;
  }

  #inOrder<T>(items: T[], stateOf: (item: T) => SequenceState): T[] {
    return this.limits.rowsBySlot ? items.sort((a, b) => stateOf(a).slot - stateOf(b).slot) : items;
  }

  /** A row that computes something which nobody reads, and stores nothing. */
  #addEmptyRow(): void {
    const at = this.tokens++;
    this.ids[at] = 0;
    this.positions[at] = 0;
    this.slots[at] = -1;
    this.all.contexts[at] = 0;
    this.all.ringSlots[at] = 0;
    this.all.starts[this.tokens] = this.tokens;
  }

  #addDecode(sequence: SequenceState): void {
    while (this.limits.rowsBySlot && this.tokens < sequence.slot) this.#addEmptyRow();
    this.numDecoding++;
    const context = sequence.computed + 1 - sequence.dropped;
    const { computed: position } = sequence;
    this.members.push({
      ...{ sequence, position, context },
      firstRow: this.tokens,
      tokens: 1,
      total: position + 1,
    });
    this.#setSequence(this.all, this.tokens, sequence, context);
    this.maxDecodeContext = Math.max(this.maxDecodeContext, context);
    this.decodeContextTokens += context;
    this.#addToken(sequence, sequence.computed);
    this.all.starts[this.tokens] = this.tokens;
    this.#addSample(sequence);
    sequence.computed++;
  }

  #addChunk(sequence: SequenceState, context: number, tokens: number): void {
    while (this.limits.rowsBySlot && this.numChunks < sequence.slot) this.#addEmptyChunk();
    const sequences = this.decodes + this.numChunks;
    const resident = context + tokens - sequence.dropped;
    const total = sequence.request.promptIds.length + sequence.planned;
    this.members.push({
      ...{ sequence, tokens, total },
      firstRow: this.tokens,
      position: context,
      context: resident,
    });
    this.#setSequence(this.all, sequences, sequence, resident);
    this.#setSequence(this.chunks, this.numChunks, sequence, resident);
    this.chunks.starts[this.numChunks] = this.tokens;
    for (let i = 0; i < tokens; i++) this.#addToken(sequence, context + i);
    this.all.starts[sequences + 1] = this.tokens;
    this.chunks.starts[++this.numChunks] = this.tokens;
    this.maxChunkContext = Math.max(this.maxChunkContext, resident);
    this.maxChunkTokens = Math.max(this.maxChunkTokens, tokens);
    sequence.computed = context + tokens;
    if (sequence.computed < total) return;
    this.#addSample(sequence);
    sequence.decoding = true;
  }

  #addEmptyChunk(): void {
    const sequences = this.decodes + this.numChunks;
    this.all.contexts[sequences] = 0;
    this.all.starts[sequences + 1] = this.tokens;
    this.chunks.contexts[this.numChunks] = 0;
    this.chunks.starts[this.numChunks] = this.tokens;
    this.chunks.starts[++this.numChunks] = this.tokens;
  }

  #setSequence(rows: SequenceRows, at: number, sequence: SequenceState, context: number): void {
    const blocks = this.#blocksOf(sequence.row);
    const from = at * this.limits.tableStride;
    for (let i = 0; i < blocks.length; i++) rows.table[from + i] = this.#physical[blocks[i] ?? 0] ?? 0;
    rows.contexts[at] = context;
    rows.ringSlots[at] = sequence.slot;
  }

  #addToken(sequence: SequenceState, position: number): void {
    const at = this.tokens++;
    const { blockSize, positionOffset } = this.limits;
    const place = position - sequence.dropped;
    const block = this.#blocksOf(sequence.row)[Math.floor(place / blockSize)];
    if (block === undefined)
      throw new RangeError(`Request ${sequence.row} has no block for its token ${position}.`);
    this.ids[at] = tokenAt(sequence, position) ?? (FROM_SLOT | sequence.slot) >>> 0;
    this.positions[at] = position + positionOffset;
    this.slots[at] = (this.#physical[block] ?? 0) * blockSize + (place % blockSize);
  }

  /** The newest row's output is sampled. */
  #addSample(sequence: SequenceState): void {
    const { temperature, topP, topK, seed } = sequence.request.sampling;
    const at = this.samples.length;
    this.sampledRows[at] = this.tokens - 1;
    this.#floats[at * 8] = temperature;
    this.#floats[at * 8 + 1] = topP;
    this.settings[at * 8 + 2] = topK;
    this.settings[at * 8 + 3] = seed;
    this.settings[at * 8 + 4] = sequence.request.promptIds.length + sequence.planned;
    this.settings[at * 8 + 5] = sequence.slot;
    this.samples.push({ sequence, index: sequence.planned });
    const forced = sequence.request.forced?.[sequence.planned];
    // What is forced is known before the GPU has an opinion.
    if (forced !== undefined) sequence.output[sequence.planned] = forced;
    sequence.planned++;
  }
}

function sequenceRows(count: number, tableStride: number): SequenceRows {
  return {
    table: new Uint32Array(count * tableStride),
    contexts: new Uint32Array(count),
    ringSlots: new Uint32Array(count),
    starts: new Uint32Array(count + 1),
  };
}
