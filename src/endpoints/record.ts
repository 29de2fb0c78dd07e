/** Fills the raw columns of a repetition while it is driven. Times count from its start. */
import type { LoadFault, LoadRecord, Telemetry } from '../core/run/load.ts';
import type { RequestTable } from '../core/schedule/requests.ts';
import type { Streamed } from './stream.ts';

/** Microseconds are what the clocks tell. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

type Column = (number | null)[];

export class LoadRecorder {
  readonly #table: RequestTable;
  readonly #startMs: number;
  readonly #arrival: Column;
  readonly #sent: Column;
  readonly #end: Column;
  readonly #prompt: Column;
  readonly #output: Column;
  readonly #cached: Column;
  readonly #attempts: number[];
  readonly #chunkMs: number[][];
  readonly #faults: LoadFault[] = [];
  readonly #telemetry: Telemetry[] = [];
  readonly #held = new Set<number>();

  constructor(table: RequestTable, startMs: number) {
    const column = (): Column => new Array<number | null>(table.size).fill(null);
    this.#table = table;
    this.#startMs = startMs;
    [this.#arrival, this.#sent, this.#end] = [column(), column(), column()];
    [this.#prompt, this.#output, this.#cached] = [column(), column(), column()];
    this.#attempts = new Array<number>(table.size).fill(0);
    this.#chunkMs = Array.from({ length: table.size }, () => []);
  }

  sent(row: number, dueMs: number, nowMs: number): void {
    this.#arrival[row] = this.#at(dueMs);
    this.#sent[row] = this.#at(nowMs);
    this.#attempts[row] = 1;
  }

  again(row: number): void {
    this.#attempts[row] = (this.#attempts[row] ?? 0) + 1;
  }

  heldBack(row: number): void {
    this.#held.add(row);
  }

  finished(row: number, streamed: Streamed): void {
    this.failed(row, streamed);
    this.#end[row] = this.#chunkMs[row]?.at(-1) ?? null;
  }

  /** What came before the fault is kept; the request has no end. */
  failed(row: number, { chunkMs, usage }: Streamed): void {
    this.#chunkMs[row] = chunkMs.map((ms) => this.#at(ms));
    this.#prompt[row] = usage?.promptTokens ?? null;
    this.#output[row] = usage?.outputTokens ?? null;
    this.#cached[row] = usage?.cachedTokens ?? null;
  }

  fault(fault: LoadFault): void {
    this.#faults.push({ ...fault, atMs: rounded(fault.atMs) });
  }

  telemetry(sample: Telemetry): void {
    this.#telemetry.push({ ...sample, atMs: rounded(sample.atMs) });
  }

  record(seed: number): LoadRecord {
    return {
      seed,
      requests: {
        arrivalMs: this.#arrival,
        sentMs: this.#sent,
        firstTokenMs: this.#chunkMs.map(([first]) => first ?? null),
        endMs: this.#end,
        askedPromptTokens: [...this.#table.promptTokens],
        askedOutputTokens: [...this.#table.outputTokens],
        promptTokens: this.#prompt,
        outputTokens: this.#output,
        cachedTokens: this.#cached,
        chunks: this.#chunkMs.map(({ length }) => length),
        chunkMs: this.#chunkMs.flat(),
        attempts: this.#attempts,
      },
      faults: this.#faults,
      heldBack: this.#held.size,
      telemetry: this.#telemetry,
    };
  }

  #at(ms: number): number {
    return rounded(ms - this.#startMs);
  }
}
