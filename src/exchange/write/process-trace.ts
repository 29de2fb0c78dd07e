/** One process of a trace: what is put in as times in milliseconds comes out as events of the Trace Event Format. */
import type { JsonObject } from '../../core/json.ts';
import { lanesOf } from './trace-lanes.ts';

export interface Slice {
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly args?: JsonObject;
}

/** A request: its parts follow one another. */
export interface RequestSlices {
  readonly args: JsonObject;
  readonly parts: readonly Slice[];
}

const microseconds = (ms: number): number => Number((ms * 1000).toFixed(3));

/** Between the rounded ends, so that a slice never reaches into the next one: viewers drop slices that overlap. */
const length = (startMs: number, endMs: number): number =>
  Number((microseconds(endMs) - microseconds(startMs)).toFixed(3));

/** Threads: 1 has the steps, 2 the moments, requests stand from 10 on. */
const STEPS = 1;
const MOMENTS = 2;
const FIRST_LANE = 10;

export class ProcessTrace {
  readonly name: string;
  readonly notes: string[] = [];
  #steps: Slice[] = [];
  #requests: RequestSlices[] = [];
  #counters: { readonly name: string; readonly atMs: number; readonly values: JsonObject }[] = [];
  #moments: Slice[] = [];

  constructor(name: string) {
    this.name = name;
  }

  step(slice: Slice): void {
    this.#steps.push(slice);
  }

  /** Parts without length are left out; a request without any is too. */
  request(args: JsonObject, parts: readonly Slice[]): void {
    const real = parts.filter(({ startMs, endMs }) => endMs >= startMs);
    if (real.length > 0) this.#requests.push({ args, parts: real });
  }

  counter(name: string, atMs: number, values: JsonObject): void {
    this.#counters.push({ name, atMs, values });
  }

  moment(name: string, atMs: number, args: JsonObject = {}): void {
    this.#moments.push({ name, startMs: atMs, endMs: atMs, args });
  }

  get #isEmpty(): boolean {
    const all = [this.#steps, this.#requests, this.#counters, this.#moments];
    return all.every((list) => list.length === 0);
  }

  /** In the order in which they began, as viewers like them best. */
  events(pid: number): JsonObject[] {
    if (this.#isEmpty) return [];
    const events = [...this.#sliceEvents(pid), ...this.#counterEvents(pid)];
    events.sort((a, b) => Number(a['ts']) - Number(b['ts']));
    return [...this.#names(pid), ...events];
  }

  #names(pid: number): JsonObject[] {
    const thread = (tid: number, name: string): JsonObject => ({
      ph: 'M',
      name: 'thread_name',
      pid,
      tid,
      args: { name },
    });
    const lanes = new Set(this.#lanes());
    return [
      { ph: 'M', name: 'process_name', pid, tid: 0, args: { name: this.name } },
      ...(this.#steps.length > 0 ? [thread(STEPS, 'engine steps')] : []),
      ...(this.#moments.length > 0 ? [thread(MOMENTS, 'what happened')] : []),
      ...[...lanes].map((lane) => thread(FIRST_LANE + lane, `requests ${lane + 1}`)),
    ];
  }

  #lanes(): number[] {
    return lanesOf(
      this.#requests.map(({ parts }) => [parts[0]?.startMs ?? 0, parts.at(-1)?.endMs ?? 0] as const),
    );
  }

  #sliceEvents(pid: number): JsonObject[] {
    const lanes = this.#lanes();
    const slice = (cat: string, tid: number, { name, startMs, endMs, args }: Slice): JsonObject => ({
      ph: 'X',
      cat,
      name,
      pid,
      tid,
      ts: microseconds(startMs),
      dur: length(startMs, endMs),
      ...(args === undefined ? {} : { args }),
    });
    return [
      ...this.#steps.map((step) => slice('step', STEPS, step)),
      ...this.#requests.flatMap(({ args, parts }, at) =>
        parts.map((part) => slice('request', FIRST_LANE + (lanes[at] ?? 0), { ...part, args })),
      ),
      ...this.#moments.map(({ name, startMs, args }) => ({
        ph: 'i',
        s: 't',
        cat: 'moment',
        name,
        pid,
        tid: MOMENTS,
        ts: microseconds(startMs),
        ...(args === undefined ? {} : { args }),
      })),
    ];
  }

  #counterEvents(pid: number): JsonObject[] {
    return this.#counters.map(({ name, atMs, values }) => ({
      ph: 'C',
      name,
      pid,
      ts: microseconds(atMs),
      args: values,
    }));
  }
}
