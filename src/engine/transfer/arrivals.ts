/** KV that came from another engine and waits in host memory for its sequence to be admitted. */
import type { SequenceKv } from '../../core/transfer/kv.ts';

export class Arrivals {
  readonly #waiting = new Map<number, SequenceKv>();

  add(request: number, kv: SequenceKv): void {
    if (kv.tokens > 0) this.#waiting.set(request, kv);
  }

  /** Tokens that need no computing. */
  tokens(request: number): number {
    return this.#waiting.get(request)?.tokens ?? 0;
  }

  /** Takes it out. @throws Error for a request that nothing waits for */
  take(request: number): SequenceKv {
    const kv = this.#waiting.get(request);
    if (!kv) throw new Error(`Nothing has arrived for request ${request}, which a plan relied on.`);
    this.#waiting.delete(request);
    return kv;
  }

  forget(request: number): void {
    this.#waiting.delete(request);
  }
}

/**
 * Some blocks of a sequence as the pools take them.
 * @returns for each layer u32 [count][blockWords]
 */
export function layersOf(
  blocks: readonly Uint32Array[],
  first: number,
  count: number,
  layers: number,
): Uint32Array[] {
  const chosen = blocks.slice(first, first + count);
  return Array.from({ length: layers }, (_, layer) => {
    const blockWords = (chosen[0]?.length ?? 0) / layers;
    const words = new Uint32Array(chosen.length * blockWords);
    chosen.forEach((block, i) =>
      words.set(block.subarray(layer * blockWords, (layer + 1) * blockWords), i * blockWords),
    );
    return words;
  });
}

/** The way back: what `readBlocks` gave, block by block. @returns u32 [layers][blockWords] each */
export function blocksOfLayers(layers: readonly Uint32Array[], blockWords: number): Uint32Array[] {
  const count = (layers[0]?.length ?? 0) / blockWords;
  return Array.from({ length: count }, (_, i) => {
    const block = new Uint32Array(layers.length * blockWords);
    layers.forEach((words, layer) =>
      block.set(words.subarray(i * blockWords, (i + 1) * blockWords), layer * blockWords),
    );
    return block;
  });
}
