/** Models of the hub that this browser keeps: which, how large, and away with them. */
import { openModelStore, type KeptModel, type ModelStore } from '../engine/hub/store.ts';

/** All that is kept of one repository, whatever its commits. */
export interface KeptRepository {
  readonly hub: string;
  readonly id: string;
  readonly bytes: number;
}

export class KeptModels {
  readonly #open: () => Promise<ModelStore | null>;
  /** Largest first; null until they have been looked up. */
  repositories: readonly KeptRepository[] | null = $state.raw(null);
  /** What was deleted last, for a person. */
  deleted: KeptRepository | null = $state.raw(null);

  constructor(open: () => Promise<ModelStore | null> = () => openModelStore()) {
    this.#open = open;
  }

  get bytes(): number {
    return (this.repositories ?? []).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  async refresh(): Promise<void> {
    const store = await this.#open();
    this.repositories = byRepository((await store?.list()) ?? []);
  }

  async delete(repository: KeptRepository): Promise<void> {
    const store = await this.#open();
    const bytes = (await store?.delete(repository.hub, repository.id)) ?? 0;
    this.deleted = { ...repository, bytes };
    await this.refresh();
  }
}

function byRepository(models: readonly KeptModel[]): KeptRepository[] {
  const found: KeptRepository[] = [];
  for (const { hub, id, bytes } of models) {
    const at = found.findIndex((known) => known.hub === hub && known.id === id);
    if (at < 0) found.push({ hub, id, bytes });
    else found[at] = { hub, id, bytes: bytes + (found[at]?.bytes ?? 0) };
  }
  return found.sort((a, b) => b.bytes - a.bytes || (a.id < b.id ? -1 : 1));
}
