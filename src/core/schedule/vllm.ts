/**
 * vLLM v1's scheduler: one token budget for everything, running requests first, chunked prefill, preemption by
 * recomputing, admission at the head of the line. (vllm/v1/core/sched/scheduler.py@00024d3)
 *
 *   running, in order of admission, while the budget lasts: the tokens that a request lacks; when no block is left for
 *   them, the last of the batch (under priorities the least important) gives up its blocks and waits again
 *   waiting, when nobody was preempted: the head's cached prefix, then as much of the rest as the budget holds; when it
 *   does not fit, nobody behind it is looked at
 *
 * The batch is not walked as long as everything fits: all sequences that decode are one number (decoders.ts), and only
 * chunks, growing tables, arrivals and ends are touched. Under pressure (`#walk`) it is.
 *
 * What left a window goes back to the pool when its sequence is next scheduled, before that takes new blocks; so whether
 * all fits is asked of the blocks that are free before.
 *
 * With `ahead` a step is scheduled while the one before it is executed (turns.ts). Left out: LoRA, encoders, structured
 * output; speculation is in speculative.ts.
 */
import type { BlockManager } from '../kv/block-manager.ts';
import { addChunk, removeChunk, takeAllDecodes, takeDecodes } from './plan.ts';
import { RowList, rowArena } from './row-list.ts';
import type { Scheduler, StepOutcome, StepPlan } from './scheduler.ts';
import type { Sequences } from './sequences.ts';
import { Turns, type Turn } from './turns.ts';
import type { VllmConfig } from './vllm-config.ts';
import { leastImportant } from './victim.ts';
import { byPriority, firstComeFirstServed, type WaitingQueue } from './waiting.ts';

export class VllmScheduler implements Scheduler {
  #config: VllmConfig;
  #sequences: Sequences;
  #manager: BlockManager;
  #running: RowList;
  #waiting: WaitingQueue;
  /** Running rows whose prompt is not computed yet, in batch order. */
  #partials: number[] = [];
  /** Largest order that ever decoded: a bound, so that chunks behind all decodes are known to be behind. */
  #lastDecodeOrder = -1;
  #turns: Turns;
  #budget = 0;
  /** Decodes that `#walk` has scheduled in this step. */
  #walked = new Set<number>();
  #inBatchOrder = (a: number, b: number): number => this.#sequences.order(a) - this.#sequences.order(b);

  constructor(config: VllmConfig) {
    this.#config = config;
    this.#sequences = config.sequences;
    this.#manager = config.manager;
    const { requests } = config.sequences;
    const arena = rowArena(requests.size);
    this.#running = new RowList(arena);
    this.#waiting = config.priorities === 'fcfs' ? firstComeFirstServed(arena) : byPriority(config.sequences);
    const chunks = config.limits?.maxChunks ?? Math.min(config.tokenBudget, config.maxSequences);
    this.#turns = new Turns(config.ahead === true, chunks);
  }

  get numWaiting(): number {
    return this.#waiting.size;
  }

  get numRunning(): number {
    return this.#running.size;
  }

