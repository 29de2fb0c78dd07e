/** Blocks of finished sequences that one of the same name finds again; the one that ended first goes first. */
export class IdleCache {
  #entries = new Map<string, number>();

  get blocks(): number {
    return [...this.#entries.values()].reduce((sum, blocks) => sum + blocks, 0);
  }

  put(name: string, blocks: number): void {
    this.#entries.delete(name);
    if (blocks > 0) this.#entries.set(name, blocks);
  }

  /** Takes the blocks of a name out. @returns how many */
  take(name: string): number {
    const blocks = this.#entries.get(name) ?? 0;
    this.#entries.delete(name);
    return blocks;
  }

  /** Gives up blocks until at most `most` are left; the last blocks of a sequence before its first. */
  trim(most: number): void {
    let over = this.blocks - Math.max(0, most);
    for (const [name, blocks] of this.#entries) {
      if (over <= 0) return;
      const gone = Math.min(over, blocks);
      over -= gone;
      if (gone === blocks) this.#entries.delete(name);
      else this.#entries.set(name, blocks - gone);
    }
  }
}
