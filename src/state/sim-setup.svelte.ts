/** What the simulator is about to run: a story, its edited draft, and the link that holds both. */
import type { Json } from '../core/json.ts';
import { withValueAt } from '../core/scenario/layer.ts';
import { decodeLink, encodeScenarioLink } from '../core/scenario/link.ts';
import { parseSimulation, validateSimulation } from '../core/scenario/parse.ts';
import { presetSimulation, SIM_PRESETS } from '../core/scenario/presets.ts';
import { DEFAULT_SIMULATION } from '../core/scenario/simulate/defaults.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import { DraftMemory } from './draft-memory.ts';
import { Draft, type Door } from './draft.svelte.ts';
import { lasting } from './lasting.svelte.ts';
import type { SimRoute } from './route.ts';
import type { KeyValue } from './theme.svelte.ts';

const DOOR: Door<SimScenario> = { validate: validateSimulation, parse: parseSimulation, set: withValueAt };

export type SimDraft = Draft<SimScenario>;

export function simDraft(scenario: SimScenario): SimDraft {
  return lasting(() => new Draft(scenario, DOOR));
}

function storyOr(name: string | null): SimScenario {
  return name === null ? DEFAULT_SIMULATION : presetSimulation(name);
}

/** Sent as an address within the page, so that it opens this room at once. */
const ADDRESS = '/simulate?link=';

export class SimSetup {
  readonly draft: SimDraft;
  story: string | null = $state(null);
  /** Why the last address was refused; it changed nothing. */
  problem: string | null = $state(null);
  /** Said once after a link was taken. */
  linkTaken = $state(false);
  /** True while the draft is an edited one that a reload found again. */
  recalled = $state(false);
  readonly #memory: DraftMemory;
  #lastAddress = '';

  constructor(tab: KeyValue | null = null) {
    this.#memory = new DraftMemory(tab, 'kvlab.draft.simulate');
    const first = SIM_PRESETS[0]?.name ?? null;
    this.story = first;
    this.draft = simDraft(storyOr(first));
    const kept = this.#memory.recall();
    if (kept === null || !this.draft.recall(kept.document)) return;
    this.story = SIM_PRESETS.some(({ name }) => name === kept.name) ? kept.name : null;
    this.#lastAddress = kept.address;
    this.recalled = JSON.stringify(this.draft.document) !== JSON.stringify(storyOr(this.story));
  }

  /** Remembers the draft as it stands; called whenever it has changed. */
  keep(): void {
    const { readable } = this.draft;
    const { story: name } = this;
    if (readable !== null) this.#memory.keep({ name, address: this.#lastAddress, document: readable });
  }

  /** Drops what was edited: the story again, or the defaults where there was none. */
  startOver(): void {
    this.#load(storyOr(this.story), this.story);
  }

  choose(name: string): void {
    this.#load(presetSimulation(name), name);
  }

  /** Takes a scenario from a run; its link then stands on the defaults. */
  take(scenario: SimScenario): void {
    this.#load(scenario, null);
  }

  /** Follows what an address names: a link, a story, a seed. The same address twice undoes nothing. */
  async follow({ link, story, seed }: SimRoute): Promise<void> {
    const address = JSON.stringify([link, story, seed]);
    if (address === this.#lastAddress || (link === null && story === null && seed === null)) return;
    this.#lastAddress = address;
    if (link !== null) await this.#openLink(link, address);
    else if (story !== null) this.#openStory(story);
    if (seed !== null && this.#lastAddress === address) this.draft.set('seed', seed);
  }

  /** The link's text after `#`; null while the draft does not read. */
  async link(): Promise<string | null> {
    const scenario = this.draft.scenario;
    return scenario === null ? null : `${ADDRESS}${await encodeScenarioLink(scenario, this.story)}`;
  }

  set(path: string, value: Json): void {
    this.draft.set(path, value);
  }

  #load(scenario: SimScenario, story: string | null): void {
    this.story = story;
    this.problem = null;
    this.linkTaken = false;
    this.recalled = false;
    this.draft.load(scenario);
  }

  #openStory(name: string): void {
    if (SIM_PRESETS.some((preset) => preset.name === name)) {
      this.choose(name);
      return;
    }
    const known = SIM_PRESETS.map((preset) => preset.name).join(', ');
    this.problem = `There is no story “${name.slice(0, 60)}” here; known: ${known}.`;
  }

  async #openLink(text: string, address: string): Promise<void> {
    const link = await decodeLink(text);
    if (this.#lastAddress !== address) return;
    if (!link.ok || link.kind !== 'simulation') {
      this.problem = link.ok ? 'This link holds no simulation: open it without changing it.' : link.sentence;
      this.linkTaken = false;
      return;
    }
    this.#load(link.scenario, link.preset);
    this.linkTaken = true;
  }
}

/** The link of a run's scenario, after `#`. */
export async function simRunLink(scenario: SimScenario): Promise<string> {
  return `${ADDRESS}${await encodeScenarioLink(scenario, null)}`;
}
