/** Two scenarios beside each other: A, what B changes of it, and what that changed. */
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { diffLayer, valueAt } from '../core/scenario/layer.ts';
import { decodeLink, encodeScenarioLink } from '../core/scenario/link.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import { expandSweep } from '../core/scenario/sweep.ts';
import type { ComparedRuns, SimInputs } from '../workers/sim-api.ts';
import { DraftMemory } from './draft-memory.ts';
import { formatRoute, SIMULATE } from './route.ts';
import { SimTask, type KnowsKeptRuns, type SimPort } from './sim-session.svelte.ts';
import { simDraft, type SimDraft } from './sim-setup.svelte.ts';
import type { KeyValue } from './theme.svelte.ts';

export interface Change {
  readonly path: string;
  readonly a: string;
  readonly b: string;
}

/** Seeds that give an interval without a long wait. */
const SEEDS = 5;

export class SimCompare {
  readonly #library: KnowsKeptRuns;
  /** Both sides outlive a reload of the page. */
  readonly #memory: readonly [a: DraftMemory, b: DraftMemory];
  readonly task: SimTask<ComparedRuns>;
  readonly a: SimDraft;
  readonly b: SimDraft;
  result: ComparedRuns | null = $state.raw(null);
  /** Why the last link was refused. */
  linkProblem: string | null = $state(null);
  #lastAddress = '';
  readonly changes: readonly Change[] = $derived.by(() => changesBetween(this.a.document, this.b.document));

  constructor(port: SimPort, library: KnowsKeptRuns, scenario: SimScenario, tab: KeyValue | null = null) {
    this.#library = library;
    this.task = new SimTask(port);
    const [a, b] = sidesOf(scenario);
    this.a = simDraft(a);
    this.b = simDraft(b);
    this.#memory = [
      new DraftMemory(tab, 'kvlab.draft.compare.a'),
      new DraftMemory(tab, 'kvlab.draft.compare.b'),
    ];
    this.#recall(a);
  }

  /** Remembers both sides as they stand; called whenever one of them has changed. */
  keep(): void {
    const sides = [this.a.readable, this.b.readable] as const;
    sides.forEach((document, at) => {
      if (document !== null) this.#memory[at]?.keep({ name: null, address: this.#lastAddress, document });
    });
  }

  /** Both sides as they were kept, or neither: halves of two comparisons are none. */
  #recall(first: SimScenario): void {
    const [a, b] = this.#memory.map((memory) => memory.recall());
    if (!a || !b || !this.a.recall(a.document)) return;
    if (this.b.recall(b.document)) this.#lastAddress = b.address;
    else this.a.load(first);
  }

  /** The two first points of a sweep, or one scenario on both sides. */
  take(scenario: SimScenario): void {
    const [a, b] = sidesOf(scenario);
    this.load(a, b);
  }

  load(a: SimScenario, b: SimScenario): void {
    this.a.load(a);
    this.b.load(b);
    this.#forget();
  }

  /** Both sides of a shared comparison; a bad link gives its sentence and changes nothing. */
  async openLinks(first: string, second: string): Promise<void> {
    const address = `${first} ${second}`;
    if (address === this.#lastAddress) return;
    this.#lastAddress = address;
    const [a, b] = await Promise.all([decodeLink(first), decodeLink(second)]);
    if (this.#lastAddress !== address) return;
    const bad = [a, b].find((link) => !link.ok || link.kind !== 'simulation');
    if (a.ok && b.ok && a.kind === 'simulation' && b.kind === 'simulation') {
      this.linkProblem = null;
      this.load(a.scenario, b.scenario);
    } else {
      this.linkProblem = bad?.ok === false ? bad.sentence : 'This link does not hold two simulations.';
    }
  }

  /** The link's text after `#`; null while a side does not read. */
  async link(): Promise<string | null> {
    const [a, b] = [this.a.scenario, this.b.scenario];
    if (a === null || b === null) return null;
    const [first, second] = await Promise.all([encodeScenarioLink(a, null), encodeScenarioLink(b, null)]);
    return formatRoute({ ...SIMULATE, view: 'compare', link: first, other: second }).slice(1);
  }

  /** B becomes a copy of A, to change it in one place. */
  copyToB(): void {
    const { scenario } = this.a;
    if (scenario !== null) this.load(scenario, { ...scenario, title: sideTitle(scenario.title, 'B') });
  }

  async start(inputs: SimInputs): Promise<void> {
    const [a, b] = [this.a.scenario, this.b.scenario];
    if (a === null || b === null) return;
    this.result = null;
    const compared = await this.task.ask((api, onProgress) =>
      api.compare(a, { ...b, repeats: a.repeats }, inputs, onProgress),
    );
    if (compared === null) return;
    this.result = compared;
    await this.#library.refresh();
  }

  cancel(): void {
    this.task.cancel();
  }

  #forget(): void {
    this.task.clear();
    this.result = null;
  }
}

const MAX_TITLE = 116;

function sideTitle(title: string, side: 'A' | 'B'): string {
  return `${title.replace(/ · [AB]$/, '').slice(0, MAX_TITLE)} · ${side}`;
}

function sidesOf(scenario: SimScenario): [SimScenario, SimScenario] {
  const points = expandSweep(scenario).map((point) => point.scenario);
  const [first = { ...scenario, sweep: [] }, second = first] = points;
  const repeats = scenario.workload.trace === null ? Math.max(scenario.repeats, SEEDS) : 1;
  return [
    { ...first, repeats, title: sideTitle(scenario.title, 'A') },
    { ...second, repeats, title: sideTitle(scenario.title, 'B') },
  ];
}

const WORDS_ONLY = new Set(['title', 'about', 'repeats']);

/** Every setting that B has otherwise, as it stands on both sides. */
export function changesBetween(a: Json, b: Json): Change[] {
  if (!isJsonObject(a) || !isJsonObject(b)) return [];
  return leavesOf(diffLayer(a, b), '')
    .filter((path) => !WORDS_ONLY.has(path))
    .map((path) => ({ path, a: show(valueAt(a, path)), b: show(valueAt(b, path)) }));
}

function leavesOf(layer: JsonObject, path: string): string[] {
  return Object.entries(layer).flatMap(([name, value]) => {
    const here = path === '' ? name : `${path}.${name}`;
    return isJsonObject(value) ? leavesOf(value, here) : [here];
  });
}

function show(value: Json | undefined): string {
  if (value === undefined || value === null) return 'none';
  return (typeof value === 'object' ? JSON.stringify(value) : String(value)).slice(0, 80);
}
