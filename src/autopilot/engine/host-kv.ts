/** Blocks of sequences in host memory, by their number in the sequence, with the ids that they had on the GPU. */
import type { BlockId } from '../../core/kv/pool.ts';
import type { BlockWords } from '../../engine/actions/live-cache.ts';

/** Blocks that were saved, one for one. */
export interface Saved {
  /** Numbers in the sequence. */
  readonly blocks: readonly number[];
  readonly ids: readonly BlockId[];
  readonly words: BlockWords;
}

export const NOTHING_SAVED: Saved = { blocks: [], ids: [], words: [] };

interface HostBlock {
  readonly words: Uint32Array;
  readonly id: BlockId;
}

export class HostKv {
  readonly #sequences = new Map<string, Map<number, HostBlock>>();

  count(name: string): number {
    return this.#sequences.get(name)?.size ?? 0;
  }

  /** Ascending. */
  blocks(name: string): number[] {
    return [...(this.#sequences.get(name)?.keys() ?? [])].sort((a, b) => a - b);
  }

  put(name: string, { blocks, ids, words }: Saved): void {
    const sequence = this.#sequences.get(name) ?? new Map<number, HostBlock>();
    this.#sequences.set(name, sequence);
    blocks.forEach((block, i) => {
      const [own, id] = [words[i], ids[i]];
      if (own && id !== undefined) sequence.set(block, { words: own, id });
    });
  }

  /** Those of the blocks that are here. */
  get(name: string, blocks: readonly number[]): Saved {
    const sequence = this.#sequences.get(name);
    const found = blocks.flatMap((block) => {
      const there = sequence?.get(block);
      return there ? [{ block, ...there }] : [];
    });
    return {
      blocks: found.map(({ block }) => block),
      ids: found.map(({ id }) => id),
      words: found.map(({ words }) => words),
    };
  }

  /** Other words for a block that is here. */
  rewrite(name: string, block: number, words: Uint32Array): void {
    const sequence = this.#sequences.get(name);
    const there = sequence?.get(block);
    if (there) sequence?.set(block, { ...there, words });
  }

  drop(name: string, blocks: readonly number[]): void {
    for (const block of blocks) this.#sequences.get(name)?.delete(block);
  }

  forget(name: string): void {
    this.#sequences.delete(name);
  }
}
