/**
 * Sends the requests of a table to a server and writes down what comes: an open loop when each is due, a closed one a pause
 * after the one before it ended.
 *
 * Latencies count from when a request was due, never from when the client got round to it, so a slow client or a full
 * server can't hide waiting (coordinated omission); how late the client was is in the record. A request that is sent again
 * goes on counting. Where the server is gone, what is left is not sent.
 */
import type { FaultKind, LoadFault, LoadRecord, Telemetry } from '../core/run/load.ts';
import type { EndedRequest, LoadTick } from '../core/metrics/load/course.ts';
import type { LoadScenario } from '../core/scenario/load/schema.ts';
import type { RequestTable } from '../core/schedule/requests.ts';
import type { Endpoint } from './endpoint.ts';
import { EndpointError, faultOfFetch, isGone, mayPass } from './fault.ts';
import type { PromptWriter } from './prompts.ts';
import { LoadRecorder } from './record.ts';
import { emptyStream, stream, type Streamed } from './stream.ts';

export interface DriveOptions {
  readonly requests: RequestTable;
  readonly prompts: PromptWriter;
  readonly scenario: LoadScenario;
  /** As the server names it. */
  readonly model: string;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: DriveProgress) => void;
  /** Its course while it goes on. */
  readonly onCourse?: (news: CourseNews) => void;
  /** What the server says of itself; asked now and then. */
  readonly telemetry?: () => Promise<Telemetry | null>;
}

export interface DriveProgress {
  readonly share: number;
  readonly inFlight: number;
  readonly failed: number;
}

export type CourseNews =
  | { readonly kind: 'tick'; readonly tick: LoadTick }
  | { readonly kind: 'request'; readonly request: EndedRequest }
  | { readonly kind: 'telemetry'; readonly telemetry: Telemetry };

export interface Driven {
  readonly record: LoadRecord;
  /** Why the rest was not sent; null where all was. */
  readonly stopped: string | null;
}

/** Requests that fail one after the other, with nobody there, before the rest is left out. */
const GONE_AFTER = 8;
/** A timer of a browser or of Node does not wait longer than this in one piece. */
const LONGEST_WAIT_MS = 1e9;
const TICK_MS = 250;

export async function driveLoad(endpoint: Endpoint, options: DriveOptions): Promise<Driven> {
  const drive = new Drive(endpoint, options);
  return drive.run();
}

class Drive {
  readonly #endpoint: Endpoint;
  readonly #options: DriveOptions;
  readonly #recorder: LoadRecorder;
  readonly #startMs: number;
  readonly #followers = new Map<number, number[]>();
  readonly #due: { row: number; dueMs: number }[] = [];
  readonly #controller = new AbortController();
  /** Streams that are open, for the count of what came so far. */
  readonly #open = new Set<Streamed>();
  #pieces = 0;
  #inFlight = 0;
  #done = 0;
  #failed = 0;
  #goneInARow = 0;
  #stopped: string | null = null;
  #wake: () => void = () => undefined;

  constructor(endpoint: Endpoint, options: DriveOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.#startMs = endpoint.now();
    this.#recorder = new LoadRecorder(options.requests, this.#startMs);
    const { size, after, arrivalMs } = options.requests;
    for (let row = 0; row < size; row++) {
      const before = after[row] ?? -1;
      if (before < 0) this.#due.push({ row, dueMs: this.#startMs + (arrivalMs[row] ?? 0) });
      else this.#followers.set(before, [...(this.#followers.get(before) ?? []), row]);
    }
    this.#due.sort((a, b) => a.dueMs - b.dueMs || a.row - b.row);
  }

  async run(): Promise<Driven> {
    const { signal, seed } = this.#options;
    const cancel = (): void => this.#stop('The load was cancelled.');
    signal.addEventListener('abort', cancel);
    if (signal.aborted) cancel();
    const watching = this.#watch();
    this.#tick();
    const ticking = setInterval(() => this.#tick(), TICK_MS);
    try {
      while (this.#stopped === null && (this.#due.length > 0 || this.#inFlight > 0)) {
        this.#sendDue();
        await this.#rest();
      }
      while (this.#inFlight > 0) await this.#rest();
      this.#tick();
    } finally {
      clearInterval(ticking);
      signal.removeEventListener('abort', cancel);
      this.#controller.abort();
      await watching;
    }
    return { record: this.#recorder.record(seed), stopped: this.#stopped };
  }

  #stop(reason: string): void {
    this.#stopped ??= reason;
    this.#controller.abort();
    this.#wake();
  }

  #sendDue(): void {
    const { maxInFlight } = this.#options.scenario.client;
    for (;;) {
      const [next] = this.#due;
      if (next === undefined || next.dueMs > this.#endpoint.now()) return;
      if (this.#inFlight >= maxInFlight) {
        this.#recorder.heldBack(next.row);
        return;
      }
      this.#due.shift();
      this.#inFlight++;
      void this.#request(next.row, next.dueMs).finally(() => {
        this.#inFlight--;
        this.#wake();
      });
    }
  }

