/**
 * A log of block accesses: which block, when, and whether the cache had it. As columns, so that millions fit.
 *
 * It comes from a recorded file (`block,time,hit` as CSV, or JSON lines with these names), from a prefix cache's events,
 * or from a simulated run's blocks. Boundary: what happened, in order; what follows from it is in accesses.ts.
 */

export interface AccessLog {
  /** Block of each access, numbered by first appearance. */
  readonly block: Int32Array;
  /** In `timeUnit`, never falling. */
  readonly time: Float64Array;
  /** 1: the cache had it. */
  readonly hit: Uint8Array;
  /** Place of the block in its prompt, 0 for the first; null where nobody knows. */
  readonly depth: Int32Array | null;
  /** Blocks by their numbers, as whoever recorded them called them. */
  readonly names: readonly string[];
  /** Empty: as the file had it. */
  readonly timeUnit: 'ms' | '';
}

/** Bounds that keep a hostile file from filling the memory. */
export const ACCESS_BOUNDS = { maxAccesses: 20_000_000, maxLineCharacters: 10_000 };

/** Collects accesses one by one. */
export class AccessRecorder {
  #numbers = new Map<string | number, number>();
  #block: number[] = [];
  #time: number[] = [];
  #hit: number[] = [];
  #depth: number[] = [];
  #knowsDepth = true;

  get length(): number {
    return this.#block.length;
  }

  record(block: string | number, time: number, hit: boolean, depth?: number): void {
    let number = this.#numbers.get(block);
    if (number === undefined) this.#numbers.set(block, (number = this.#numbers.size));
    this.#block.push(number);
    this.#time.push(time);
    this.#hit.push(hit ? 1 : 0);
    if (depth === undefined) this.#knowsDepth = false;
    else this.#depth.push(depth);
  }

  log(timeUnit: AccessLog['timeUnit']): AccessLog {
    return {
      block: Int32Array.from(this.#block),
      time: Float64Array.from(this.#time),
      hit: Uint8Array.from(this.#hit),
      depth: this.#knowsDepth ? Int32Array.from(this.#depth) : null,
      names: [...this.#numbers.keys()].map(String),
      timeUnit,
    };
  }
}

/** A line that is no access. */
export class AccessLogError extends Error {
  readonly code = 'access-log';
  readonly line: number;
  constructor(line: number, reason: string) {
    super(`Line ${line} of the access log: ${reason}`);
    this.name = 'AccessLogError';
    this.line = line;
  }
}

const COLUMNS = ['block', 'time', 'hit'] as const;
type Column = (typeof COLUMNS)[number];
type Fields = Readonly<Record<Column, unknown>>;

const HIT_WORDS: Readonly<Record<string, boolean>> = {
  '1': true,
  true: true,
  hit: true,
  '0': false,
  false: false,
  miss: false,
};

/** Reads a recorded log a line at a time; a bad line stops the reading with its number and the reason. */
export class AccessLogReader {
  #recorder = new AccessRecorder();
  #places: Readonly<Record<Column, number>> | null = null;
  #line = 0;
  #lastTime = -Infinity;

  /** One line without its end. Empty lines are passed over. @throws AccessLogError */
  push(text: string): void {
    this.#line++;
    const line = text.trim();
    if (line === '') return;
    if (line.length > ACCESS_BOUNDS.maxLineCharacters) {
      throw this.#error(`it has ${line.length} characters; ${ACCESS_BOUNDS.maxLineCharacters} are the most.`);
    }
    if (this.#recorder.length >= ACCESS_BOUNDS.maxAccesses) {
      throw this.#error(`it is beyond access ${ACCESS_BOUNDS.maxAccesses}; cut the log.`);
    }
    const fields = line.startsWith('{') ? this.#jsonFields(line) : this.#csvFields(line);
    if (fields) this.#add(fields);
  }

  /** @throws AccessLogError for a file without accesses */
  finish(): AccessLog {
    if (this.#recorder.length === 0) throw this.#error('the file ends without a single access.');
    return this.#recorder.log('');
  }

  /** Null for a header. */
  #csvFields(line: string): Fields | null {
    const cells = line.split(',').map((cell) => cell.trim());
    if (this.#places === null) {
      const names = cells.map((cell) => cell.toLowerCase());
      const isHeader = COLUMNS.some((column) => names.includes(column));
      const missing = COLUMNS.find((column) => isHeader && !names.includes(column));
      if (missing) throw this.#error(`it has no ${missing} column; block, time and hit are needed.`);
      const place = (column: Column, otherwise: number): number =>
        isHeader ? names.indexOf(column) : otherwise;
      this.#places = { block: place('block', 0), time: place('time', 1), hit: place('hit', 2) };
      if (isHeader) return null;
    }
    const { block, time, hit } = this.#places;
    return { block: cells[block], time: cells[time], hit: cells[hit] };
  }

  #jsonFields(line: string): Fields {
    let document: unknown;
    try {
      document = JSON.parse(line);
    } catch {
      throw this.#error('it is no JSON.');
    }
    const field = (name: Column): unknown =>
      typeof document === 'object' && document !== null && Object.hasOwn(document, name)
        ? Reflect.get(document, name)
        : undefined;
    return { block: field('block'), time: field('time'), hit: field('hit') };
  }

  #add({ block, time, hit }: Fields): void {
    if ((typeof block !== 'string' && typeof block !== 'number') || block === '') {
      throw this.#error('the block is missing.');
    }
    const at = typeof time === 'number' || (typeof time === 'string' && time !== '') ? Number(time) : NaN;
    if (!Number.isFinite(at)) throw this.#error('the time is no number.');
    if (at < this.#lastTime) {
      throw this.#error(
        `its time ${at} lies before the line above it, ${this.#lastTime}; sort the log by time.`,
      );
    }
    const wasHit = HIT_WORDS[String(hit).toLowerCase()];
    if (wasHit === undefined) throw this.#error(`hit is “${String(hit).slice(0, 20)}”; 1 or 0 is needed.`);
    this.#lastTime = at;
    this.#recorder.record(String(block), at, wasHit);
  }

  #error(reason: string): AccessLogError {
    return new AccessLogError(this.#line, reason);
  }
}
