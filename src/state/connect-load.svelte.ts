/** A load on a server while it goes on and afterwards: words, its course as it comes, the run, and what went wrong. */
import { NO_COURSE, type EndedRequest, type LoadCourse, type LoadTick } from '../core/metrics/load/course.ts';
import type { LoadRun, Telemetry } from '../core/run/load.ts';
import type { Run } from '../core/run/schema.ts';
import type { LoadScenario } from '../core/scenario/load/schema.ts';
import type { ConnectApi, CourseNewsBatch, OnConnectNews, Target } from '../workers/connect-api.ts';
import type { MeasureStatus } from './check.svelte.ts';
import { refusedOf, settled, type Refused } from './connect-server.svelte.ts';
import type { Fault } from './faults.ts';

export interface KeepsRuns {
  keep(run: Run): Promise<Fault | null>;
}

/** Of the live figures; the run itself keeps everything. */
const MOST_TICKS = 1200;
const MOST_REQUESTS = 4000;

export class LoadSession {
  readonly #api: Pick<ConnectApi, 'load' | 'cancel'>;
  readonly #library: KeepsRuns;
  status: MeasureStatus = $state('idle');
  progress: { readonly fraction: number | null; readonly message: string } = $state.raw({
    fraction: 0,
    message: '',
  });
  /** Of the repetition that goes on. */
  course: LoadCourse = $state.raw(NO_COURSE);
  /** What goes on: `8 users: measuring`. */
  stage: string = $state('');
  run: LoadRun | null = $state.raw(null);
  fault: Refused | null = $state.raw(null);
  keepFault: Fault | null = $state.raw(null);

  constructor(api: Pick<ConnectApi, 'load' | 'cancel'>, library: KeepsRuns) {
    this.#api = api;
    this.#library = library;
  }

  get busy(): boolean {
    return this.status === 'running' || this.status === 'cancelling';
  }

  async start(target: Target, scenario: LoadScenario, trace: File | null): Promise<void> {
    if (this.busy) return;
    this.status = 'running';
    this.fault = null;
    this.keepFault = null;
    this.run = null;
    this.course = NO_COURSE;
    this.stage = '';
    this.progress = { fraction: 0, message: 'Asking the server what it is' };
    const outcome = await settled(() => this.#api.load(target, scenario, trace, this.#hear));
    if (outcome.ok) {
      this.run = outcome.value;
      this.status = 'done';
      this.keepFault = await this.#library.keep(outcome.value);
      return;
    }
    this.status = outcome.error.code === 'cancelled' ? 'idle' : 'failed';
    if (this.status === 'failed') this.fault = refusedOf(outcome.error);
  }

  /** The requests that are in flight are given up at once; what came is kept. */
  cancel(): void {
    if (this.status !== 'running') return;
    this.status = 'cancelling';
    this.#api.cancel();
  }

  /** A kept run comes back onto the screen. */
  show(run: LoadRun): void {
    if (this.busy) return;
    this.run = run;
    this.status = 'done';
    this.fault = null;
  }

  readonly #hear: OnConnectNews = (news) => {
    if (news.kind === 'progress') this.progress = news;
    else this.#grow(news);
  };

  #grow({ begin, ticks, requests, telemetry }: CourseNewsBatch): void {
    const before = begin === null ? this.course : NO_COURSE;
    if (begin !== null) this.stage = `${begin.label}: ${begin.kept ? 'measuring' : 'calibrating'}`;
    this.course = {
      ticks: grown<LoadTick>(before.ticks, ticks, MOST_TICKS),
      requests: grown<EndedRequest>(before.requests, requests, MOST_REQUESTS),
      telemetry: grown<Telemetry>(before.telemetry, telemetry, MOST_TICKS),
    };
  }
}

/** The newest of both lists. */
function grown<T>(before: readonly T[], more: readonly T[], most: number): readonly T[] {
  return more.length === 0 ? before : [...before, ...more].slice(-most);
}
