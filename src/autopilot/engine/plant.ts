/**
 * The real engine as an autopilot's plant: a model on the GPU serves the scenario's requests, and actions change its cache
 * between two steps.
 *
 * What is real: evicted and offloaded blocks leave the tables and are given to others, host copies are host memory, limits
 * are the live scheduler's, and a quantized block holds exactly what its format gives back. What is booked: the pool's
 * buffers keep their own format, so the bytes that a smaller format saves are blocks of a reserve that the pool was made
 * with, given out while the sequence lives (notes say so).
 *
 * Boundary: one engine, one workload, one clock that never stops. Loading a model is the lab's.
 */
import type {
  AutopilotCounters,
  AutopilotTelemetry,
  KvLimits,
  SequenceState,
} from '../../core/run/autopilot.ts';
import type { SimSummary } from '../../core/run/simulation.ts';
import { servedRepetition } from '../../core/metrics/serving/served.ts';
import type { AutopilotScenario } from '../../core/scenario/autopilot/schema.ts';
import { KV_ACTION_KINDS, type KvAction, type KvActionKind } from '../../core/scenario/autopilot/action.ts';
import { LiveCache, type BlockWords } from '../../engine/actions/live-cache.ts';
import type { Engine } from '../../engine/engine.ts';
import { EngineStalledError } from '../../lab/serving/drive.ts';
import type { KvBook } from '../book/book.ts';
import { digestOf } from '../book/digest.ts';
import { ActionError, type Applied, type Priced, type ShadowSample } from '../plant.ts';
import type { RunPlant } from '../run.ts';
import { EngineLimits, type LimitAction } from './limits.ts';
import { RangeActions, type DoneRange } from './ranges.ts';
import type { EngineShadow } from './shadow.ts';
import type { Traffic } from './traffic.ts';

type Done =
  | { readonly kind: 'range'; readonly done: DoneRange }
  | { readonly kind: 'limit'; readonly action: LimitAction; readonly before: KvLimits };

export interface EnginePlantParts {
  readonly engine: Engine;
  readonly scenario: AutopilotScenario;
  readonly book: KvBook;
  readonly limits: EngineLimits;
  readonly traffic: Traffic;
  /** null: actions can't be tried on copies. */
  readonly shadow: EngineShadow | null;
  readonly hostBudgetBytes: number;
  readonly notes: readonly string[];
  readonly signal: AbortSignal;
}

export function nameOf(row: number): string {
  return `r${row}`;
}

export function rowOf(name: string): number {
  return /^r\d+$/.test(name) ? Number(name.slice(1)) : -1;
}

export class EnginePlant implements RunPlant {
  readonly origin = 'measured';
  readonly capabilities: ReadonlySet<KvActionKind>;
  readonly blockTokens: number;
  readonly #parts: EnginePlantParts;
  readonly #live: LiveCache;
  readonly #ranges: RangeActions;
  readonly #done = new Map<number, Done>();
  readonly #counters: { -readonly [K in keyof AutopilotCounters]: AutopilotCounters[K] };
  #nextId = 0;
  #preempted = 0;

