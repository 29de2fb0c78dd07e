/** What the lab is about to run: a preset, its edited draft, and the link that holds both. */
import { decodeLink, encodeScenarioLink, type Link } from '../core/scenario/link.ts';
import { PRESETS, presetScenario } from '../core/scenario/presets.ts';
import type { Scenario } from '../core/scenario/schema.ts';
import { labDraft, type LabDraft } from './lab-draft.ts';

const FIRST = PRESETS[0]?.name ?? '';

export class Setup {
  readonly draft: LabDraft;
  preset: string | null = $state(FIRST);
  /** Why the last link was refused; it changed nothing. */
  linkProblem: string | null = $state(null);
  /** Said once after a link was taken. */
  linkTaken = $state(false);
  #lastLink: string | null = null;

  constructor() {
    this.draft = labDraft(presetScenario(FIRST));
  }

  choose(name: string): void {
    this.preset = name;
    this.linkProblem = null;
    this.linkTaken = false;
    this.draft.load(presetScenario(name));
  }

  /** Takes a scenario from a run; its link then stands on the defaults. */
  take(scenario: Scenario): void {
    this.preset = null;
    this.linkProblem = null;
    this.linkTaken = false;
    this.draft.load(scenario);
  }

  /**
   * Opens a link; a bad one gives its sentence and leaves the draft alone.
   * @returns true when it holds a simulation, which another room opens
   */
  async openLink(text: string): Promise<boolean> {
    if (text === this.#lastLink) return false;
    this.#lastLink = text;
    const link = await decodeLink(text);
    if (this.#lastLink !== text) return false;
    if (link.ok && link.kind === 'simulation') return true;
    this.#take(link);
    return false;
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
    this.linkProblem = null;
    this.linkTaken = true;
    this.preset = link.preset;
    this.draft.load(link.scenario);
  }

  /** The link's text after `#`; null while the draft does not read. */
  async link(): Promise<string | null> {
    const scenario = this.draft.scenario;
    return scenario === null ? null : encodeScenarioLink(scenario, this.preset);
  }
}
