/**
 * What schedulers that choose anew in each step have in common: the batch, the queue, the plan, preemption and the end
 * of a step. A scheduler of this family says in `fill` whom it takes, and nothing else. (vllm.ts stands alone: its order
 * is a contract of its own.)
 *
 * As in vllm.ts all sequences that decode are one number, and a step costs what changes in it.
 */
import type { BlockManager } from '../kv/block-manager.ts';
import { RowList, rowArena } from './row-list.ts';
import type { SchedulerParts } from './parts.ts';
import { addChunk, createPlan, empty, resetPlan, takeAllDecodes } from './plan.ts';
import type { Scheduler, StepOutcome, StepPlan } from './scheduler.ts';
import type { Sequences } from './sequences.ts';
import { leastImportant } from './victim.ts';
import { byPriority, firstComeFirstServed, type WaitingQueue } from './waiting.ts';

export abstract class BatchScheduler implements Scheduler {
  protected readonly parts: SchedulerParts;
  protected readonly sequences: Sequences;
  protected readonly manager: BlockManager;
  protected readonly running: RowList;
  protected readonly waiting: WaitingQueue;
  /** Running rows whose prompt is not computed yet, in batch order. */
  protected partials: number[] = [];
  /** Tokens that the step may still take. */
  protected budget = 0;
  #plan: StepPlan;
  #outcome: StepOutcome = { prefilled: [], finished: [] };
  #inBatchOrder = (a: number, b: number): number => this.sequences.order(a) - this.sequences.order(b);

  constructor(parts: SchedulerParts) {
    this.parts = parts;
    this.sequences = parts.sequences;
    this.manager = parts.manager;
    const arena = rowArena(parts.sequences.requests.size);
    this.running = new RowList(arena);
    this.waiting = parts.priorities === 'fcfs' ? firstComeFirstServed(arena) : byPriority(parts.sequences);
    this.#plan = createPlan(parts.maxSequences);
  }

  /** Chooses the step's decodes, chunks and new requests. */
  protected abstract fill(plan: StepPlan): void;

  get numWaiting(): number {
    return this.waiting.size;
  }

  get numRunning(): number {
    return this.running.size;
  }

  get numRunningTokens(): number {
    let tokens = this.sequences.decoders.sumComputed;
    for (const row of this.partials) tokens += this.sequences.computed(row);
    return tokens;
  }

  add(request: number): void {
    this.sequences.arrive(request);
    this.waiting.push(request);
  }

  schedule(): StepPlan | null {
    const plan = this.#plan;
    resetPlan(plan);
    this.budget = this.parts.tokenBudget;
    this.fill(plan);
    if (plan.work.decodeSequences === 0 && plan.work.prefillCount === 0) return null;
    plan.work.sampledSequences += plan.work.decodeSequences;
    plan.step++;
    return plan;
  }

  complete(plan: StepPlan, ended: readonly number[] = []): StepOutcome {
    const { prefilled, finished } = this.#outcome;
    empty(prefilled);
    empty(finished);
    if (plan.work.decodeSequences > 0) this.completeDecodes(plan, finished);
    this.#completeChunks(plan, prefilled, finished);
    for (const row of ended) if (!finished.includes(row)) finished.push(row);
    if (finished.length > 1) finished.sort(this.#inBatchOrder);
    for (const row of finished) this.#finish(row);
    return this.#outcome;
  }

  /** Every decoding sequence got its token. */
  protected completeDecodes(_plan: StepPlan, finished: number[]): void {
    this.sequences.decoders.advance();
    this.sequences.decoders.collectEnded(finished);
  }

  /** A prompt is computed. @returns false when its first token was its last */
  protected startDecoding(row: number): boolean {
    return this.sequences.startDecoding(row);
  }

  /** A row leaves the batch, whatever the reason. */
  protected leave(row: number): void {
    const partial = this.partials.indexOf(row);
    if (partial >= 0) this.partials.splice(partial, 1);
    this.running.remove(row);
  }

  /** All sequences that decode take their token; when blocks lack, victims give up theirs. */
  protected takeDecodes(plan: StepPlan): void {
    const { decoders } = this.sequences;
    const changing = this.#changingInOrder();
    const missing = changing.reduce(
      (sum, row) => sum + this.manager.missingBlocks(row, decoders.computed(row) + 1),
      0,
    );
    if (missing > this.manager.numFreeBlocks) this.#growOneByOne(plan, changing);
    else for (const row of changing) this.#grow(plan, row);
    takeAllDecodes(plan, decoders);
    this.budget -= decoders.size;
  }

  /**
   * The running prompts in order, as far as the budget goes. One that lacks blocks waits for others to end; when nothing
   * at all can go on, the last of the batch give theirs to the first.
   */
  protected takePartials(plan: StepPlan): void {
    this.#takePartials(plan);
    const first = this.partials[0];
    if (first === undefined || plan.work.decodeSequences + plan.work.prefillCount > 0) return;
    const tokens = this.chunkTokens(first, this.sequences.computed(first));
    if (this.makeRoom(plan, first, tokens)) this.#takePartials(plan);
  }

  #takePartials(plan: StepPlan): void {
    for (const row of this.partials) {
      const tokens = this.chunkTokens(row, this.sequences.computed(row));
      if (tokens <= 0) return;
      const upTo = this.sequences.computed(row) + tokens;
      this.manager.leave(row, this.sequences.computed(row));
      const missing = this.manager.missingBlocks(row, upTo);
      if (!this.manager.grow(row, upTo)) continue;
      if (missing > 0) plan.grown.push(row);
      this.addChunk(plan, row, tokens);
    }
  }

