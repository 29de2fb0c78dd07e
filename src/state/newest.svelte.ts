/**
 * One question at a time, and of those that come meanwhile only the newest: a slider can never outpace the worker, and
 * what is on screen stays until its successor is there.
 */
import type { Outcome } from '../workers/api.ts';
import { faultFromUnknown, faultOf, type Fault } from './faults.ts';

export class Newest<Wish, Answer> {
  readonly #ask: (wish: Wish) => Promise<Outcome<Answer>>;
  value: Answer | null = $state.raw(null);
  /** Why the newest wish has no answer; the value is then of an older one. */
  fault: Fault | null = $state.raw(null);
  working = $state(false);
  #wanted: { readonly wish: Wish } | null = null;

  constructor(ask: (wish: Wish) => Promise<Outcome<Answer>>) {
    this.#ask = ask;
  }

  want(wish: Wish): void {
    const idle = this.#wanted === null;
    this.#wanted = { wish };
    if (idle) void this.#work();
  }

  clear(): void {
    this.value = null;
    this.fault = null;
  }

  async #work(): Promise<void> {
    this.working = true;
    for (let wanted = this.#wanted; wanted !== null;) {
      const outcome = await this.#settled(wanted.wish);
      if (outcome.ok) this.value = outcome.value;
      this.fault = outcome.ok ? null : faultOf(outcome.error);
      if (this.#wanted === wanted) this.#wanted = null;
      wanted = this.#wanted;
    }
    this.working = false;
  }

  async #settled(wish: Wish): Promise<Outcome<Answer>> {
    try {
      return await this.#ask(wish);
    } catch (thrown) {
      const { code, text } = faultFromUnknown(thrown);
      return { ok: false, error: { code, message: text, data: null } };
    }
  }
}
