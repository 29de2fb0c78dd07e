/** The serving lab on the page: a story, its edited draft, the link that holds both, and the run. */
import type { ServeRun } from '../core/run/serve.ts';
import { withValueAt } from '../core/scenario/layer.ts';
import { decodeLink, encodeScenarioLink } from '../core/scenario/link.ts';
import { parseServing, validateServing } from '../core/scenario/parse.ts';
import { presetServing, SERVE_PRESETS } from '../core/scenario/presets.ts';
import { SERVE_BACKENDS, type ServeBackend, type ServeScenario } from '../core/scenario/serve/schema.ts';
import { plannedPoints, plannedRounds } from '../lab/serving/plan.ts';
import { Draft, type Door } from './draft.svelte.ts';
import type { GpuState } from './gpu.svelte.ts';
import { ModelLabSession, type KeepsModelRuns } from './model-lab.svelte.ts';

export const SERVING_STORIES = SERVE_PRESETS.map(({ name, layer }) => ({
  name,
  title: String(layer['title'] ?? name),
}));

const FIRST_STORY = 'serve-concurrency';

const DOOR: Door<ServeScenario> = { validate: validateServing, parse: parseServing, set: withValueAt };

export type ServingDraft = Draft<ServeScenario>;

/** What a run of the scenario does, in words. */
export interface ServingPlan {
  readonly points: readonly string[];
  readonly repetitions: number;
  readonly requests: number;
}

export class ServingLab {
  readonly session: ModelLabSession<ServeRun>;
  readonly draft: ServingDraft = new Draft(presetServing(FIRST_STORY), DOOR);
  /** The story that the draft began with; null for one of the person's own. */
  story: string | null = $state(FIRST_STORY);
  /** Why the last link was refused; it changed nothing. */
  linkProblem: string | null = $state(null);
  #lastLink: string | null = null;

  constructor(gpu: GpuState, library: KeepsModelRuns<ServeRun>) {
    this.session = new ModelLabSession(gpu, library, 'A serving run');
  }

  get plan(): ServingPlan | null {
    const { scenario } = this.draft;
    if (scenario === null) return null;
    const points = plannedPoints(scenario);
    const rounds = plannedRounds(scenario).length;
    return {
      points: points.map(({ label }) => label),
      repetitions: rounds,
      requests: points.length * rounds * scenario.workload.requests,
    };
  }

  choose(name: string): void {
    this.take(presetServing(name), name);
  }

  take(scenario: ServeScenario, story: string | null = null): void {
    this.draft.load(scenario);
    this.story = story;
    this.linkProblem = null;
  }

  get backends(): readonly string[] {
    const backends = this.draft.at('backends');
    return Array.isArray(backends) ? backends.map(String) : [];
  }

  /** Puts a backend in or takes it out; the order is that of the schema. */
  toggle(backend: ServeBackend): void {
    const had = this.backends;
    const next = SERVE_BACKENDS.filter((one) => had.includes(one) !== (one === backend));
    this.draft.set('backends', next);
  }

  /** Opens a link; a bad one gives its sentence and changes nothing. The same one twice undoes nothing. */
  async follow(text: string): Promise<void> {
    if (text === this.#lastLink) return;
    this.#lastLink = text;
    const link = await decodeLink(text);
    if (this.#lastLink !== text) return;
    if (link.ok && link.kind === 'serve') this.take(link.scenario, link.preset);
    else this.linkProblem = link.ok ? 'This link holds no serving run.' : link.sentence;
  }

  link(): Promise<string | null> {
    const { scenario } = this.draft;
    return scenario === null ? Promise.resolve(null) : encodeScenarioLink(scenario, this.story);
  }

  async start(): Promise<void> {
    const { scenario } = this.draft;
    if (scenario === null) return;
    await this.session.start((model, onProgress) => model.serve(scenario, onProgress));
  }
}