  /**
   * The first chunks of waiting requests in order, until one does not fit.
   * @param whole admit a prompt only when all of it fits
   */
  protected admitChunks(plan: StepPlan, whole: boolean): void {
    const { connector, maxSequences } = this.parts;
    while (this.waiting.size > 0 && this.budget > 0 && this.running.size < maxSequences) {
      const row = this.waiting.head;
      const total = this.sequences.total(row);
      const cached = this.manager.lookup(row, total) * this.manager.blockSize;
      const loaded = connector?.matched(row, cached, total) ?? 0;
      const found = cached + loaded;
      const tokens = this.chunkTokens(row, found);
      const unscheduled = this.manager.blocksFor(total) - this.manager.blocksFor(found + tokens);
      const keepFree = this.keptFree() + (whole ? unscheduled : 0);
      if (!this.manager.admit(row, found + tokens, keepFree, found)) return;
      if (loaded > 0) connector?.load(row, cached, loaded);
      this.join(plan, row, found, tokens);
    }
  }

  /** Blocks that admission leaves free; an empty batch takes a request that needs them all. */
  protected keptFree(): number {
    return this.running.size === 0 ? 0 : this.parts.watermarkBlocks;
  }

  /** The head of the queue enters the batch. */
  protected join(plan: StepPlan, row: number, found: number, tokens: number): void {
    this.waiting.shift();
    this.running.append(row);
    this.sequences.admit(row, found);
    this.partials.push(row);
    plan.joined.push(row);
    this.addChunk(plan, row, tokens);
  }

  protected addChunk(plan: StepPlan, row: number, tokens: number): void {
    addChunk(plan, row, tokens, this.sequences.computed(row), this.sequences.total(row));
    this.budget -= tokens;
  }

  /** Who gives up its blocks: the last of the batch, under priorities the least important. */
  protected victim(): number {
    return this.parts.priorities === 'fcfs' ? this.running.tail : this.leastImportantFrom(this.running.head);
  }

  /** Of the rows from `first` on the one of least priority; of several the one that arrived last. */
  protected leastImportantFrom(first: number): number {
    return leastImportant(this.running, this.sequences, first);
  }

  /** A row without tokens in this step's plan gives up its blocks and waits again. */
  protected preempt(plan: StepPlan, row: number): void {
    this.leave(row);
    const computed = this.sequences.computed(row);
    plan.lostTokens.push(this.parts.connector?.keep(row, computed) ? 0 : computed);
    this.manager.free(row, computed);
    this.sequences.reset(row);
    this.waiting.giveBack(row);
    plan.preempted.push(row);
  }

  /** Preempts until a row has blocks for `tokens` more tokens; false when it had to go itself. */
  protected makeRoom(plan: StepPlan, row: number, tokens: number): boolean {
    const computed = this.sequences.computed(row);
    this.manager.leave(row, computed);
    const missing = this.manager.missingBlocks(row, computed + tokens);
    while (missing > this.manager.numFreeBlocks) {
      const victim = this.victim();
      this.preempt(plan, victim);
      if (victim === row) return false;
    }
    if (missing > 0) plan.grown.push(row);
    return this.manager.grow(row, computed + tokens);
  }

  /** A copy: preemption changes the original. */
  #changingInOrder(): number[] {
    const rows = this.sequences.decoders.changing().slice();
    return rows.length > 1 ? rows.sort(this.#inBatchOrder) : rows;
  }

  #grow(plan: StepPlan, row: number): void {
    this.manager.leave(row, this.sequences.computed(row));
    const tokens = this.sequences.computed(row) + 1;
    if (this.manager.missingBlocks(row, tokens) <= 0) return;
    this.manager.grow(row, tokens);
    plan.grown.push(row);
  }

  #growOneByOne(plan: StepPlan, changing: readonly number[]): void {
    const { decoders } = this.sequences;
    for (const row of changing) {
      if (decoders.has(row)) this.makeRoom(plan, row, 1);
    }
    // A victim that had grown in this step already is in no table any more.
    const stays = plan.grown.filter((row) => decoders.has(row));
    empty(plan.grown);
    plan.grown.push(...stays);
  }

  /** Tokens of the next chunk of a prompt of which `found` are there. */
  protected chunkTokens(row: number, found: number): number {
    const most = this.parts.longPrefillTokens;
    const rest = this.sequences.total(row) - found;
    return Math.min(most > 0 ? Math.min(rest, most) : rest, this.budget);
  }

  #completeChunks(plan: StepPlan, prefilled: number[], finished: number[]): void {
    for (let i = 0; i < plan.chunks.length; i++) {
      const row = plan.chunks[i] ?? -1;
      this.sequences.addComputed(row, plan.work.prefillTokens[i] ?? 0);
      if (this.sequences.computed(row) < this.sequences.total(row)) continue;
      prefilled.push(row);
      this.partials.splice(this.partials.indexOf(row), 1);
      if (!this.startDecoding(row)) finished.push(row);
    }
  }

  #finish(row: number): void {
    this.leave(row);
    this.sequences.settle(row);
    this.manager.free(row, this.sequences.computed(row));
  }
}