  /** Until something is due, or a request ends. */
  async #rest(): Promise<void> {
    const [next] = this.#due;
    const full = this.#inFlight >= this.#options.scenario.client.maxInFlight;
    const waitMs =
      next === undefined || full || this.#stopped !== null
        ? LONGEST_WAIT_MS
        : next.dueMs - this.#endpoint.now();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, Math.min(LONGEST_WAIT_MS, waitMs)));
      this.#wake = (): void => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => undefined;
  }

  async #request(row: number, dueMs: number): Promise<void> {
    const { client } = this.#options.scenario;
    for (let attempt = 0; ; attempt++) {
      const streamed = emptyStream();
      this.#open.add(streamed);
      const fault = await this.#attempt(row, dueMs, attempt, streamed);
      this.#open.delete(streamed);
      this.#pieces += streamed.chunkMs.length;
      if (fault === null) {
        this.#goneInARow = 0;
        this.#tellEnd(row, dueMs, streamed, null);
        break;
      }
      const again = attempt < client.retries && mayPass(fault.kind) && this.#stopped === null;
      this.#recorder.fault(this.#faultOf(row, attempt, fault, again));
      if (!again) {
        this.#recorder.failed(row, streamed);
        if (fault.kind !== 'cancelled') this.#failed++;
        this.#tellEnd(row, dueMs, streamed, fault.kind);
        this.#countGone(fault.kind);
        break;
      }
      await pause(client.retrySeconds * 1000, this.#controller.signal);
    }
    this.#ended(row);
  }

  async #attempt(row: number, dueMs: number, attempt: number, into: Streamed): Promise<EndpointError | null> {
    const { scenario, model, prompts, requests } = this.#options;
    try {
      const prompt = prompts.prompt(row);
      if (attempt === 0) this.#recorder.sent(row, dueMs, this.#endpoint.now());
      else this.#recorder.again(row);
      const asked = {
        api: scenario.api,
        model,
        prompt,
        maxTokens: requests.outputTokens[row] ?? 1,
        ...scenario.sampling,
        salt: `${this.#options.seed}-${row}-${attempt}`,
      };
      const timeoutMs = scenario.client.timeoutSeconds * 1000;
      await stream(this.#endpoint, asked, into, {
        signal: this.#controller.signal,
        timeoutMs,
        reuse: scenario.client.reuseConnections,
      });
      prompts.answered(row, into.text);
      this.#recorder.finished(row, into);
      return null;
    } catch (error) {
      return faultOfFetch(error, into.chunkMs.length > 0);
    }
  }

  #faultOf(
    row: number,
    attempt: number,
    { kind, status, message }: EndpointError,
    retried: boolean,
  ): LoadFault {
    const atMs = this.#endpoint.now() - this.#startMs;
    return { row, attempt, atMs, kind, status, sentence: message.slice(0, 400), retried };
  }

  #countGone(kind: FaultKind): void {
    this.#goneInARow = isGone(kind) ? this.#goneInARow + 1 : 0;
    if (this.#goneInARow < GONE_AFTER) return;
    const seconds = ((this.#endpoint.now() - this.#startMs) / 1000).toFixed(1);
    this.#stop(
      `The server was gone ${seconds} s after the start: ${GONE_AFTER} requests in a row found nobody, so the rest was not sent.`,
    );
  }

  #ended(row: number): void {
    this.#done++;
    const { requests, onProgress } = this.#options;
    const now = this.#endpoint.now();
    for (const follower of this.#followers.get(row) ?? []) {
      const dueMs = now + (requests.arrivalMs[follower] ?? 0);
      const at = this.#due.findIndex((other) => other.dueMs > dueMs);
      this.#due.splice(at < 0 ? this.#due.length : at, 0, { row: follower, dueMs });
    }
    onProgress?.({ share: this.#done / requests.size, inFlight: this.#inFlight, failed: this.#failed });
  }

  #tick(): void {
    const { onCourse } = this.#options;
    if (onCourse === undefined) return;
    const coming = [...this.#open].reduce((sum, { chunkMs }) => sum + chunkMs.length, 0);
    const atMs = this.#endpoint.now() - this.#startMs;
    onCourse({ kind: 'tick', tick: { atMs, inFlight: this.#inFlight, pieces: this.#pieces + coming } });
  }

  #tellEnd(row: number, dueMs: number, { chunkMs }: Streamed, fault: FaultKind | null): void {
    const [first = null, last = null] = [chunkMs[0], chunkMs.at(-1)];
    const request: EndedRequest = {
      row,
      dueMs: dueMs - this.#startMs,
      atMs: (fault === null && last !== null ? last : this.#endpoint.now()) - this.#startMs,
      ttftMs: first === null ? null : first - dueMs,
      e2eMs: fault !== null || last === null ? null : last - dueMs,
      fault,
    };
    this.#options.onCourse?.({ kind: 'request', request });
  }

  async #watch(): Promise<void> {
    const { telemetry, scenario } = this.#options;
    const everyMs = scenario.telemetrySeconds * 1000;
    if (telemetry === undefined || everyMs === 0) return;
    while (!this.#controller.signal.aborted) {
      const atMs = this.#endpoint.now() - this.#startMs;
      const sample = await telemetry().catch(() => null);
      if (sample) {
        this.#recorder.telemetry({ ...sample, atMs });
        this.#options.onCourse?.({ kind: 'telemetry', telemetry: { ...sample, atMs } });
      }
      await pause(everyMs, this.#controller.signal);
    }
  }
}

/** A pause that an abort ends. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
