/** Everything the room Plan knows; made when the room is first entered. */
import type { Json } from '../core/json.ts';
import type { Architecture } from '../core/model/architecture.ts';
import type { PlanRow, PlanRun } from '../core/run/plan.ts';
import type { Run } from '../core/run/schema.ts';
import type { PlanScenario } from '../core/scenario/plan/schema.ts';
import type {
  Catalogue,
  Fleet,
  Outcome,
  PlanAids,
  PlanDepth,
  PlanFileKind,
  Planned,
  PlanWorkerApi,
  SettingsText,
  SettingsWish,
} from '../workers/plan-api.ts';
import { faultFromUnknown, faultOf, type Fault } from './faults.ts';
import { Newest } from './newest.svelte.ts';
import { PlanAidsState } from './plan-aids.svelte.ts';
import { PlanCompare } from './plan-compare.svelte.ts';
import { PlanMeasured } from './plan-measured.svelte.ts';
import { PlanSetup } from './plan-setup.svelte.ts';
import { planName } from './plan-words.ts';
import type { KeyValue } from './theme.svelte.ts';

/** The library as the room needs it: hardware checks to plan for, and a place for plans. */
export interface KeepsRuns {
  open(id: string): Promise<Run | null>;
  /** @returns why it can't be kept */
  keep(run: Run): Promise<Fault | null>;
}

export interface PlanPorts {
  readonly client: PlanWorkerApi;
  readonly library: KeepsRuns;
  /** Where the draft outlives a reload; null: nowhere. */
  readonly tab: KeyValue | null;
  /** Where calibrations are kept between visits; null: nowhere. */
  readonly memory: KeyValue | null;
}

interface PlanWish {
  readonly scenario: PlanScenario;
  readonly depth: PlanDepth;
}

/** A scenario that has stood so long is looked at in the simulator; one that a slider moves is not. */
const SETTLED_MS = 450;

const MAX_TITLE = 120;

export type LoadKind = 'rate' | 'concurrency' | 'most';

/** What a load starts with when another kind of it is chosen. */
const LOAD_STARTS: Readonly<Record<LoadKind, readonly [rate: number | null, concurrency: number | null]>> = {
  rate: [10, null],
  concurrency: [null, 64],
  most: [null, null],
};

export class PlanRoom {
  readonly #client: PlanWorkerApi;
  readonly #library: KeepsRuns;
  #settling: ReturnType<typeof setTimeout> | undefined;
  readonly setup: PlanSetup;
  readonly aids: PlanAidsState;
  /** The plan of the scenario as it stands. */
  readonly answer: Newest<PlanWish, Planned>;
  /** The same load over GPUs; asked for when somebody looks. */
  readonly fleet: Newest<PlanScenario, Fleet>;
  /** The plan in the words of each engine; asked for when somebody looks. */
  readonly settings: Newest<SettingsWish, readonly SettingsText[]>;
  readonly compare: PlanCompare;
  readonly measured: PlanMeasured;
  catalogue: Catalogue | null = $state.raw(null);
  /** Why a model or a GPU of no record was not taken. */
  recordFault: Fault | null = $state.raw(null);
  /** Repository that is being asked for its config.json; null while none is. */
  fetching: string | null = $state(null);

