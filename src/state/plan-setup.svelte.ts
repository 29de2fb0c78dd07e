/** What the planner is asked: a preset, its edited draft, and the link that holds both. */
import type { Json } from '../core/json.ts';
import { withValueAt } from '../core/scenario/layer.ts';
import { decodeLink, encodeScenarioLink } from '../core/scenario/link.ts';
import { parsePlan, validatePlan } from '../core/scenario/parse.ts';
import { DEFAULT_PLAN } from '../core/scenario/plan/defaults.ts';
import type { PlanScenario } from '../core/scenario/plan/schema.ts';
import { PLAN_PRESETS, presetPlan } from '../core/scenario/presets.ts';
import { DraftMemory } from './draft-memory.ts';
import { Draft, type Door } from './draft.svelte.ts';
import { lasting } from './lasting.svelte.ts';
import type { PlanRoute } from './route.ts';
import type { KeyValue } from './theme.svelte.ts';

const DOOR: Door<PlanScenario> = { validate: validatePlan, parse: parsePlan, set: withValueAt };

export type PlanDraft = Draft<PlanScenario>;

/** Sent as an address within the page, so that it opens this room at once. */
const ADDRESS = '/plan?link=';

function startOr(name: string | null): PlanScenario {
  return name === null ? DEFAULT_PLAN : presetPlan(name);
}

export class PlanSetup {
  readonly draft: PlanDraft;
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
    this.#memory = new DraftMemory(tab, 'kvlab.draft.plan');
    this.story = PLAN_PRESETS[0]?.name ?? null;
    this.draft = lasting(() => new Draft(startOr(this.story), DOOR));
    const kept = this.#memory.recall();
    if (kept === null || !this.draft.recall(kept.document)) return;
    this.story = PLAN_PRESETS.some(({ name }) => name === kept.name) ? kept.name : null;
    this.#lastAddress = kept.address;
    this.recalled = JSON.stringify(this.draft.document) !== JSON.stringify(startOr(this.story));
  }

  /** Remembers the draft as it stands; called whenever it has changed. */
  keep(): void {
    const { readable } = this.draft;
    const { story: name } = this;
    if (readable !== null) this.#memory.keep({ name, address: this.#lastAddress, document: readable });
  }

  startOver(): void {
    this.#load(startOr(this.story), this.story);
  }

  choose(name: string): void {
    this.#load(presetPlan(name), name);
  }

  /** Takes a scenario from a run; its link then stands on the defaults. */
  take(scenario: PlanScenario): void {
    this.#load(scenario, null);
  }

  /** Follows what an address names: a link or a preset. The same address twice undoes nothing. */
  async follow({ link, story }: Pick<PlanRoute, 'link' | 'story'>): Promise<void> {
    const address = JSON.stringify([link, story]);
    if (address === this.#lastAddress || (link === null && story === null)) return;
    this.#lastAddress = address;
    if (link !== null) await this.#openLink(link, address);
    else if (story !== null) this.#openStory(story);
  }

  /** The link's text after `#`; null while the draft does not read. */
  async link(): Promise<string | null> {
    const { scenario } = this.draft;
    return scenario === null ? null : `${ADDRESS}${await encodeScenarioLink(scenario, this.story)}`;
  }

  set(path: string, value: Json): void {
    this.draft.set(path, value);
  }

  #load(scenario: PlanScenario, story: string | null): void {
    this.story = story;
    this.problem = null;
    this.linkTaken = false;
    this.recalled = false;
    this.draft.load(scenario);
  }

  #openStory(name: string): void {
    if (PLAN_PRESETS.some((preset) => preset.name === name)) {
      this.choose(name);
      return;
    }
    const known = PLAN_PRESETS.map((preset) => preset.name).join(', ');
    this.problem = `There is no plan “${name.slice(0, 60)}” here; known: ${known}.`;
  }

  async #openLink(text: string, address: string): Promise<void> {
    const link = await decodeLink(text);
    if (this.#lastAddress !== address) return;
    if (!link.ok || link.kind !== 'plan') {
      this.problem = link.ok ? 'This link holds no plan: open it without changing it.' : link.sentence;
      this.linkTaken = false;
      return;
    }
    this.#load(link.scenario, link.preset);
    this.linkTaken = true;
  }
}

/** The link of a plan's scenario, after `#`. */
export async function planLink(scenario: PlanScenario): Promise<string> {
  return `${ADDRESS}${await encodeScenarioLink(scenario, null)}`;
}
