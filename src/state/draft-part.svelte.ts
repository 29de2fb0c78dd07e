/**
 * One part of a draft as a draft of its own, for the editors that know only that part: what is changed in either is
 * changed in both. `sync` is called in an effect, and so whenever one of them has changed.
 */
import type { Json } from '../core/json.ts';
import { Draft, type AnyDraft, type Door } from './draft.svelte.ts';

export class DraftPart<S extends Json> {
  readonly draft: Draft<S>;
  readonly #whole: AnyDraft;
  readonly #path: string;
  /** What each held when they last agreed; reading makes a copy, so these are two. */
  #outside: Json;
  #inside: Json;

  /** @param start what the part holds now */
  constructor(whole: AnyDraft, path: string, start: S, door: Door<S>) {
    this.#whole = whole;
    this.#path = path;
    this.draft = new Draft(start, door);
    this.#outside = whole.at(path) ?? null;
    this.#inside = this.draft.document;
  }

  sync(): void {
    const outside = this.#whole.at(this.#path) ?? null;
    const inside = this.draft.document;
    if (outside !== this.#outside) {
      this.#outside = outside;
      if (this.draft.recall(outside)) this.#inside = this.draft.document;
    } else if (inside !== this.#inside) {
      this.#inside = inside;
      this.#outside = inside;
      this.#whole.set(this.#path, inside);
    }
    this.#tell();
  }

  /** What stands in the way of the part stands in the way of the whole. */
  #tell(): void {
    const problem = this.draft.problems[0] ?? null;
    if (problem === this.#whole.problemOf(this.#path)) return;
    if (problem === null) this.#whole.clear(this.#path);
    else this.#whole.refuse(this.#path, '', problem);
  }
}
