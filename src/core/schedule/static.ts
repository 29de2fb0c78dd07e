/**
 * Static batching, as before Orca: a batch starts when the one before has ended and enough requests wait to fill it, and
 * nobody joins or leaves until its longest output is done. So that few requests do not wait forever, a batch also starts,
 * with what is there, when its oldest request has waited `batchWaitMs` (the queue delay of Triton's dynamic batcher).
 * A batch is full at `maxSequences`, or at as many as the pool can reserve for. Everyone pays the longest: prompts are padded to the longest of the
 * batch, ended sequences keep computing, and all are answered together. Slots are reserved for the longest text that the
 * engine admits. (FasterTransformer's way; Vidur's faster_transformer scheduler)
 *
 * `bucketed` puts requests of like prompt length (the same power of two) into one batch, which saves padding; the bucket
 * of the oldest request is served first once that has waited long enough, so nobody starves, and before that any bucket
 * that fills a batch. Output lengths are not known to it.
 *
 * Left out: chunks, preemption, prefix cache, speculation.
 */
import type { BlockManager } from '../kv/block-manager.ts';
import { createPlan, empty, resetPlan } from './plan.ts';
import type { SchedulerParts } from './parts.ts';
import { reservedTokens } from './reservation.ts';
import { rowArena } from './row-list.ts';
import type { Scheduler, StepOutcome, StepPlan } from './scheduler.ts';
import type { Sequences } from './sequences.ts';
import { byPriority, firstComeFirstServed, type WaitingQueue } from './waiting.ts';

/** ⌈log2⌉: prompts of 513 … 1,024 tokens are bucket 10. */
export function lengthBucket(promptTokens: number): number {
  return 32 - Math.clz32(Math.max(1, promptTokens) - 1);
}

export class StaticScheduler implements Scheduler {
  #parts: SchedulerParts;
  #manager: BlockManager;
  #sequences: Sequences;
  #bucketOf: (row: number) => number;
  #queues = new Map<number, WaitingQueue>();
  #createQueue: () => WaitingQueue;
  #numWaiting = 0;
  /** When each request that waits arrived. */
  #arrivedMs = new Map<number, number>();
  #batch: number[] = [];
  /** Outputs of the batch, longest last. */
  #limits: number[] = [];
  /** Sequences of the batch that have not ended, though they still compute. */
  #numAlive = 0;
  #paddedPrompt = 0;
  /** Tokens that each sequence of the batch has generated. */
  #generated = 0;
  #numRunningTokens = 0;
  #plan: StepPlan;
  #outcome: StepOutcome = { prefilled: [], finished: [] };

  constructor(parts: SchedulerParts, bucketed: boolean) {
    this.#parts = parts;
    this.#manager = parts.manager;
    this.#sequences = parts.sequences;
    this.#bucketOf = bucketed ? (row) => lengthBucket(parts.sequences.prompt(row)) : () => 0;
    const arena = rowArena(parts.sequences.requests.size);
    this.#createQueue = () =>
      parts.priorities === 'fcfs' ? firstComeFirstServed(arena) : byPriority(parts.sequences);
    this.#plan = createPlan(parts.maxSequences);
  }

  get numWaiting(): number {
    return this.#numWaiting;
  }

  get numRunning(): number {
    return this.#batch.length;
  }

  get numRunningTokens(): number {
    return this.#numRunningTokens;
  }

  /** When a batch starts though it is not full; null while one runs, or where nobody waits. */
  get wakeMs(): number | null {
    const queue = this.#batch.length > 0 ? null : this.#nextQueue(1);
    return queue ? this.#dueMs(queue.head) : null;
  }

  add(request: number, nowMs = 0): void {
    this.#sequences.arrive(request);
    this.#arrivedMs.set(request, nowMs);
    const bucket = this.#bucketOf(request);
    const queue = this.#queues.get(bucket) ?? this.#createQueue();
    this.#queues.set(bucket, queue);
    queue.push(request);
    this.#numWaiting++;
  }

