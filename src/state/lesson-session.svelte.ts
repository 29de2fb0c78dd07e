/**
 * One lesson from the question to what is remembered. The prediction comes first: nothing runs before it is committed
 * to, and it can't be changed afterwards.
 */
import { answerOf, type LessonAnswer } from '../core/lesson/answer.ts';
import { lessonScenario, type LessonScenario, type NamedLesson } from '../core/lesson/lessons.ts';
import type { Run } from '../core/run/schema.ts';
import type { Scenario } from '../core/scenario/schema.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import type { ReadsRuns } from './desk-port.ts';
import type { FetchText } from './demo.svelte.ts';
import { faultFromUnknown, type Fault } from './faults.ts';

export interface LessonProgress {
  readonly fraction: number | null;
  readonly message: string;
}

/** What runs a scenario of one kind: the sessions of the rooms Simulate and Lab. */
export interface RunsKind<S> {
  readonly progress: LessonProgress;
  readonly fault: Fault | null;
  start(scenario: S): Promise<Run | null>;
  cancel(): void;
}

export interface LessonPorts {
  readonly simulate: RunsKind<SimScenario>;
  readonly measure: RunsKind<Scenario>;
  /** Whether a GPU can be measured now. */
  readonly hasGpu: () => boolean;
  readonly fetchText: FetchText;
  readonly desk: ReadsRuns;
}

export interface LessonResult {
  /** What was changed; null for the lesson's own run. */
  readonly changed: string | null;
  readonly run: Run;
  /** null: the run can't say. */
  readonly answer: LessonAnswer | null;
  /** It was measured before, on another machine, and came with the page. */
  readonly recorded: boolean;
}

export class LessonSession {
  readonly named: NamedLesson;
  readonly #ports: LessonPorts;
  /** Place of the chosen answer; null: none yet. */
  choice: number | null = $state(null);
  committed = $state(false);
  running: 'simulate' | 'lab' | null = $state(null);
  results: readonly LessonResult[] = $state.raw([]);
  fault: Fault | null = $state.raw(null);

  constructor(named: NamedLesson, ports: LessonPorts) {
    this.named = named;
    this.#ports = ports;
  }

  /** The result of the lesson as it is asked. */
  get first(): LessonResult | null {
    return this.results[0] ?? null;
  }

  get progress(): LessonProgress {
    const { simulate, measure } = this.#ports;
    const { fraction, message } = (this.running === 'lab' ? measure : simulate).progress;
    return { fraction, message };
  }

  choose(place: number): void {
    if (!this.committed) this.choice = place;
  }

  /** Commits to the prediction and runs the lesson. */
  async commit(): Promise<void> {
    if (this.choice === null || this.running !== null) return;
    this.committed = true;
    if (this.first === null) await this.#answer(lessonScenario(this.named), null);
  }

  /** Runs the lesson again with its one thing changed. */
  async change(place: number): Promise<void> {
    const option = this.named.lesson.change.options[place];
    if (option === undefined || this.first === null || this.running !== null) return;
    await this.#answer(lessonScenario(this.named, option.value), option.label);
  }

  cancel(): void {
    if (this.running === 'lab') this.#ports.measure.cancel();
    else if (this.running === 'simulate') this.#ports.simulate.cancel();
  }

  /** Whether the lesson can run here with something changed: a recorded run answers its own question only. */
  get canChange(): boolean {
    return lessonScenario(this.named).kind === 'simulate' || this.#ports.hasGpu();
  }

  async #answer(scenario: LessonScenario, changed: string | null): Promise<void> {
    this.running = scenario.kind;
    this.fault = null;
    try {
      const recorded = scenario.kind === 'lab' && !this.#ports.hasGpu();
      const run = recorded ? await this.#recorded() : await this.#run(scenario);
      if (run === null) return;
      const result = { changed, run, answer: answerOf(this.named.lesson, run), recorded };
      this.results = [...this.results.filter((other) => other.changed !== changed), result];
    } catch (thrown) {
      this.fault = faultFromUnknown(thrown);
    } finally {
      this.running = null;
    }
  }

  async #run(scenario: LessonScenario): Promise<Run | null> {
    const { simulate, measure } = this.#ports;
    const run = await (scenario.kind === 'lab' ? measure.start(scenario) : simulate.start(scenario));
    this.fault = (scenario.kind === 'lab' ? measure : simulate).fault;
    // A run that was cut short would answer from a part of its requests.
    return run?.complete === true ? run : null;
  }

  async #recorded(): Promise<Run> {
    const text = await this.#ports.fetchText(`./runs/lessons/${this.named.name}.json`);
    if (text === null)
      throw new Error('The recorded run of this lesson is missing, and there is no GPU to measure.');
    const read = await this.#ports.desk.readRun(text);
    if (!read.ok) throw new Error(read.sentence);
    return read.run;
  }
}
