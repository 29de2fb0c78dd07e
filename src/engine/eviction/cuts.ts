/**
 * Eviction in a running engine: when a sequence is over its budget, the policy's kernels rank and compact every layer,
 * and whole blocks leave its table.
 *
 * Whole blocks, because a sequence keeps counting its tokens as computed and its place within a block must not move: a
 * policy that ranks single tokens keeps up to one block less one token more than its budget.
 *
 * Boundary: what happens between two steps. What a policy sees while a step runs (probabilities, votes) is observe.ts's.
 */
import { budgetBlocks } from '../../core/eviction/paged-eviction.ts';
import { POLICIES } from '../../core/eviction/policies.ts';
import { keepBest } from '../../core/eviction/select.ts';
import { streamingLlmTable } from '../../core/eviction/streaming-llm.ts';
import type { BlockManager } from '../../core/kv/block-manager.ts';
import type { Gpu } from '../../gpu/context.ts';
import { contextBound } from '../context-bound.ts';
import type { EngineSettings } from '../engine-types.ts';
import type { KvCache } from '../kv-cache.ts';
import type { SequenceState } from '../sequence-state.ts';
import type { Evictor } from './evictor.ts';
import type { EvictionShape } from './shape.ts';

/** True where the settings' policy drops tokens. */
export function evicts({ eviction }: EngineSettings): boolean {
  return eviction.policy !== 'none' && POLICIES[eviction.policy].frees;
}

export interface CutParts {
  readonly gpu: Gpu;
  readonly shape: EvictionShape;
  readonly evictor: Evictor;
  readonly cache: KvCache;
  readonly physical: Uint32Array;
}

export class Cuts {
  readonly #parts: CutParts;
  readonly #table: GPUBuffer;
  readonly #lengths: GPUBuffer;
  readonly #rings: GPUBuffer;

  constructor(parts: CutParts) {
    const { gpu, shape } = parts;
    const { STORAGE, COPY_DST } = GPUBufferUsage;
    const words = (name: string, count: number) =>
      gpu.buffers.create(`Cuts.${name}`, count * 4, STORAGE | COPY_DST);
    this.#parts = parts;
    this.#table = words('table', shape.maxBatch * shape.tableStride);
    this.#lengths = words('lengths', shape.maxBatch);
    this.#rings = words('rings', shape.maxBatch);
  }

  /** Whether a sequence of so many tokens in the cache is over its budget. @param first it was never cut */
  isDue(tokens: number, first: boolean, generated: number): boolean {
    const { evictor } = this.#parts;
    // The newest query's attention is there when the first token behind the prompt was computed.
    const waits = evictor.policy.signal === 'last-attention' && generated < 2;
    return !waits && evictor.isDue(tokens, first);
  }

  /** Cuts those that are due; their steps are done. */
  async cut(sequences: Iterable<SequenceState>, manager: BlockManager): Promise<void> {
    const due = [...sequences].filter(({ computed, dropped, cut, planned }) =>
      this.isDue(computed - dropped, !cut, planned),
    );
    for (const [keepTokens, group] of this.#byKept(due)) await this.#cutGroup(group, keepTokens, manager);
    for (const sequence of due) sequence.cut = true;
  }

  destroy(): void {
    this.#parts.gpu.buffers.destroy(this.#table, this.#lengths, this.#rings);
  }

  /** Sequences that keep the same number of tokens, which one launch can judge together. */
  #byKept(due: readonly SequenceState[]): Map<number, SequenceState[]> {
    const { budgetTokens, blockSize } = this.#parts.shape;
    const groups = new Map<number, SequenceState[]>();
    for (const sequence of due) {
      const over = sequence.computed - sequence.dropped - budgetTokens;
      const keep = budgetTokens + (over % blockSize);
      groups.set(keep, [...(groups.get(keep) ?? []), sequence]);
    }
    return groups;
  }

  async #cutGroup(group: readonly SequenceState[], keepTokens: number, manager: BlockManager): Promise<void> {
    const { evictor } = this.#parts;
    if (evictor.policy.signal !== 'none') this.#rank(group, keepTokens, manager);
    const ranksBlocks = evictor.policy.unit === 'block' && evictor.policy.signal !== 'none';
    const scores = ranksBlocks ? await evictor.blockScores() : null;
    for (const sequence of group) {
      const pages = manager.blocksOf(sequence.row).length;
      const kept = new Set(this.#keptPlaces(sequence, keepTokens, pages, scores?.(sequence.slot)));
      const gone = Array.from({ length: pages }, (_, place) => place).filter((place) => !kept.has(place));
      manager.drop(sequence.row, gone);
      sequence.dropped += gone.length * this.#parts.shape.blockSize;
    }
  }

  /** Places of the table that stay. */
  #keptPlaces(
    { computed, dropped }: SequenceState,
    keepTokens: number,
    pages: number,
    scores: Float64Array | undefined,
  ): Iterable<number> {
    const { evictor, shape } = this.#parts;
    const { blockSize, budgetTokens } = shape;
    if (scores) {
      const budget = budgetBlocks(budgetTokens, blockSize);
      return keepBest(scores.subarray(0, pages), pages, budget, { first: 1, last: 1 });
    }
    if (evictor.policy.signal === 'none') {
      const { first, last } = evictor.policy.protectedTokens(budgetTokens, blockSize);
      return streamingLlmTable(computed - dropped, first, last, blockSize).keptBlocks;
    }
    // Kept tokens were moved to the front.
    return Array(Math.ceil(keepTokens / blockSize)).keys();
  }

  #rank(group: readonly SequenceState[], keepTokens: number, manager: BlockManager): void {
    const { gpu, shape, evictor, cache, physical } = this.#parts;
    const batch = Math.max(...group.map(({ slot }) => slot)) + 1;
    const table = new Uint32Array(batch * shape.tableStride);
    const lengths = new Uint32Array(batch);
    for (const { row, slot, computed, dropped } of group) {
      lengths[slot] = computed - dropped;
      manager.blocksOf(row).forEach((block, place) => {
        table[slot * shape.tableStride + place] = physical[block] ?? 0;
      });
    }
    gpu.device.queue.writeBuffer(this.#table, 0, table);
    gpu.device.queue.writeBuffer(this.#lengths, 0, lengths);
    const rows = {
      blockTable: this.#table,
      contextLengths: this.#lengths,
      residualSlots: this.#rings,
      batch,
      tableStride: shape.tableStride,
      longest: contextBound(Math.max(...lengths)),
      keepTokens,
    };
    const encoder = gpu.device.createCommandEncoder({ label: 'Cuts.rank' });
    const pass = encoder.beginComputePass({ label: 'Cuts.rank' });
    cache.pools.forEach((pool, index) => {
      for (const operation of evictor.layer({ index, pool, ring: undefined }, rows)) operation.encode(pass);
    });
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
  }
}