  schedule(nowMs = Infinity): StepPlan | null {
    const plan = this.#plan;
    resetPlan(plan);
    if (this.#batch.length > 0) this.#decode(plan);
    else this.#start(plan, nowMs);
    if (this.#batch.length === 0) return null;
    plan.work.sampledSequences = this.#batch.length;
    plan.step++;
    return plan;
  }

  complete(_plan: StepPlan): StepOutcome {
    const { prefilled, finished } = this.#outcome;
    empty(prefilled);
    empty(finished);
    if (this.#generated === 0) prefilled.push(...this.#batch);
    else this.#numRunningTokens += this.#numAlive;
    this.#generated++;
    while (
      this.#numAlive > 0 &&
      (this.#limits[this.#batch.length - this.#numAlive] ?? 0) <= this.#generated
    ) {
      this.#numAlive--;
    }
    if (this.#numAlive === 0) this.#end(finished);
    return this.#outcome;
  }

  #dueMs(row: number): number {
    return (this.#arrivedMs.get(row) ?? 0) + (this.#parts.batchWaitMs ?? 0);
  }

  /** Requests of a full batch. */
  #batchSize(): number {
    const { maxSequences, maxTokens, watermarkBlocks } = this.#parts;
    const { numBlocks, longestTokens } = this.#manager;
    const reserved = Math.max(1, this.#manager.blocksFor(Math.min(maxTokens, longestTokens)));
    return Math.max(1, Math.min(maxSequences, Math.floor((numBlocks - watermarkBlocks) / reserved)));
  }

  /** Whose batch may start: that of the oldest request when it has waited long enough, or else a full one. */
  #readyQueue(nowMs: number): WaitingQueue | null {
    const oldest = this.#nextQueue(1);
    return oldest === null || nowMs >= this.#dueMs(oldest.head) ? oldest : this.#nextQueue(this.#batchSize());
  }

  /** Of the queues with so many requests, the one whose head goes first. */
  #nextQueue(atLeast: number): WaitingQueue | null {
    let best: WaitingQueue | null = null;
    for (const queue of this.#queues.values()) {
      if (queue.size >= atLeast && (best === null || this.#goesBefore(queue.head, best.head))) best = queue;
    }
    return best;
  }

  #goesBefore(a: number, b: number): boolean {
    const { priority } = this.#sequences.requests;
    const rank = this.#parts.priorities === 'fcfs' ? 0 : (priority[b] ?? 0) - (priority[a] ?? 0);
    return rank !== 0 ? rank < 0 : this.#sequences.arrival(a) < this.#sequences.arrival(b);
  }

  #start(plan: StepPlan, nowMs: number): void {
    const queue = this.#readyQueue(nowMs);
    if (!queue) return;
    while (queue.size > 0 && this.#batch.length < this.#parts.maxSequences) {
      const row = queue.head;
      // Forgets what was found for another request: nothing is shared here.
      this.#manager.lookup(row, 0);
      const keepFree = this.#batch.length === 0 ? 0 : this.#parts.watermarkBlocks;
      if (!this.#manager.admit(row, reservedTokens(this.#parts, row), keepFree)) break;
      queue.shift();
      this.#arrivedMs.delete(row);
      this.#numWaiting--;
      this.#sequences.admit(row, 0);
      this.#batch.push(row);
      plan.joined.push(row);
      plan.chunks.push(row);
    }
    this.#prefill(plan);
  }

  #prefill({ work }: StepPlan): void {
    this.#limits = this.#batch.map((row) => this.#sequences.limit(row)).sort((a, b) => a - b);
    this.#numAlive = this.#batch.length;
    this.#generated = 0;
    this.#paddedPrompt = 0;
    this.#numRunningTokens = 0;
    for (const row of this.#batch) {
      this.#paddedPrompt = Math.max(this.#paddedPrompt, this.#sequences.prompt(row));
      this.#numRunningTokens += this.#sequences.prompt(row);
    }
    work.prefillCount = this.#batch.length;
    work.prefillTokens.fill(this.#paddedPrompt, 0, this.#batch.length);
    work.prefillContextTokens.fill(0, 0, this.#batch.length);
  }

  #decode({ work }: StepPlan): void {
    const context = this.#paddedPrompt + this.#generated;
    work.decodeSequences = this.#batch.length;
    work.decodeContextTokens = this.#batch.length * context;
    work.decodeSquaredContextTokens = this.#batch.length * context * context;
    work.decodeMaxContextTokens = context;
  }

  #end(finished: number[]): void {
    finished.push(...this.#batch);
    for (const row of this.#batch) this.#manager.free(row);
    this.#batch = [];
    this.#numRunningTokens = 0;
  }
}
