/** The runs kept in this browser: list, search, rename, delete, carry out and in. */
import type { Run } from '../core/run/schema.ts';
import type { Imported, RunEntry } from '../store/runs.ts';
import { faultFromUnknown, type Fault } from './faults.ts';

/** The store as the page uses it. Every call may reject with an error whose message is one sentence. */
export interface LibraryPort {
  list(): Promise<readonly RunEntry[]>;
  get(id: string): Promise<Run | null>;
  put(run: Run): Promise<void>;
  rename(id: string, title: string): Promise<void>;
  remove(id: string): Promise<void>;
  /** Everything, as one JSON text. */
  exportAll(): Promise<string>;
  /** One run file, an export of everything, or what another tool measured. */
  importText(text: string, file?: string): Promise<Imported>;
}

const MAX_TITLE = 120;

export class Library {
  readonly #port: LibraryPort;
  /** null until the list was read once. */
  entries: readonly RunEntry[] | null = $state.raw(null);
  search = $state('');
  fault: Fault | null = $state.raw(null);

  readonly found: readonly RunEntry[] = $derived.by(() => {
    const words = this.search
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    const text = (e: RunEntry) => `${e.title} ${e.device} ${e.kind} ${e.createdAt}`.toLowerCase();
    return (this.entries ?? []).filter((entry) => words.every((word) => text(entry).includes(word)));
  });

  constructor(port: LibraryPort) {
    this.#port = port;
  }

  refresh(): Promise<void> {
    return this.#guard(async () => void (this.entries = await this.#port.list()));
  }

  /** Keeps a run; the fault is returned too, for the view that measured it. */
  async keep(run: Run): Promise<Fault | null> {
    try {
      await this.#port.put(run);
    } catch (thrown) {
      return faultFromUnknown(thrown);
    }
    if (this.entries !== null) await this.refresh();
    return null;
  }

  async open(id: string): Promise<Run | null> {
    try {
      return await this.#port.get(id);
    } catch (thrown) {
      this.fault = faultFromUnknown(thrown);
      return null;
    }
  }

  rename(id: string, title: string): Promise<void> {
    const clean = title.trim().slice(0, MAX_TITLE);
    if (clean === '') return Promise.resolve();
    return this.#guard(async () => {
      await this.#port.rename(id, clean);
      this.entries = await this.#port.list();
    });
  }

  remove(id: string): Promise<void> {
    return this.#guard(async () => {
      await this.#port.remove(id);
      this.entries = await this.#port.list();
    });
  }

  async exportAll(): Promise<string | null> {
    let text: string | null = null;
    await this.#guard(async () => void (text = await this.#port.exportAll()));
    return text;
  }

  async importText(text: string, file?: string): Promise<Imported> {
    try {
      const imported = await this.#port.importText(text, file);
      this.entries = await this.#port.list();
      return imported;
    } catch (thrown) {
      return { added: 0, refused: [faultFromUnknown(thrown).text] };
    }
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.fault = null;
    } catch (thrown) {
      this.fault = faultFromUnknown(thrown);
    }
  }
}
