/**
 * What is being edited, kept for as long as the tab is: a reload finds it again. Only documents that read are kept, so
 * that what is recalled can always be shown. What was typed wrong, files and results are left out.
 */
import type { Json } from '../core/json.ts';
import { isJsonObject } from '../core/json.ts';
import type { KeyValue } from './theme.svelte.ts';

export interface KeptDraft {
  /** Preset that the draft began with; null: none. */
  readonly name: string | null;
  /** The address that was followed last, so that following it again undoes nothing. */
  readonly address: string;
  readonly document: Json;
}

/** Storage of a tab is a few megabytes for everything; a draft is a few kilobytes. */
const MOST_CHARACTERS = 500_000;

export class DraftMemory {
  readonly #store: KeyValue | null;
  readonly #key: string;

  constructor(store: KeyValue | null, key: string) {
    this.#store = store;
    this.#key = key;
  }

  keep(draft: KeptDraft): void {
    const text = JSON.stringify(draft);
    try {
      if (text.length > MOST_CHARACTERS) this.#store?.removeItem(this.#key);
      else this.#store?.setItem(this.#key, text);
    } catch {
      // Blocked or full storage: the draft holds until the page is closed.
    }
  }

  /** What was kept last; null where there is nothing, or nothing that reads as a kept draft. */
  recall(): KeptDraft | null {
    try {
      const kept = JSON.parse(this.#store?.getItem(this.#key) ?? 'null') as Json;
      if (!isJsonObject(kept)) return null;
      const { name, address, document } = kept;
      if (typeof address !== 'string' || document === undefined) return null;
      return { name: typeof name === 'string' ? name : null, address, document };
    } catch {
      return null;
    }
  }
}