  get numRunningTokens(): number {
    let tokens = this.#sequences.decoders.sumComputed;
    for (const row of this.#partials) tokens += this.#sequences.computed(row);
    for (const row of this.#turns.ending) tokens += this.#sequences.computed(row);
    return tokens;
  }

  /** The batch in order. */
  runningRows(): number[] {
    return this.#running.rows();
  }

  add(request: number): void {
    this.#sequences.arrive(request);
    this.#waiting.push(request);
  }

  /** Takes out a request that waits; one that runs ends by `complete`. */
  withdraw(request: number): void {
    this.#waiting.remove(request);
  }

  /** Takes a running request out of the batch between two steps; it keeps its blocks and waits for `resume`. */
  hold(request: number): void {
    this.#sequences.settle(request);
    this.#leave(request);
  }

  /**
   * A held request comes back, behind the others.
   * @param computed tokens that it stands behind, fewer than it had; left out: where it stood
   */
  resume(request: number, computed = this.#sequences.computed(request)): void {
    this.#sequences.admit(request, computed);
    this.#running.append(request);
    this.#partials.push(request);
  }

  /** Takes the blocks of a running request between two steps: it waits again, before all others. */
  preempt(request: number): void {
    const computed = this.#sequences.computed(request);
    this.#leave(request);
    this.#manager.free(request, computed);
    this.#sequences.reset(request);
    this.#waiting.giveBack(request);
  }

  schedule(): StepPlan | null {
    const turn = this.#turns.next();
    const { plan } = turn;
    this.#walked.clear();
    this.#budget = (this.#config.limits ?? this.#config).tokenBudget;
    if (this.#allFits()) this.#takeAll(plan);
    else this.#walk(plan);
    if (plan.preempted.length === 0) this.#admitWaiting(plan);
    if (plan.work.decodeSequences === 0 && plan.work.prefillCount === 0) return null;
    plan.work.sampledSequences += plan.work.decodeSequences;
    this.#turns.count(turn);
    if (this.#turns.ahead) this.#advance(turn);
    return plan;
  }

  complete(plan: StepPlan, ended: readonly number[] = []): StepOutcome {
    const turn = this.#turns.of(plan);
    const { finished } = turn.outcome;
    if (!this.#turns.ahead) this.#advance(turn);
    for (const row of ended) if (!finished.includes(row)) finished.push(row);
    if (finished.length > 1) finished.sort(this.#inBatchOrder);
    // One that a later plan has already taken the blocks from is over: nothing of it is left here.
    const { ending } = this.#turns;
    for (const row of finished) if (ending.delete(row) || ended.includes(row)) this.#finish(row);
    return turn.outcome;
  }

  /** Every sequence of the plan stands behind its tokens. */
  #advance(turn: Turn): void {
    const { plan, outcome } = turn;
    const { decoders } = this.#sequences;
    this.#turns.clear(turn);
    if (plan.work.decodeSequences > 0) {
      decoders.advance();
      decoders.collectEnded(outcome.finished);
    }
    this.#completeChunks(plan, outcome.prefilled, outcome.finished);
    for (const row of outcome.finished) {
      this.#sequences.settle(row);
      this.#turns.ending.add(row);
    }
  }

  /** Tokens of a running prompt that this step may compute, the budget aside. */
  #chunkWanted(row: number): number {
    const rest = this.#sequences.total(row) - this.#sequences.computed(row);
    const most = this.#config.longPrefillTokens;
    return most > 0 ? Math.min(rest, most) : rest;
  }

  /** Every running request gets what it wants, in whatever order they are asked. */
  #allFits(): boolean {
    const { decoders } = this.#sequences;
    if (decoders.size > this.#budget) return false;
    let blocks = 0;
    for (const row of decoders.changing())
      blocks += this.#manager.missingBlocks(row, decoders.computed(row) + 1);
    let budget = this.#budget - decoders.size;
    for (const row of this.#partials) {
      const wanted = this.#chunkWanted(row);
      // A cut chunk leaves nothing for those behind it; among them must be no decode.
      if (wanted > budget && this.#sequences.order(row) < this.#lastDecodeOrder) return false;
      const tokens = Math.min(wanted, budget);
      budget -= tokens;
      if (tokens > 0) blocks += this.#manager.missingBlocks(row, this.#sequences.computed(row) + tokens);
    }
    return blocks <= this.#manager.numFreeBlocks;
  }

  #takeAll(plan: StepPlan): void {
    const { decoders } = this.#sequences;
    const changing = decoders.changing().slice();
    // Which block goes to whom follows the order of the batch.
    if (changing.length > 1) changing.sort(this.#inBatchOrder);
    for (const row of changing) this.#grow(plan, row, decoders.computed(row), 1);
    takeAllDecodes(plan, decoders);
    this.#budget -= decoders.size;
    for (const row of this.#partials) {
      const tokens = Math.min(this.#chunkWanted(row), this.#budget);
      if (tokens === 0) break;
      this.#grow(plan, row, this.#sequences.computed(row), tokens);
      this.#addChunk(plan, row, tokens);
    }
  }

  /** Room for more tokens of a row, where it is known to be there. */
  #grow(plan: StepPlan, row: number, computed: number, tokens: number): void {
    this.#manager.leave(row, computed);
    if (this.#manager.missingBlocks(row, computed + tokens) > 0) plan.grown.push(row);
    this.#manager.grow(row, computed + tokens);
  }

  /** The batch one by one, as vLLM does, for a step in which something does not fit. */
  #walk(plan: StepPlan): void {
    const { decoders } = this.#sequences;
    for (let row = this.#running.head; row >= 0 && this.#budget > 0; row = this.#running.after(row)) {
      if (this.#turns.ending.has(row)) continue;
      const decodes = decoders.has(row);
      const tokens = decodes ? 1 : Math.min(this.#chunkWanted(row), this.#budget);
      if (!this.#makeRoom(plan, row, tokens)) break;
      if (decodes) {
        this.#walked.add(row);
        this.#budget--;
      } else this.#addChunk(plan, row, tokens);
    }
    this.#sumWalked(plan);
  }

  /** Decodes that were scheduled become the plan's sums; all others do nothing in this step. */
  #sumWalked(plan: StepPlan): void {
    const { decoders } = this.#sequences;
    takeDecodes(plan, decoders, this.#walked);
    if (this.#walked.size === 0 || this.#walked.size === decoders.size) return;
    for (let row = this.#running.head; row >= 0; row = this.#running.after(row)) {
      if (!decoders.has(row) || this.#walked.has(row)) continue;
      decoders.holdBack(row);
      plan.heldBack.push(row);
    }
  }

  /** Preempts until `row` has blocks for more tokens; false when it had to go itself. */
  #makeRoom(plan: StepPlan, row: number, tokens: number): boolean {
    const computed = this.#sequences.computed(row);
    this.#manager.leave(row, computed);
    const missing = this.#manager.missingBlocks(row, computed + tokens);
    while (missing > this.#manager.numFreeBlocks) {
      const { head, tail } = this.#running;
      const last = this.#config.priorities === 'fcfs';
      const victim = last ? tail : leastImportant(this.#running, this.#sequences, head);
      this.#preempt(plan, victim);
      if (victim === row) return false;
    }
    if (missing > 0) plan.grown.push(row);
    return this.#manager.grow(row, computed + tokens);
  }

  #preempt(plan: StepPlan, row: number): void {
    this.#unschedule(plan, row);
    this.#leave(row);
    plan.preempted.push(row);
    const computed = this.#sequences.computed(row);
    // Its last token is on the way: it loses its blocks like any other, but nothing has to be computed again.
    const ending = this.#turns.ending.delete(row);
    plan.lostTokens.push(ending || this.#config.connector?.keep(row, computed) ? 0 : computed);
    this.#manager.free(row, computed);
    if (ending) return;
    this.#sequences.reset(row);
    this.#waiting.giveBack(row);
  }

  /** Under priorities a victim may stand before the one that needs room, and have its tokens of this step already. */
  #unschedule(plan: StepPlan, row: number): void {
    const entry = plan.grown.indexOf(row);
    if (entry >= 0) plan.grown.splice(entry, 1);
    this.#budget += removeChunk(plan, row, this.#sequences.total(row));
    if (this.#walked.delete(row)) this.#budget++;
  }

  #addChunk(plan: StepPlan, row: number, tokens: number): void {
    addChunk(plan, row, tokens, this.#sequences.computed(row), this.#sequences.total(row));
    this.#budget -= tokens;
  }

  #admitWaiting(plan: StepPlan): void {
    const { limits, watermarkBlocks, reserveFullPrompt, longPrefillTokens, connector } = this.#config;
    const { maxSequences } = limits ?? this.#config;
    while (this.#waiting.size > 0 && this.#budget > 0 && this.#running.size < maxSequences) {
      if (limits && this.#running.size > 0 && !limits.admits()) return;
      const row = this.#waiting.head;
      const total = this.#sequences.total(row);
      const cached = this.#manager.lookup(row, total) * this.#manager.blockSize;
      const loaded = connector?.matched(row, cached, total) ?? 0;
      const found = cached + loaded;
      const rest = longPrefillTokens > 0 ? Math.min(total - found, longPrefillTokens) : total - found;
      const tokens = Math.min(rest, this.#budget);
      const unscheduled = this.#manager.blocksFor(total) - this.#manager.blocksFor(found + tokens);
      // An empty batch takes a request that needs the blocks which are kept free, or it would wait for ever.
      const keepFree = this.#running.size === 0 ? 0 : watermarkBlocks;
      const reserved = keepFree + (reserveFullPrompt ? unscheduled : 0);
      if (!this.#manager.admit(row, found + tokens, reserved, found)) return;
      if (loaded > 0) connector?.load(row, cached, loaded);
      this.#waiting.shift();
      this.#running.append(row);
      this.#sequences.admit(row, found);
      this.#partials.push(row);
      plan.joined.push(row);
      this.#addChunk(plan, row, tokens);
    }
  }

  #completeChunks(plan: StepPlan, prefilled: number[], finished: number[]): void {
    const sequences = this.#sequences;
    for (let i = 0; i < plan.chunks.length; i++) {
      const row = plan.chunks[i] ?? -1;
      sequences.addComputed(row, plan.work.prefillTokens[i] ?? 0);
      if (sequences.computed(row) < sequences.total(row)) continue;
      prefilled.push(row);
      this.#lastDecodeOrder = Math.max(this.#lastDecodeOrder, sequences.order(row));
      if (!sequences.startDecoding(row)) finished.push(row);
    }
    if (prefilled.length > 0) this.#partials = this.#partials.filter((row) => !prefilled.includes(row));
  }

  #finish(row: number): void {
    this.#leave(row);
    this.#sequences.settle(row);
    this.#manager.free(row, this.#sequences.computed(row));
  }

  #leave(row: number): void {
    const partial = this.#partials.indexOf(row);
    if (partial >= 0) this.#partials.splice(partial, 1);
    this.#running.remove(row);
  }
}
