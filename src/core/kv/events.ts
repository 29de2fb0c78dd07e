/**
 * Typed events with listeners that come and go: how a pool and a cache tell what they do.
 *
 * An event is told after the change is complete, so a listener may ask and even change its sender. A listener that
 * throws stops nobody: not the sender, not the other listeners; its error is counted and the last one kept. There is no
 * clock in here: events carry a running number, and whoever wants times notes them as they come.
 */

/** Names of events with what each carries. */
type EventMap<E> = { readonly [K in keyof E]: object };

export type EventOf<E, K extends keyof E = keyof E> = K extends keyof E
  ? { readonly type: K; readonly sequence: number } & Readonly<E[K]>
  : never;

export type Listener<E, K extends keyof E = keyof E> = (event: EventOf<E, K>) => void;

type Listeners<E> = { [K in keyof E]?: readonly Listener<E, K>[] };

export class Emitter<E extends EventMap<E>> {
  #listeners: Listeners<E> = {};
  #all: readonly Listener<E>[] = [];
  #sequence = 0;
  #errors = 0;
  #lastError: unknown = null;

  /** @returns ends the subscription; calling it again does nothing */
  on<K extends keyof E>(type: K, listener: Listener<E, K>): () => void {
    // A new array each time: whoever is being told right now keeps the list that it began with.
    this.#listeners[type] = [...(this.#listeners[type] ?? []), listener];
    let active = true;
    return () => {
      if (active) this.#listeners[type] = without(this.#listeners[type] ?? [], listener);
      active = false;
    };
  }

  /** Every event. @returns ends the subscription */
  onAny(listener: Listener<E>): () => void {
    this.#all = [...this.#all, listener];
    let active = true;
    return () => {
      if (active) this.#all = without(this.#all, listener);
      active = false;
    };
  }

  /** Whether anybody listens: a sender with much to tell asks first. */
  hears(type: keyof E): boolean {
    return this.#all.length > 0 || (this.#listeners[type]?.length ?? 0) > 0;
  }

  emit<K extends keyof E>(type: K, data: E[K]): void {
    const sequence = this.#sequence++;
    if (!this.hears(type)) return;
    const event = { type, sequence, ...data } as unknown as EventOf<E, K>;
    for (const listener of this.#listeners[type] ?? []) this.#tell(listener, event);
    for (const listener of this.#all) this.#tell(listener, event);
  }

  /** Errors that listeners have thrown so far. */
  get listenerErrors(): number {
    return this.#errors;
  }

  /** The newest of them; null without one. */
  get lastListenerError(): unknown {
    return this.#lastError;
  }

  #tell<T>(listener: (event: T) => void, event: T): void {
    try {
      listener(event);
    } catch (error) {
      this.#errors++;
      this.#lastError = error;
    }
  }
}

/** One occurrence less. */
function without<T>(items: readonly T[], item: T): T[] {
  const at = items.indexOf(item);
  return items.filter((_, i) => i !== at);
}