  constructor(parts: EnginePlantParts) {
    const { engine, book, traffic, hostBudgetBytes } = parts;
    this.#parts = parts;
    this.#live = new LiveCache(engine);
    this.blockTokens = engine.settings.blockSize;
    this.#ranges = new RangeActions(book, this.#live, (name) => traffic.requestOf(rowOf(name)));
    const cannot = new Set<KvActionKind>([
      ...(hostBudgetBytes > 0 ? [] : (['offload', 'fetch'] as const)),
      ...(engine.settings.prefixCaching ? [] : (['prefixCache'] as const)),
    ]);
    this.capabilities = new Set(KV_ACTION_KINDS.filter((kind) => !cannot.has(kind)));
    this.#counters = {
      ...{ tokensEvicted: 0, tokensQuantized: 0, tokensOffloaded: 0, tokensFetched: 0 },
      ...{ reuseHits: 0, reuseMisses: 0, applies: 0, rollbacks: 0 },
    };
  }

  get nowMs(): number {
    return this.#parts.traffic.nowMs;
  }

  async advance(untilMs: number): Promise<boolean> {
    const { traffic, signal } = this.#parts;
    // Whoever cancelled looks at the signal himself, and still wants to hear of the run.
    while (!traffic.isOver && this.nowMs < untilMs && !signal.aborted) {
      await this.#fetchHeld();
      const step = await traffic.step();
      this.#sync(step === null ? [] : step.tokens.map(({ row }) => row));
      if (step !== null) continue;
      if (this.#ranges.held.length > 0) await this.#fetchOldest();
      else if (traffic.hasOpen) throw new EngineStalledError(traffic.openRows.length);
      else await traffic.idle(untilMs, signal);
    }
    return !traffic.isOver;
  }

  telemetry(): AutopilotTelemetry {
    const { traffic, book, hostBudgetBytes } = this.#parts;
    const { counts, window } = traffic;
    return {
      atMs: this.nowMs,
      kvUse: this.#kvBytes / this.#budgetBytes,
      kvBytes: this.#kvBytes,
      kvBudgetBytes: this.#budgetBytes,
      hostBytes: book.lowerBytes,
      hostBudgetBytes,
      running: counts.running,
      waiting: counts.waiting + this.#ranges.held.length,
      finished: counts.finished,
      failed: 0,
      preemptions: counts.preemptions + this.#preempted,
      ...window.latencies(this.nowMs),
      outputTokensPerSecond: window.tokensPerSecond(this.nowMs),
      lookedUpTokens: counts.lookedUpTokens,
      hitTokens: counts.hitTokens,
    };
  }

  sequences(): readonly SequenceState[] {
    const { traffic, book } = this.#parts;
    return traffic.openRows.map((row): SequenceState => {
      const name = nameOf(row);
      if (book.has(name)) return book.state(name, this.#ranges.held.includes(name) ? 'waiting' : 'running');
      const nothing = { tokens: 0, bytes: 0, gpuBytes: 0, lastUsedMs: 0, uses: 0 };
      return { name, ...nothing, phase: 'waiting', pinned: false, parts: [] };
    });
  }

  limits(): KvLimits {
    return this.#parts.limits.now;
  }

  counters(): AutopilotCounters {
    const { lookedUpTokens, hitTokens } = this.#parts.traffic.counts;
    return { ...this.#counters, reuseHits: hitTokens, reuseMisses: lookedUpTokens - hitTokens };
  }

  price(action: KvAction): Priced {
    return 'sequence' in action ? this.#ranges.price(action) : this.#parts.limits.price(action);
  }

  async apply(action: KvAction): Promise<Applied> {
    await this.#standStill();
    const id = this.#nextId;
    const priced = this.price(action);
    if (!priced.ok) throw new ActionError(priced.sentence);
    if ('sequence' in action) {
      this.#done.set(id, { kind: 'range', done: await this.#ranges.apply(action) });
      this.#count(action.kind, priced.tokens);
    } else {
      this.#done.set(id, { kind: 'limit', action, before: this.#parts.limits.apply(action) });
      this.#limitIdle();
    }
    this.#nextId++;
    this.#counters.applies++;
    return { id, action, freedBytes: priced.freesBytes };
  }

  async undo(applied: readonly Applied[]): Promise<void> {
    await this.#standStill();
    const newestFirst = [...applied].sort((a, b) => b.id - a.id);
    for (const { id } of newestFirst) {
      const done = this.#done.get(id);
      if (!done) continue;
      this.#done.delete(id);
      if (done.kind === 'limit') this.#parts.limits.undo(done.action, done.before);
      else this.#ranges.undo(done.done, (except) => this.#preemptNewest(except));
    }
    this.#ranges.recompute();
    if (applied.length > 0) this.#counters.rollbacks++;
    this.#limitIdle();
  }

  keep(applied: readonly Applied[]): void {
    for (const { id } of applied) this.#done.delete(id);
  }

  async shadow(
    actions: readonly KvAction[],
    fraction: number,
    signal: AbortSignal,
  ): Promise<readonly ShadowSample[]> {
    const { shadow, book, traffic } = this.#parts;
    if (shadow === null)
      throw new ActionError('This run has no copies to try actions on; it runs without an autopilot.');
    await this.#standStill();
    const ranges = actions.flatMap((action) => ('sequence' in action ? [action] : []));
    return shadow.compare(ranges, fraction, {
      book,
      live: this.#live,
      ranges: this.#ranges,
      requestOf: (name) => traffic.requestOf(rowOf(name)),
      signal,
    });
  }

  digest(): string {
    const { engine, book, limits } = this.#parts;
    const tables = book
      .names()
      .sort()
      .map((name) => `${name}: ${engine.blocksOf(this.#requestOf(name)).join(' ')}`);
    const held = `held ${this.#ranges.held.join(' ')}`;
    return digestOf([book.text(), ...tables, held, JSON.stringify(limits.now)].join('\n'));
  }

  /** Every word of KV that a sequence holds, block by block, u32 [layers][blockWords] each: what `undo` must restore. */
  async kvOf(name: string): Promise<BlockWords> {
    await this.#standStill();
    return (await this.#ranges.copy(name)).words;
  }

  check(): void {
    this.#parts.engine.check();
    this.#ranges.check();
  }

  /** What a serving run would say of it; null before anything ended. */
  summary(): SimSummary | null {
    const { traffic, scenario, engine } = this.#parts;
    if (traffic.counts.finished === 0) return null;
    const { objectives, seed } = scenario.serving;
    return servedRepetition(traffic.record(seed), {
      kvBlocks: engine.settings.numBlocks,
      blockSize: engine.settings.blockSize,
      objectives,
      prefixCache: engine.settings.prefixCaching,
    }).summary;
  }

  notes(): readonly string[] {
    return this.#parts.notes;
  }

  /** Output of a request so far, by its row. */
  outputOf(row: number): readonly number[] {
    return this.#parts.traffic.outputOf(row);
  }

  /** Answers that are right, of those that were given; none where nobody knows what is right. */
  judged(): { readonly right: number; readonly total: number } {
    const { traffic, scenario } = this.#parts;
    let [right, total] = [0, 0];
    for (let row = 0; row < scenario.serving.workload.requests; row++) {
      const judged = traffic.judged(row);
      right += judged.right;
      total += judged.total;
    }
    return { right, total };
  }

  destroy(): void {
    this.#parts.shadow?.destroy();
    this.#parts.engine.destroy();
  }

  get #budgetBytes(): number {
    return this.#parts.engine.settings.numBlocks * this.#live.blockBytes;
  }

  /** In use, less what smaller formats save in whole blocks. */
  get #kvBytes(): number {
    return Math.max(0, this.#live.activeBlocks) * this.#live.blockBytes;
  }

  #requestOf(name: string): number {
    return this.#parts.traffic.requestOf(rowOf(name));
  }

  async #standStill(): Promise<void> {
    await this.#parts.traffic.settle();
    this.#sync([]);
  }

  /** The book follows the engine: who came, grew, lost its blocks, ended. */
  #sync(used: readonly number[]): void {
    const { traffic, book } = this.#parts;
    const open = new Set(traffic.openRows.map(nameOf));
    for (const name of book.names()) if (!open.has(name)) this.#drop(name);
    for (const row of traffic.openRows) {
      const name = nameOf(row);
      const { phase, computed } = this.#live.state(traffic.requestOf(row));
      const lost = computed < book.tokens(name) && !this.#ranges.isBehind(name);
      if (book.has(name) && (phase !== 'running' || lost)) this.#drop(name);
      if (phase !== 'running' || computed === 0) continue;
      if (!book.has(name)) book.submit(name, computed, { nowMs: this.nowMs });
      if (computed > book.tokens(name)) book.grow(name, computed);
    }
    for (const row of used) if (book.has(nameOf(row))) book.use(nameOf(row), this.nowMs);
    this.#limitIdle();
  }

  #drop(name: string): void {
    this.#parts.book.finish(name);
    this.#ranges.forget(name);
  }

  /** Held sequences go on when they fit below the target, or when nobody else runs. */
  async #fetchHeld(): Promise<void> {
    const [name] = this.#ranges.held;
    if (name === undefined) return;
    const { scenario } = this.#parts;
    const bytes = this.#ranges.blocksInHost(name) * this.#live.blockBytes;
    if ((this.#kvBytes + bytes) / this.#budgetBytes <= scenario.policy.kvUseTarget) await this.#fetchOldest();
  }

  async #fetchOldest(): Promise<void> {
    await this.#standStill();
    const [name] = this.#ranges.held;
    if (name === undefined) return;
    const tokens = this.#ranges.blocksInHost(name) * this.blockTokens;
    if (this.#ranges.fetchAll(name)) this.#counters.tokensFetched += tokens;
    else if (this.#live.running().length === 0) this.#preemptHeld();
  }

  /** Held sequences whose blocks stand in each other's way: the newest of them is computed again. */
  #preemptHeld(): void {
    const name = this.#ranges.held.at(-1);
    if (name === undefined) return;
    const request = this.#requestOf(name);
    this.#live.resume(request);
    this.#live.preempt(request);
    this.#preempted++;
    this.#drop(name);
  }

  /** The newest running sequence makes room for what an undo brings back. */
  #preemptNewest(except: number): boolean {
    const victim = [...this.#live.running()].reverse().find((request) => request !== except);
    if (victim === undefined) {
      if (!this.#ranges.held.some((name) => this.#requestOf(name) !== except)) return false;
      this.#preemptHeld();
      return true;
    }
    this.#live.preempt(victim);
    this.#preempted++;
    const name = this.#parts.book.names().find((own) => this.#requestOf(own) === victim);
    if (name !== undefined) this.#drop(name);
    return true;
  }

  #limitIdle(): void {
    const { prefixCacheBlocks } = this.#parts.limits.now;
    if (prefixCacheBlocks !== null) this.#live.limitIdle(prefixCacheBlocks);
  }

  #count(kind: 'quantize' | 'evict' | 'offload' | 'fetch', tokens: number): void {
    const name = {
      quantize: 'tokensQuantized',
      evict: 'tokensEvicted',
      offload: 'tokensOffloaded',
      fetch: 'tokensFetched',
    } as const;
    this.#counters[name[kind]] += tokens;
  }
}
