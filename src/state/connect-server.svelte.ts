/**
 * The server that the room Connect talks to: its address and key, what the probe learned, and why it was refused.
 *
 * Both are kept for this tab's session only; where the person says so, in this browser until they take it back. They are
 * never part of a scenario, a run, a link or a file.
 */
import type { LoadedServer } from '../core/run/load.ts';
import type { ConnectApi, Outcome, Target } from '../workers/connect-api.ts';
import { faultFromUnknown, faultOf, type Fault } from './faults.ts';
import type { KeyValue } from './theme.svelte.ts';

export interface Forgets extends KeyValue {
  removeItem(key: string): void;
}

export interface ServerMemory {
  /** Of this tab. */
  readonly tab: Forgets | null;
  /** Of this browser; used only where the person says so. */
  readonly browser: Forgets | null;
}

const URL_KEY = 'kvlab.connect.url';
const KEPT_KEY = 'kvlab.connect.kept';

/** Why a question was not answered, and which rule of the browser it was, where it was one. */
export interface Refused extends Fault {
  readonly refusal: string | null;
}

export class ServerLink {
  readonly #ask: Pick<ConnectApi, 'probe'>;
  readonly #memory: ServerMemory;
  url: string = $state('');
  key: string = $state('');
  /** The person wants both kept in this browser. */
  keep: boolean = $state(false);
  told: LoadedServer | null = $state.raw(null);
  refused: Refused | null = $state.raw(null);
  probing = $state(false);

  constructor(ask: Pick<ConnectApi, 'probe'>, memory: ServerMemory) {
    this.#ask = ask;
    this.#memory = memory;
    const kept = keptOf(memory.browser?.getItem(KEPT_KEY) ?? null);
    this.keep = kept !== null;
    this.url = memory.tab?.getItem(URL_KEY) ?? kept?.url ?? '';
    this.key = kept?.key ?? '';
  }

  get target(): Target {
    return { url: this.url.trim(), key: this.key === '' ? null : this.key };
  }

  setUrl(url: string): void {
    if (url === this.url) return;
    this.url = url;
    this.told = null;
    this.refused = null;
    put(this.#memory.tab, URL_KEY, url);
    this.#remember();
  }

  setKey(key: string): void {
    this.key = key;
    this.#remember();
  }

  setKeep(keep: boolean): void {
    this.keep = keep;
    this.#remember();
  }

  /** Address and key leave this tab and this browser. */
  forget(): void {
    this.setUrl('');
    this.key = '';
    this.keep = false;
    remove(this.#memory.tab, URL_KEY);
    this.#remember();
  }

  async probe(): Promise<void> {
    if (this.probing) return;
    this.probing = true;
    this.told = null;
    this.refused = null;
    const asked = this.url;
    const outcome = await settled(() => this.#ask.probe(this.target));
    this.probing = false;
    if (this.url !== asked) return;
    if (outcome.ok) this.told = outcome.value;
    else this.refused = refusedOf(outcome.error);
  }

  #remember(): void {
    if (this.keep) put(this.#memory.browser, KEPT_KEY, JSON.stringify({ url: this.url, key: this.key }));
    else remove(this.#memory.browser, KEPT_KEY);
  }
}

function put(memory: KeyValue | null, name: string, value: string): void {
  try {
    memory?.setItem(name, value);
  } catch {
    // A browser that is full keeps nothing; the page works all the same.
  }
}

function remove(memory: Forgets | null, name: string): void {
  memory?.removeItem(name);
}

function keptOf(text: string | null): { url: string; key: string } | null {
  if (text === null) return null;
  try {
    const { url, key } = JSON.parse(text) as Record<string, unknown>;
    return typeof url === 'string' && typeof key === 'string' ? { url, key } : null;
  } catch {
    return null;
  }
}

type Failure = Extract<Outcome<never>, { ok: false }>['error'];

export function refusedOf(error: Failure): Refused {
  const kind: unknown =
    error.code === 'refused' && typeof error.data === 'object' && error.data !== null
      ? Reflect.get(error.data, 'kind')
      : null;
  return { ...faultOf(error), refusal: typeof kind === 'string' ? kind : null };
}

/** The answer, or whatever was thrown as one. */
export async function settled<T>(ask: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
  try {
    return await ask();
  } catch (thrown) {
    const { code, text } = faultFromUnknown(thrown);
    return { ok: false, error: { code, message: text, data: null } };
  }
}