  constructor({ client, library, tab, memory }: PlanPorts) {
    this.#client = client;
    this.#library = library;
    this.setup = new PlanSetup(tab);
    this.aids = new PlanAidsState((file) => client.readTrace(file), memory);
    this.answer = new Newest(({ scenario, depth }) => client.plan(scenario, this.#aidsOf(scenario), depth));
    this.compare = new PlanCompare((a, b) => client.compare(a, b, this.#aidsOf(a)));
    this.measured = new PlanMeasured(
      (wish) => client.measured(wish),
      (wish, name) => client.recalibrate(wish, name),
    );
    this.fleet = new Newest((scenario) => client.fleet(scenario, this.#aidsOf(scenario)));
    this.settings = new Newest((wish) => client.settings(wish));
  }

  /** Loads what there is to choose from, once. */
  async enter(): Promise<void> {
    if (this.catalogue !== null) return;
    const catalogue = await this.#ask(() => this.#client.catalogue());
    if (catalogue !== null) this.catalogue = catalogue;
  }

  /** Answers at once from closed forms, and again from the simulator when the scenario has come to rest. */
  ask(scenario: PlanScenario): void {
    clearTimeout(this.#settling);
    this.answer.want({ scenario, depth: 'closed forms' });
    this.#settling = setTimeout(() => this.answer.want({ scenario, depth: 'simulated' }), SETTLED_MS);
  }

  get loadKind(): LoadKind {
    const { draft } = this.setup;
    if (draft.at('load.rate') !== null) return 'rate';
    return draft.at('load.concurrency') !== null ? 'concurrency' : 'most';
  }

  chooseLoad(kind: LoadKind): void {
    const [rate, concurrency] = LOAD_STARTS[kind];
    this.setup.set('load.rate', rate);
    this.setup.set('load.concurrency', concurrency);
  }

  chooseModel(id: string): void {
    this.recordFault = null;
    this.setup.set('architecture', null);
    this.setup.set('model', id);
  }

  /** A row of a table becomes what is planned: GPU, count, parallelism and formats are then given. */
  takeRow({ choice }: PlanRow): void {
    const set = (path: string, value: Json): void => this.setup.set(path, value);
    if (this.setup.draft.at('hardware.custom.id') !== choice.gpu) this.chooseGpu(choice.gpu);
    set('hardware.count', choice.gpus);
    set('hardware.tensorParallel', choice.tensorParallel);
    set('hardware.pipelineParallel', choice.pipelineParallel);
    set('engine.weights', choice.weights);
    set('engine.kvFormat', choice.kvFormat);
  }

  /** A plan from its file; null, with the fault on show, where it is none. */
  readPlan(text: string): Promise<PlanRun | null> {
    return this.#ask(() => this.#client.readPlan(text));
  }

  /** Keeps a plan among the runs. @param name what it is called there; its model and GPUs where that is empty */
  keep(run: PlanRun, name: string): Promise<Fault | null> {
    const title = name.trim() === '' ? planName(run) : name.trim();
    return this.#library.keep({ ...run, title: title.slice(0, MAX_TITLE) });
  }

  /** The plan on screen as a file's text; null, with the fault on show, where it can't be written. */
  file(run: PlanRun, kind: PlanFileKind): Promise<string | null> {
    return this.#ask(() => this.#client.file(run, kind));
  }

  #aidsOf({ calibration }: PlanScenario): PlanAids {
    return this.aids.of(calibration);
  }

  /** A trace becomes the load: its lengths, its sharing, and its rate until another is given. */
  async takeTrace(file: File): Promise<void> {
    if (!(await this.aids.takeTrace(file))) return;
    this.setup.set('load.rate', null);
    this.setup.set('load.concurrency', null);
    this.setup.set('load.trace', file.name.slice(0, 200));
  }

  dropTrace(): void {
    this.aids.dropTrace();
    this.setup.set('load.trace', null);
  }

  /** @param id of a record; null: the planner looks at all of them */
  chooseGpu(id: string | null): void {
    this.recordFault = null;
    this.setup.set('hardware.custom', null);
    this.setup.set('hardware.gpu', id);
  }

  /** A kept hardware check becomes the GPU. */
  async chooseCheck(runId: string): Promise<void> {
    const run = await this.#library.open(runId);
    if (run?.kind !== 'check') return;
    const gpu = await this.#ask(() => this.#client.gpuOfCheck(JSON.stringify(run)));
    if (gpu !== null) this.setup.set('hardware.custom', gpu as unknown as Json);
  }

  /** A config.json as text: pasted, chosen or dropped. @returns whether it was taken */
  async takeConfig(text: string, name: string, asLlama = false): Promise<boolean> {
    return this.#takeModel(await this.#ask(() => this.#client.readConfig(text, name, asLlama)));
  }

  async fetchConfig(repository: string, asLlama = false): Promise<boolean> {
    this.fetching = repository;
    const model = await this.#ask(() => this.#client.fetchConfig(repository, asLlama));
    this.fetching = null;
    return this.#takeModel(model);
  }

  #takeModel(model: Architecture | null): boolean {
    if (model !== null) this.setup.set('architecture', model as unknown as Json);
    return model !== null;
  }

  /** The value, or null with its fault on show. */
  async #ask<T>(question: () => Promise<Outcome<T>>): Promise<T | null> {
    this.recordFault = null;
    try {
      const outcome = await question();
      if (outcome.ok) return outcome.value;
      this.recordFault = faultOf(outcome.error);
    } catch (thrown) {
      this.recordFault = faultFromUnknown(thrown);
    }
    return null;
  }
}
