/**
 * One repetition of one point: all requests are handed in at once, first come first served. A step is one prefill chunk
 * (prompts in order, as many as fill it) or one decode of every running sequence; while prompts are left the two
 * alternate, as engines with chunked prefill do, so that a long prompt delays the others' tokens but does not stop them.
 */
import type { Random } from '../core/random.ts';
import type { Repetition, RequestRow, StepSample } from '../core/run/schema.ts';
import type { Scenario } from '../core/scenario/schema.ts';
import type { AttentionEngine } from './attention-engine.ts';
import { evicts, sharableTokens, type MemoryPlan } from './memory-plan.ts';
import { contextBytes, ringBytes } from './kv-bytes.ts';
import type { PacedOperation, Pacer } from './pacer.ts';
import { createCacheBook, type CacheBook, type Request, type SequenceCache } from './sequences.ts';
import type { StepRow } from './step-phase.ts';
import type { StepRunner, TimedStep } from './step-runner.ts';

export interface RepetitionOptions {
  readonly scenario: Scenario;
  readonly plan: MemoryPlan;
  readonly engine: AttentionEngine;
  readonly steps: StepRunner;
  readonly pacers: Pacers;
  readonly random: Random;
  readonly now: () => number;
  /** Start of the run on the same clock. */
  readonly runStartedMs: number;
  readonly onStep: (doneShare: number) => void;
}

/** What the device has shown of each phase; kept over repetitions. */
export interface Pacers {
  readonly prefill: Pacer;
  readonly decode: Pacer;
}

type Phase = StepSample['phase'];

interface Measured {
  readonly step: TimedStep;
  readonly sample: Omit<StepSample, 'gpuMs' | 'wallMs' | 'startMs'>;
}

/** @throws the reason of an aborted signal, DeviceLostError; the repetition is then void. */
export async function runRepetition(options: RepetitionOptions): Promise<Repetition> {
  return new RepetitionRun(options).run();
}

class RepetitionRun {
  readonly #options: RepetitionOptions;
  readonly #book: CacheBook;
  readonly #requests: Request[];
  readonly #blockBytes: number;
  readonly #measured: Measured[] = [];
  readonly #totalTokens: number;
  #doneTokens = 0;
  #startedMs = 0;
  #peak: Repetition['peakMemory'];

