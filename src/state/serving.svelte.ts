/** The serving lab on the page: which scenario, as it is edited, and its run. */
import { canonicalJson, type JsonObject } from '../core/json.ts';
import type { ServeRun } from '../core/run/serve.ts';
import { diffLayer } from '../core/scenario/layer.ts';
import { encodeScenarioLink } from '../core/scenario/link.ts';
import { parseServing } from '../core/scenario/parse.ts';
import { presetServing, SERVE_PRESETS } from '../core/scenario/presets.ts';
import { DEFAULT_SERVING } from '../core/scenario/serve/defaults.ts';
import type { ServeScenario } from '../core/scenario/serve/schema.ts';
import { plannedPoints, plannedRounds } from '../lab/serving/plan.ts';
import type { GpuState } from './gpu.svelte.ts';
import { ModelLabSession, type KeepsModelRuns } from './model-lab.svelte.ts';

export const SERVING_TITLES = SERVE_PRESETS.map(({ name, layer }) => ({
  name,
  title: String(layer['title'] ?? name),
}));

/** What a run of the scenario does, in words. */
export interface ServingPlan {
  readonly points: readonly string[];
  readonly repetitions: number;
  readonly requests: number;
}

export class ServingLab {
  readonly session: ModelLabSession<ServeRun>;
  /** The preset that is shown; null for one of the person's own. */
  preset: string | null = $state('serve-concurrency');
  /** The scenario as its differences from the defaults, as text that can be edited. */
  text: string = $state('');
  readonly #read = $derived(parseServing(this.text));

  constructor(gpu: GpuState, library: KeepsModelRuns<ServeRun>) {
    this.session = new ModelLabSession(gpu, library, 'A serving run');
    this.choose('serve-concurrency');
  }

  get scenario(): ServeScenario | null {
    return this.#read.ok ? this.#read.scenario : null;
  }

  /** What is wrong with the text; null where it reads. */
  get problem(): string | null {
    return this.#read.ok ? null : this.#read.sentence;
  }

  get plan(): ServingPlan | null {
    const { scenario } = this;
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
    this.take(presetServing(name));
    this.preset = name;
  }

  take(scenario: ServeScenario): void {
    this.text = textOf(scenario);
    const same = canonicalJson(scenario);
    this.preset = SERVE_PRESETS.find(({ name }) => canonicalJson(presetServing(name)) === same)?.name ?? null;
  }

  edit(text: string): void {
    this.text = text;
    this.preset = null;
  }

  link(): Promise<string> {
    const { scenario } = this;
    return scenario === null
      ? Promise.reject(new Error(this.problem ?? 'The scenario does not read.'))
      : encodeScenarioLink(scenario, this.preset);
  }

  async start(): Promise<void> {
    const { scenario } = this;
    if (scenario === null) return;
    await this.session.start((model, onProgress) => model.serve(scenario, onProgress));
  }
}

function textOf(scenario: ServeScenario): string {
  const layer: JsonObject = { version: 1, kind: 'serve', ...diffLayer(DEFAULT_SERVING, scenario) };
  return JSON.stringify(layer, null, 2);
}
