/**
 * A plant for tests of the autopilot's mind: B a token, exact ranges in the book, sequences that grow at one pace, and
 * telemetry, shadow and faults as a test says. Nothing in it resembles a real engine's time.
 */
import { KvBook, type BookChange } from '../../src/autopilot/book/book.ts';
import { digestOf } from '../../src/autopilot/book/digest.ts';
import {
  ActionError,
  type Applied,
  type AutopilotPlant,
  type Priced,
  type ShadowSample,
} from '../../src/autopilot/plant.ts';
import type { KvFormat } from '../../src/core/kv/formats.ts';
import type { AutopilotCounters, AutopilotTelemetry, KvLimits } from '../../src/core/run/autopilot.ts';
import { KV_ACTION_KINDS, type KvAction } from '../../src/core/scenario/autopilot/action.ts';

export const BYTES: Readonly<Partial<Record<KvFormat, number>>> = { f16: 16, int8: 8, int4: 4, int2: 2 };

export interface DoubleSequence {
  readonly name: string;
  readonly tokens: number;
  readonly pinned?: boolean;
  readonly arrivesMs?: number;
  /** Tokens at which it ends; none: never. */
  readonly endsAt?: number;
  readonly lastUsedMs?: number;
  readonly uses?: number;
}

export interface DoubleOptions {
  readonly sequences: readonly DoubleSequence[];
  readonly budgetTokens: number;
  readonly hostTokens?: number;
  /** Of each running sequence. */
  readonly tokensPerMs?: number;
  readonly endsMs?: number;
  /** Loss that the shadow sees for each kind of action, by `quantize int8` or `evict`. */
  readonly losses?: Readonly<Record<string, number>>;
  readonly samples?: number;
  /** p95 and failures as the test likes, from the time and what is applied. */
  readonly service?: (plant: DoublePlant) => Partial<AutopilotTelemetry>;
  readonly blockTokens?: number;
}

interface Done extends Applied {
  readonly change: BookChange | null;
  readonly limits: KvLimits;
}

const LIMITS: KvLimits = {
  maxSequences: 64,
  tokenBudget: 2048,
  admissionBelowUse: 1,
  prefixCacheBlocks: null,
};

export class DoublePlant implements AutopilotPlant {
  readonly origin = 'simulated';
  readonly capabilities = new Set(KV_ACTION_KINDS);
  readonly blockTokens: number;
  nowMs = 0;
  readonly book: KvBook;
  readonly live: DoubleSequence[] = [];
  readonly done: Done[] = [];
  /** Actions that were shadowed, call by call. */
  readonly shadowed: { actions: readonly KvAction[]; fraction: number }[] = [];
  finished = 0;
  checks = 0;
  readonly #options: DoubleOptions;
  readonly #counters = { applies: 0, rollbacks: 0, evicted: 0, quantized: 0, offloaded: 0 };
  #limits = LIMITS;
  #nextId = 1;

  constructor(options: DoubleOptions) {
    this.#options = options;
    this.blockTokens = options.blockTokens ?? 16;
    this.book = new KvBook({
      native: 'f16',
      bytesPerToken: (format) => BYTES[format] ?? null,
      capacity: { hbm: Infinity, host: 16 * (options.hostTokens ?? 0) },
    });
    this.#admit();
  }

  get applied(): readonly Applied[] {
    return this.done;
  }

