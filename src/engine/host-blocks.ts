/** Blocks in host memory, least recently used first out, within a number of blocks. */

export class HostBlocks {
  readonly #capacity: number;
  /** Key → words of each layer; null while the bytes are on their way. In order of use. */
  readonly #blocks = new Map<string, readonly Uint32Array[] | null>();
  /** Request → tokens that were kept whole when it was preempted. */
  readonly #kept = new Map<number, number>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#blocks.size;
  }

  fits(blocks: number): boolean {
    return blocks <= this.#capacity;
  }

  has(key: string): boolean {
    return this.#blocks.has(key);
  }

  keep(request: number, tokens: number): void {
    this.#kept.set(request, tokens);
  }

  keptTokens(request: number): number {
    return this.#kept.get(request) ?? 0;
  }

  forget(request: number): void {
    this.#kept.delete(request);
    const prefix = `request ${request} `;
    for (const key of this.#blocks.keys()) if (key.startsWith(prefix)) this.#blocks.delete(key);
  }

  /** Names of blocks whose bytes will come. */
  announce(keys: readonly string[]): void {
    for (const key of keys) this.#set(key, null);
    while (this.#blocks.size > this.#capacity) {
      const oldest = this.#blocks.keys().next().value;
      if (oldest === undefined) return;
      this.#drop(oldest);
    }
  }

  /** @param layers for each layer the words of all blocks in the order of their keys */
  put(keys: readonly string[], layers: readonly Uint32Array[], blockWords: number): void {
    keys.forEach((key, i) => {
      if (!this.#blocks.has(key)) return;
      const words = layers.map((layer) => layer.slice(i * blockWords, (i + 1) * blockWords));
      this.#blocks.set(key, words);
    });
  }

  /** Words of blocks side by side, layer by layer, as `put` takes them. @throws Error for a key that is not there */
  gather(keys: readonly string[], blockWords: number, layers: number): Uint32Array[] {
    return Array.from({ length: layers }, (_, layer) => {
      const words = new Uint32Array(keys.length * blockWords);
      keys.forEach((key, i) => {
        const block = this.#blocks.get(key)?.[layer];
        if (!block) throw new Error(`Host memory lost ${key}, which a plan relied on.`);
        words.set(block, i * blockWords);
      });
      return words;
    });
  }

  #set(key: string, value: readonly Uint32Array[] | null): void {
    this.#blocks.delete(key);
    this.#blocks.set(key, value);
  }

  /** A preempted request whose blocks are not all there any more is computed again. */
  #drop(key: string): void {
    this.#blocks.delete(key);
    const request = /^request (\d+) /.exec(key)?.[1];
    if (request !== undefined) this.forget(Number(request));
  }
}
