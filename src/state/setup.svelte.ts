/** What the lab is about to run: a preset, its edited draft, and the link that holds both. */
import { decodeLink, encodeScenarioLink, type Link } from '../core/scenario/link.ts';
import { LAB_PRESETS, presetScenario } from '../core/scenario/presets.ts';
import type { Scenario } from '../core/scenario/schema.ts';
import { DraftMemory } from './draft-memory.ts';
import { labDraft, type LabDraft } from './lab-draft.ts';
import type { KeyValue } from './theme.svelte.ts';

/** What other rooms open. */
type Elsewhere = 'simulation' | 'quality' | 'serve' | 'plan' | 'tune' | 'load' | 'autopilot';

const FIRST = LAB_PRESETS[0]?.name ?? '';

export class Setup {
  readonly draft: LabDraft;
  preset: string | null = $state(FIRST);
  /** Why the last link was refused; it changed nothing. */
  linkProblem: string | null = $state(null);
  /** Said once after a link was taken. */
  linkTaken = $state(false);
  /** True while the draft is an edited one that a reload found again. */
  recalled = $state(false);
  readonly #memory: DraftMemory;
  #lastLink: string | null = null;

  constructor(tab: KeyValue | null = null) {
    this.#memory = new DraftMemory(tab, 'kvlab.draft.lab');
    this.draft = labDraft(presetScenario(FIRST));
    const kept = this.#memory.recall();
    if (kept === null || !this.draft.recall(kept.document)) return;
    this.preset = LAB_PRESETS.some(({ name }) => name === kept.name) ? kept.name : null;
    this.#lastLink = kept.address === '' ? null : kept.address;
    const start = this.preset === null ? null : presetScenario(this.preset);
    this.recalled = JSON.stringify(this.draft.document) !== JSON.stringify(start);
  }

  /** Remembers the draft as it stands; called whenever it has changed. */
  keep(): void {
    const { readable } = this.draft;
    const address = this.#lastLink ?? '';
    if (readable !== null) this.#memory.keep({ name: this.preset, address, document: readable });
  }

  /** Drops what was edited: the preset again, or the first where there was none. */
  startOver(): void {
    this.choose(this.preset ?? FIRST);
  }

  choose(name: string): void {
    this.#load(presetScenario(name), name);
  }

  /** Takes a scenario from a run; its link then stands on the defaults. */
  take(scenario: Scenario): void {
    this.#load(scenario, null);
  }

  #load(scenario: Scenario, preset: string | null): void {
    this.preset = preset;
    this.linkProblem = null;
    this.linkTaken = false;
    this.recalled = false;
    this.draft.load(scenario);
  }

  /**
   * Opens a link; a bad one gives its sentence and leaves the draft alone.
   * @returns what it holds where another room opens that, else null
   */
  async openLink(text: string): Promise<Elsewhere | null> {
    if (text === this.#lastLink) return null;
    this.#lastLink = text;
    const link = await decodeLink(text);
    if (this.#lastLink !== text) return null;
    if (link.ok && link.kind !== 'scenario' && link.kind !== 'check') return link.kind;
    this.#take(link);
    return null;
  }

  #take(link: Link): void {
    if (!link.ok) {
      this.linkProblem = link.sentence;
      this.linkTaken = false;
      return;
    }
    if (link.kind !== 'scenario') {
      this.linkProblem =
        'This link holds the card of a hardware check, not an experiment: open it without changing it.';
      return;
    }
    this.#load(link.scenario, link.preset);
    this.linkTaken = true;
  }

  /** The link's text after `#`; null while the draft does not read. */
  async link(): Promise<string | null> {
    const scenario = this.draft.scenario;
    return scenario === null ? null : encodeScenarioLink(scenario, this.preset);
  }
}