  #admit(): void {
    for (const sequence of this.#options.sequences) {
      if ((sequence.arrivesMs ?? 0) > this.nowMs || this.live.includes(sequence)) continue;
      this.live.push(sequence);
      const { name, tokens, pinned = false, lastUsedMs = 0, uses = 1 } = sequence;
      this.book.submit(name, tokens, { pinned, nowMs: lastUsedMs });
      this.book.use(name, lastUsedMs, uses);
    }
  }

  advance(untilMs: number): Promise<boolean> {
    const passed = Math.max(0, untilMs - this.nowMs);
    this.nowMs = Math.max(this.nowMs, untilMs);
    this.#admit();
    for (const { name, endsAt = Infinity } of this.live) {
      if (!this.book.has(name)) continue;
      const tokens = this.book.tokens(name) + Math.floor(passed * (this.#options.tokensPerMs ?? 0));
      this.book.grow(name, Math.min(tokens, endsAt));
      if (tokens < endsAt) continue;
      this.book.finish(name);
      this.finished++;
    }
    return Promise.resolve(this.nowMs < (this.#options.endsMs ?? 10_000));
  }

  telemetry(): AutopilotTelemetry {
    const kvBytes = this.book.bytes('hbm');
    const kvBudgetBytes = 16 * this.#options.budgetTokens;
    return {
      atMs: this.nowMs,
      kvUse: kvBytes / kvBudgetBytes,
      kvBytes,
      kvBudgetBytes,
      hostBytes: this.book.lowerBytes,
      hostBudgetBytes: 16 * (this.#options.hostTokens ?? 0),
      running: this.book.size,
      waiting: 0,
      finished: this.finished,
      failed: 0,
      preemptions: 0,
      p95Ms: null,
      ttftP95Ms: null,
      outputTokensPerSecond: 0,
      lookedUpTokens: 0,
      hitTokens: 0,
      ...this.#options.service?.(this),
    };
  }

  sequences() {
    return this.book.names().map((name) => this.book.state(name));
  }

  limits(): KvLimits {
    return { ...this.#limits };
  }

  counters(): AutopilotCounters {
    const { applies, rollbacks, evicted, quantized, offloaded } = this.#counters;
    return {
      tokensEvicted: evicted,
      tokensQuantized: quantized,
      tokensOffloaded: offloaded,
      tokensFetched: 0,
      reuseHits: 0,
      reuseMisses: 0,
      applies,
      rollbacks,
    };
  }

  price(action: KvAction): Priced {
    if ('sequence' in action) return this.book.price(action);
    return { ok: true, freesBytes: 0, tokens: 0, movedBytes: 0 };
  }

  apply(action: KvAction): Promise<Applied> {
    const limits = this.limits();
    const change = 'sequence' in action ? this.book.apply(action) : null;
    if (action.kind === 'concurrency') this.#limits = { ...limits, maxSequences: action.maxSequences };
    if (action.kind === 'admission') this.#limits = { ...limits, admissionBelowUse: action.belowUse };
    if (action.kind === 'chunk') this.#limits = { ...limits, tokenBudget: action.tokenBudget };
    if (action.kind === 'prefixCache') this.#limits = { ...limits, prefixCacheBlocks: action.blocks };
    this.#counters.applies++;
    if (action.kind === 'evict') this.#counters.evicted += change?.tokens ?? 0;
    const done = { id: this.#nextId++, action, freedBytes: change?.freesBytes ?? 0, change, limits };
    this.done.push(done);
    return Promise.resolve(done);
  }

  undo(applied: readonly Applied[]): Promise<void> {
    const ids = new Set(applied.map(({ id }) => id));
    for (const done of this.done.filter(({ id }) => ids.has(id)).reverse()) {
      if (done.change) this.book.put(done.change);
      else this.#limits = done.limits;
      this.done.splice(this.done.indexOf(done), 1);
      this.#counters.rollbacks++;
    }
    return Promise.resolve();
  }

  keep(applied: readonly Applied[]): void {
    const ids = new Set(applied.map(({ id }) => id));
    this.done.splice(0, this.done.length, ...this.done.filter(({ id }) => !ids.has(id)));
  }

  shadow(actions: readonly KvAction[], fraction: number): Promise<readonly ShadowSample[]> {
    this.shadowed.push({ actions, fraction });
    const { losses = {}, samples = 64 } = this.#options;
    const names = [...new Set(actions.flatMap((action) => ('sequence' in action ? [action.sequence] : [])))];
    const tried = names.slice(0, Math.max(1, Math.ceil(fraction * names.length)));
    const loss = Math.max(
      0,
      ...actions.map(
        (action) => losses[action.kind === 'quantize' ? `quantize ${action.format}` : action.kind] ?? 0,
      ),
    );
    // As many positions differ as the loss says, evenly spread.
    const differs = (i: number) => Math.floor((i + 1) * loss) > Math.floor(i * loss);
    return Promise.resolve(
      tried.flatMap((sequence) =>
        Array.from({ length: samples }, (_, i) => ({
          sequence,
          kl: differs(i) ? 1 : 0,
          top1: differs(i) ? 0 : 1,
        })),
      ),
    );
  }

  digest(): string {
    return digestOf(`${this.book.text()}\n${JSON.stringify(this.#limits)}`);
  }

  check(): void {
    this.checks++;
    this.book.check();
  }
}

export { ActionError };