  constructor(options: RepetitionOptions) {
    this.#options = options;
    const { scenario, plan, random, engine } = options;
    const { layers } = scenario.model;
    this.#blockBytes = plan.layout.blockBytes * layers;
    this.#book = createCacheBook(scenario.engine.layout, plan, this.#blockBytes, random);
    this.#requests = plan.sequences.map((sequence, id) => ({
      id,
      plan: sequence,
      cache: null,
      residualSlot: id,
      outputs: 0,
      startMs: null,
      firstTokenMs: null,
      endMs: null,
      peakKvBytes: 0,
    }));
    this.#totalTokens = plan.sequences.reduce((sum, p) => sum + p.promptTokens + p.outputTokens, 0);
    this.#peak = { usedBytes: 0, reservedBytes: 0, allocatedBytes: engine.kvBytes };
  }

  async run(): Promise<Repetition> {
    const { now, runStartedMs, steps } = this.#options;
    this.#startedMs = now();
    for (;;) {
      const chunk = this.#nextChunk();
      if (chunk.length > 0) await this.#prefill(chunk);
      const running = this.#requests.filter((r) => r.firstTokenMs !== null && r.endMs === null);
      if (running.length > 0) await this.#decode(running);
      if (chunk.length === 0 && running.length === 0) break;
    }
    const gpuMs = await steps.gpuTimes(this.#measured.map(({ step }) => step));
    return {
      requests: this.#requests.map((request) => this.#row(request)),
      steps: this.#measured.map(({ step, sample }, i) => ({
        ...sample,
        startMs: step.startMs - this.#startedMs,
        wallMs: step.wallMs,
        gpuMs: gpuMs[i] ?? null,
      })),
      peakMemory: this.#peak,
      startedMs: this.#startedMs - runStartedMs,
    };
  }

  /** Requests and prompt tokens of the next prefill step; empty when all prompts are read in. */
  #nextChunk(): { request: Request; tokens: number }[] {
    const { scenario, plan } = this.#options;
    let room = plan.chunkTokens;
    const chunk: { request: Request; tokens: number }[] = [];
    for (const request of this.#requests) {
      if (request.firstTokenMs !== null || room === 0) continue;
      if (request.cache === null && !this.#canStart(request)) break;
      const tokens = Math.min(room, request.plan.promptTokens - this.#promptDone(request));
      chunk.push({ request, tokens });
      // Under eviction one prompt at a time is whole, which is what the pool has room for.
      room = evicts(scenario) ? 0 : room - tokens;
    }
    return chunk;
  }

  /** A sequence that shares a prefix waits until the first one has read it in. */
  #canStart(request: Request): boolean {
    const shared = this.#sharedTokens();
    if (shared === 0 || request.id === 0) return true;
    return (this.#requests[0]?.cache?.tokens ?? 0) >= shared;
  }

  #sharedTokens(): number {
    const { engine, workload } = this.#options.scenario;
    return engine.layout === 'paged' ? workload.sharedPrefixTokens : 0;
  }

  #promptDone(request: Request): number {
    if (request.cache !== null) return request.cache.tokens;
    return request.id === 0 ? 0 : this.#prefixOf(request);
  }

  /** Shared tokens that a request need not read in. */
  #prefixOf({ plan }: Request): number {
    return Math.min(this.#sharedTokens(), sharableTokens(plan));
  }

  #open(request: Request): SequenceCache {
    const first = this.#requests[0];
    const shared = this.#prefixOf(request);
    const forked =
      request !== first && shared > 0 && first?.cache ? this.#book.fork(first.cache, shared) : null;
    return forked ?? this.#book.open();
  }

  async #prefill(chunk: readonly { request: Request; tokens: number }[]): Promise<void> {
    const { now } = this.#options;
    for (const { request } of chunk) {
      request.cache ??= this.#open(request);
      request.startMs ??= now() - this.#startedMs;
    }
    const counts = chunk.map(({ tokens }) => tokens);
    const rows = await this.#step(
      'prefill',
      chunk.map(({ request }) => request),
      counts,
    );
    const [only] = rows;
    if (only && rows.length === 1) await this.#vote(only, chunk[0]?.request.plan.promptTokens ?? 0);
    for (const { request } of chunk) {
      if ((request.cache?.tokens ?? 0) < request.plan.promptTokens) continue;
      request.firstTokenMs = now() - this.#startedMs;
      await this.#evict([request], true);
      this.#output(request);
    }
  }

  async #decode(running: readonly Request[]): Promise<void> {
    await this.#step(
      'decode',
      running,
      running.map(() => 1),
    );
    await this.#evict(running, false);
    for (const request of running) this.#output(request);
  }

  /** What a prompt's queries say of its tokens, behind each chunk; part of the price of evicting. */
  async #vote(row: StepRow, promptTokens: number): Promise<void> {
    const { engine, steps, pacers } = this.#options;
    const operations = engine.votes(row, promptTokens);
    if (operations.length === 0) return;
    const step = await steps.run(operations, pacers.prefill);
    const { tokens: contextTokens } = row.cache;
    const sample = { phase: 'evict' as const, sequences: 1, tokens: 0, contextTokens, kvReadBytes: 0 };
    this.#measured.push({ step, sample });
  }

  /** Cuts the sequences that are beyond their budget; a step of its own. */
  async #evict(requests: readonly Request[], behindPrompt: boolean): Promise<void> {
    const { engine, steps, pacers, now } = this.#options;
    const due = requests.filter(({ cache }) => cache !== null && engine.isDue(cache.tokens, behindPrompt));
    const rows = due.flatMap((request) => this.#rowOf(request, []));
    if (rows.length === 0) return;
    const contextTokens = rows.reduce((sum, { cache }) => sum + cache.tokens, 0);
    const startMs = now();
    const scoring = behindPrompt ? await steps.run(engine.scorePrompts(rows), pacers.decode) : null;
    const { operations, edit } = engine.evict(rows);
    const ranking = await steps.run(operations, pacers.decode);
    await edit();
    const passes = (scoring?.passes ?? 0) + ranking.passes;
    // Ranks that the host has to see and tables that it edits are part of the price.
    const step = { startMs, wallMs: now() - startMs, passes };
    const sample = {
      phase: 'evict' as const,
      sequences: rows.length,
      tokens: 0,
      contextTokens,
      kvReadBytes: 0,
    };
    this.#measured.push({ step, sample });
  }

  #rowOf({ cache, residualSlot }: Request, slots: readonly number[]): StepRow[] {
    return cache ? [{ cache, slots, residualSlot, table: this.#book.tableOf(cache) }] : [];
  }

  /** Takes slots, encodes, submits, accounts. */
  async #step(
    phase: Exclude<Phase, 'evict'>,
    requests: readonly Request[],
    counts: readonly number[],
  ): Promise<StepRow[]> {
    const { engine, steps, pacers } = this.#options;
    const pacer = pacers[phase];
    engine.dispatchBudget = pacer.budget;
    const copies: PacedOperation[] = [];
    const rows = requests.flatMap((request, i) => {
      const taken = request.cache?.append(counts[i] ?? 0);
      if (taken) copies.push(...engine.copyBlocks(taken.copies));
      return this.#rowOf(request, taken?.slots ?? []);
    });
    this.#account();
    const operations = phase === 'prefill' ? engine.prefill(rows) : engine.decode(rows);
    const step = await steps.run([...copies, ...operations], pacer);
    const contexts = rows.map(({ cache }) =>
      phase === 'prefill' ? cache.tokens : engine.visible(cache.tokens),
    );
    const contextTokens = contexts.reduce((a, b) => a + b, 0);
    const tokens = counts.reduce((a, b) => a + b, 0);
    const kvReadBytes = contexts.reduce((sum, context) => sum + this.#bytesOf(context), 0);
    this.#measured.push({
      step,
      sample: { phase, sequences: rows.length, tokens, contextTokens, kvReadBytes },
    });
    this.#doneTokens += tokens;
    this.#options.onStep(Math.min(1, this.#doneTokens / this.#totalTokens));
    return rows;
  }

  #output(request: Request): void {
    request.outputs++;
    if (request.outputs < request.plan.outputTokens) return;
    request.endMs = this.#options.now() - this.#startedMs;
    // The owner of a shared prefix may end first: the blocks live on in the tables that were forked from it, and a
    // request that has not started yet must still find it.
    if (this.#sharedTokens() === 0 || request.id !== 0) this.#close(request);
    const waiting = this.#requests.some(({ cache, id }) => cache === null && id !== 0);
    const owner = this.#requests[0];
    if (!waiting && owner?.endMs !== null && owner) this.#close(owner);
  }

  #close(request: Request): void {
    if (request.cache === null || this.#closed.has(request)) return;
    this.#closed.add(request);
    request.cache.free();
  }

  readonly #closed = new Set<Request>();

  #account(): void {
    for (const request of this.#requests) {
      if (request.cache === null || request.endMs !== null) continue;
      const bytes = request.cache.blocks * this.#blockBytes + this.#ringBytes();
      request.peakKvBytes = Math.max(request.peakKvBytes, bytes);
    }
    const { usedBytes, reservedBytes } = this.#usage();
    if (usedBytes >= this.#peak.usedBytes) {
      this.#peak = { usedBytes, reservedBytes, allocatedBytes: this.#options.engine.kvBytes };
    }
  }

  /** What the tables say; for int2 the rings count as well, and a token where it really lies. */
  #usage(): { usedBytes: number; reservedBytes: number } {
    const usage = this.#book.usage();
    if (this.#ringBytes() === 0) return usage;
    const open = this.#requests.filter((request) => request.cache !== null && !this.#closed.has(request));
    return {
      usedBytes: open.reduce((sum, { cache }) => sum + this.#bytesOf(cache?.tokens ?? 0), 0),
      reservedBytes: usage.reservedBytes + open.length * this.#ringBytes(),
    };
  }

  /** Over all layers. */
  #bytesOf(tokens: number): number {
    const { scenario, plan } = this.#options;
    return scenario.model.layers * contextBytes(plan.layout, scenario.engine.residualTokens, tokens);
  }

  #ringBytes(): number {
    const { scenario, plan } = this.#options;
    return scenario.model.layers * ringBytes(plan.layout, scenario.engine.residualTokens);
  }

  #row(request: Request): RequestRow {
    const { id, plan, startMs, firstTokenMs, endMs, peakKvBytes } = request;
    return {
      id,
      group: plan.group,
      promptTokens: plan.promptTokens,
      outputTokens: plan.outputTokens,
      queuedMs: 0,
      startMs,
      firstTokenMs,
      endMs,
      peakKvBytes,
      backend: this.#options.engine.variant.slice(0, 80),
      error: null,
    };
  }
}
