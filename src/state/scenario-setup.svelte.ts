/**
 * What a room is about to work on: a preset, its edited draft, and the link that holds both. The same for every kind of
 * scenario whose room has its own address.
 */
import type { Json } from '../core/json.ts';
import type { AnyScenario } from '../core/scenario/kinds.ts';
import { decodeLink, encodeScenarioLink, type Link } from '../core/scenario/link.ts';
import type { Preset } from '../core/scenario/presets.ts';
import { DraftMemory } from './draft-memory.ts';
import { Draft, type Door } from './draft.svelte.ts';
import { lasting } from './lasting.svelte.ts';
import type { KeyValue } from './theme.svelte.ts';

export interface SetupKind<S extends AnyScenario> {
  readonly door: Door<S>;
  readonly defaults: S;
  readonly presets: readonly Preset[];
  readonly preset: (name: string) => S;
  /** Its scenario, where a link holds one of this kind. */
  readonly linked: (link: Link) => { readonly scenario: S; readonly preset: string | null } | null;
  /** What one of them is called: “plan”. */
  readonly word: string;
  /** Address of the room, after `#`. */
  readonly room: string;
  /** Under which a tab keeps the draft. */
  readonly key: string;
}

export interface NamedAddress {
  readonly link: string | null;
  readonly story: string | null;
}

export class ScenarioSetup<S extends AnyScenario & Json> {
  readonly draft: Draft<S>;
  story: string | null = $state(null);
  /** Why the last address was refused; it changed nothing. */
  problem: string | null = $state(null);
  /** Said once after a link was taken. */
  linkTaken = $state(false);
  /** True while the draft is an edited one that a reload found again. */
  recalled = $state(false);
  readonly kind: SetupKind<S>;
  readonly #memory: DraftMemory;
  #lastAddress = '';

  constructor(kind: SetupKind<S>, tab: KeyValue | null = null) {
    this.kind = kind;
    this.#memory = new DraftMemory(tab, kind.key);
    this.story = kind.presets[0]?.name ?? null;
    this.draft = lasting(() => new Draft(this.#start(), kind.door));
    const kept = this.#memory.recall();
    if (kept === null || !this.draft.recall(kept.document)) return;
    this.story = this.#knows(kept.name) ? kept.name : null;
    this.#lastAddress = kept.address;
    this.recalled = JSON.stringify(this.draft.document) !== JSON.stringify(this.#start());
  }

  /** Remembers the draft as it stands; called whenever it has changed. */
  keep(): void {
    const { readable } = this.draft;
    const { story: name } = this;
    if (readable !== null) this.#memory.keep({ name, address: this.#lastAddress, document: readable });
  }

  startOver(): void {
    this.#load(this.#start(), this.story);
  }

  choose(name: string): void {
    this.#load(this.kind.preset(name), name);
  }

  /** Takes a scenario from a run; its link then stands on the defaults. */
  take(scenario: S): void {
    this.#load(scenario, null);
  }

  /** Follows what an address names: a link or a preset. The same address twice undoes nothing. */
  async follow({ link, story }: NamedAddress): Promise<void> {
    const address = JSON.stringify([link, story]);
    if (address === this.#lastAddress || (link === null && story === null)) return;
    this.#lastAddress = address;
    if (link !== null) await this.#openLink(link, address);
    else if (story !== null) this.#openStory(story);
  }

  /** The link's text after `#`; null while the draft does not read. */
  async link(): Promise<string | null> {
    const { scenario } = this.draft;
    return scenario === null ? null : roomLink(this.kind, scenario, this.story);
  }

  set(path: string, value: Json): void {
    this.draft.set(path, value);
  }

  #start(): S {
    return this.story === null ? this.kind.defaults : this.kind.preset(this.story);
  }

  #knows(name: string | null): boolean {
    return this.kind.presets.some((preset) => preset.name === name);
  }

  #load(scenario: S, story: string | null): void {
    this.story = story;
    this.problem = null;
    this.linkTaken = false;
    this.recalled = false;
    this.draft.load(scenario);
  }

  #openStory(name: string): void {
    if (this.#knows(name)) {
      this.choose(name);
      return;
    }
    const known = this.kind.presets.map((preset) => preset.name).join(', ');
    this.problem = `There is no ${this.kind.word} “${name.slice(0, 60)}” here; known: ${known}.`;
  }

  async #openLink(text: string, address: string): Promise<void> {
    const link = await decodeLink(text);
    if (this.#lastAddress !== address) return;
    const found = this.kind.linked(link);
    if (found === null) {
      this.problem = link.ok
        ? `This link holds no ${this.kind.word}: open it without changing it.`
        : link.sentence;
      this.linkTaken = false;
      return;
    }
    this.#load(found.scenario, found.preset);
    this.linkTaken = true;
  }
}

/** The link of a scenario, after `#`: an address within the page, so that it opens its room at once. */
export async function roomLink<S extends AnyScenario>(
  { room }: Pick<SetupKind<S>, 'room'>,
  scenario: S,
  story: string | null,
): Promise<string> {
  return `${room}?link=${await encodeScenarioLink(scenario, story)}`;
}
