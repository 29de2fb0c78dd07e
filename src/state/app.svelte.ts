/** Everything the page knows, put together once in main.ts and handed down. */
import type { Run } from '../core/run/schema.ts';
import type { AutopilotRoom } from './autopilot.svelte.ts';
import type { Classroom } from './classroom.ts';
import { CheckSession } from './check.svelte.ts';
import type { ConnectRoom } from './connect.svelte.ts';
import { DemoRun, type FetchText } from './demo.svelte.ts';
import { GpuState, type HostPort } from './gpu.svelte.ts';
import { LabSession } from './lab.svelte.ts';
import type { ExportFormat } from '../exchange/write/format-names.ts';
import type { CsvRows, ReportFormat } from '../workers/desk-api.ts';
import type { DeskPort } from './desk-port.ts';
import { FigureList } from './figures.svelte.ts';
import { Library } from './library.svelte.ts';
import { Offline } from './offline.svelte.ts';
import type { ModelState } from './model.svelte.ts';
import type { TransferState } from './transfer.svelte.ts';
import type { QualitySession } from './quality.svelte.ts';
import type { PlanRoom } from './plan-room.svelte.ts';
import { Router, type AddressBar } from './router.svelte.ts';
import type { Setup } from './setup.svelte.ts';
import type { ServingLab } from './serving.svelte.ts';
import type { Simulator } from './simulator.svelte.ts';
import type { TuneRoom } from './tune.svelte.ts';
import { ThemeState, type KeyValue, type ThemeTarget } from './theme.svelte.ts';

export interface AppPorts {
  readonly bar: AddressBar;
  readonly root: ThemeTarget;
  readonly memory: KeyValue | null;
  readonly host: HostPort;
  readonly desk: DeskPort;
  readonly fetchText: FetchText;
}

export class App {
  readonly router: Router;
  readonly theme: ThemeState;
  readonly gpu: GpuState;
  readonly library: Library;
  readonly demo: DemoRun;
  readonly check: CheckSession;
  readonly lab: LabSession;
  readonly offline = new Offline();
  /** Made by the lab when it is first entered: the first screen does without the experiments. */
  setup: Setup | null = null;
  /** Made by the room Simulate when it is first entered. */
  sim: Simulator | null = null;
  /** Made by the room Model when it is first entered. */
  model: ModelState | null = null;
  /** Sequences on the move, with workers of their own. */
  transfer: TransferState | null = null;
  /** Made by the quality lab when it is first entered. */
  quality: QualitySession | null = null;
  /** Made by the serving lab when it is first entered. */
  serving: ServingLab | null = null;
  /** Made by the room Plan when it is first entered. */
  plan: PlanRoom | null = null;
  /** Made by the room Tune when it is first entered. */
  tune: TuneRoom | null = null;
  /** Made by the room Connect when it is first entered. */
  connect: ConnectRoom | null = null;
  /** Made by the room Autopilot when it is first entered. */
  autopilot: AutopilotRoom | null = null;
  /** Made by the room Teach when it is first entered. */
  classroom: Classroom | null = null;
  /** A file beside the page as text; null where there is none. */
  readonly fetchText: FetchText;

  readonly #desk: DeskPort;

  constructor(ports: AppPorts) {
    this.#desk = ports.desk;
    this.fetchText = ports.fetchText;
    this.router = new Router(ports.bar);
    this.theme = new ThemeState(ports.root, ports.memory);
    this.gpu = new GpuState(ports.host);
    this.library = new Library(ports.desk);
    this.demo = new DemoRun(ports.fetchText, ports.desk);
    this.check = new CheckSession(this.gpu, this.library);
    this.lab = new LabSession(this.gpu, this.library);
  }

  /** The run as CSV; see DeskApi. */
  csv(run: Run, rows: CsvRows): Promise<string> {
    return this.#desk.csv(run, rows);
  }

  /** The run as a file; see DeskApi. */
  json(run: Run): Promise<string> {
    return this.#desk.json(run);
  }

  /** The run in a format of the field; see DeskApi. */
  exportRun(run: Run, format: ExportFormat): ReturnType<DeskPort['exportRun']> {
    return this.#desk.exportRun(run, format);
  }

  /** The run, or two beside each other, as a report; see DeskApi. */
  report(run: Run, baseline: Run | null, format: ReportFormat): Promise<string> {
    return this.#desk.report(run, baseline, format);
  }

  /** A run file's text; see DeskApi. */
  readRun(text: string): ReturnType<DeskPort['readRun']> {
    return this.#desk.readRun(text);
  }

  /** A list of figures for one view. */
  figureList(): FigureList {
    return new FigureList(this.#desk);
  }
}
