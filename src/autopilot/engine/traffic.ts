/**
 * The requests of a run on the real engine: sent when they are due, followed until they end, written down as a serving run
 * writes them down.
 *
 * Boundary: one engine and its steps. Time stands still for nobody: what an action or a shadow takes, requests wait.
 */
import type { ServeRecord } from '../../core/run/serve.ts';
import type { RequestTable } from '../../core/schedule/requests.ts';
import type { Engine } from '../../engine/engine.ts';
import type { StepReport } from '../../engine/engine-types.ts';
import { DueLine, firstOnes, followersOf } from '../../lab/serving/drive.ts';
import { RealEngine } from '../../lab/serving/real-engine.ts';
import { ServeRecorder } from '../../lab/serving/record.ts';
import type { ServedStep } from '../../lab/serving/served-engine.ts';
import { RecentWindow } from '../simulated/window.ts';
import type { Script } from './prompts.ts';

export interface TrafficParts {
  readonly engine: Engine;
  readonly requests: RequestTable;
  readonly script: Script;
  readonly now: () => number;
  /** Latencies and rates are those of the last while. */
  readonly windowMs: number;
}

export class Traffic {
  readonly window: RecentWindow;
  readonly counts = { running: 0, waiting: 0, preemptions: 0, finished: 0, lookedUpTokens: 0, hitTokens: 0 };
  readonly #parts: TrafficParts;
  readonly #served: RealEngine;
  readonly #recorder: ServeRecorder;
  readonly #line: DueLine;
  readonly #followers: ReadonlyMap<number, readonly number[]>;
  readonly #startMs: number;
  /** Steps that were waited for before an action, told with the next. */
  readonly #settled: StepReport[] = [];
  /** Requests that have not ended: when they were due and got their first token. */
  readonly #sent = new Map<number, { readonly dueMs: number; firstMs: number | null }>();
  /** The engine's number of each row. */
  readonly #requests = new Map<number, number>();
  #open = 0;

  constructor(parts: TrafficParts) {
    const { engine, requests, script, now, windowMs } = parts;
    this.#parts = parts;
    this.#startMs = now();
    this.#recorder = new ServeRecorder(requests, this.#startMs);
    this.#line = new DueLine(firstOnes(requests, this.#startMs));
    this.#followers = followersOf(requests);
    this.window = new RecentWindow(windowMs);
    let row = -1;
    this.#served = new RealEngine(
      {
        submit: (request) => {
          const forced = script.asked(row);
          const number = engine.submit(forced.length > 0 ? { ...request, forced } : request);
          this.#sent.set(row, { dueMs: this.#due, firstMs: null });
          this.#requests.set(row, number);
          return number;
        },
        step: async () => this.#settled.shift() ?? (await engine.step()),
      },
      now,
    );
    this.#choose = (next) => (row = next);
  }

  /** Since the start. */
  get nowMs(): number {
    return this.#parts.now() - this.#startMs;
  }

  /** Everything that was asked is over. */
  get isOver(): boolean {
    return this.counts.finished === this.#parts.requests.size;
  }

  /** Requests that were sent and have not ended, by their rows. */
  get openRows(): readonly number[] {
    return [...this.#sent.keys()];
  }

  /** The engine's number of a row. */
  requestOf(row: number): number {
    return this.#requests.get(row) ?? -1;
  }

  /** Answers of a row that are right so far, and how many there are; none where nobody knows what is right. */
  judged(row: number): { readonly right: number; readonly total: number } {
    const { script } = this.#parts;
    const [answers, asked] = [script.answers(row), script.asked(row)];
    const own = answers.length === 0 ? [] : this.outputOf(row).filter((_, i) => asked[i] === undefined);
    return { right: own.filter((token, i) => token === answers[i]).length, total: own.length };
  }

  /** What a row has generated so far. */
  outputOf(row: number): readonly number[] {
    const request = this.#requests.get(row);
    return request === undefined ? [] : this.#parts.engine.outputOf(request);
  }

  /** Sends what is due, and does one step. @returns null when the engine has nothing to do */
  async step(): Promise<ServedStep | null> {
    this.#sendDue();
    const step = await this.#served.step();
    if (step !== null) this.#account(step);
    return step;
  }

  /** Waits until something is due, not longer than until `untilMs` of the run. */
  idle(untilMs: number, signal: AbortSignal): Promise<void> {
    return this.#served.idleUntil(Math.min(this.#line.nextMs, this.#startMs + untilMs), signal);
  }

  get hasOpen(): boolean {
    return this.#open > 0;
  }

  /** The step on its way is waited for; between this and the next step the cache stands still. */
  async settle(): Promise<void> {
    const report = await this.#parts.engine.settle();
    if (report !== null) this.#settled.push(report);
  }

  record(seed: number): ServeRecord {
    return this.#recorder.record(seed);
  }

  readonly #choose: (row: number) => void;
  #due = 0;

  #sendDue(): void {
    const { requests, script, now } = this.#parts;
    for (let due = this.#line.take(now()); due; due = this.#line.take(now())) {
      this.#recorder.sent(due.row, due.dueMs, now());
      this.#choose(due.row);
      this.#due = due.dueMs;
      this.#served.submit(due.row, script.prompt(due.row), requests.outputTokens[due.row] ?? 1);
      this.#open++;
    }
  }

  #account(step: ServedStep): void {
    const { counts, window } = this;
    const { requests } = this.#parts;
    this.#recorder.step(step);
    counts.running = step.numRunning;
    counts.waiting = step.numWaiting;
    counts.preemptions += step.preempted.length;
    step.joined.forEach((row, i) => {
      if (this.#sent.get(row)?.firstMs !== null) return;
      counts.lookedUpTokens += requests.promptTokens[row] ?? 0;
      counts.hitTokens += step.joinedCachedTokens[i] ?? 0;
    });
    window.made(step.endMs - this.#startMs, step.tokens.length);
    for (const { row, token, last } of step.tokens) this.#token(row, token, last, step.endMs);
  }

  #token(row: number, token: number, last: boolean, endMs: number): void {
    this.#parts.script.generated(row, token);
    const sent = this.#sent.get(row);
    if (sent) sent.firstMs ??= endMs;
    if (!last) return;
    this.#open--;
    this.counts.finished++;
    if (sent)
      this.window.ended(endMs - this.#startMs, endMs - sent.dueMs, (sent.firstMs ?? endMs) - sent.dueMs);
    this.#sent.delete(row);
    for (const follower of this.#followers.get(row) ?? []) {
      this.#line.add({ row: follower, dueMs: endMs + (this.#parts.requests.arrivalMs[follower] ?? 0) });
    }
  }
}
