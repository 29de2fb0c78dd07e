/**
 * vLLM's or Sarathi's order with speculative decoding: each decoding sequence has γ proposed tokens verified beside its
 * own and keeps 1 … γ + 1 of them, drawn from a seeded generator.
 *
 * It takes γ more tokens of the budget and slots for γ more tokens; slots of rejected ones are used again. Nobody
 * proposes more than is left of its output. What the draft itself costs is src/sim/cost/draft.ts; the KV of a draft model
 * is left out.
 *
 * Sequences move at their own pace here, so the batch is walked in every step. Differs from vLLM under priorities: only
 * those that have no tokens in the step yet give up their blocks. Without draft tokens it is vllm.ts, step for step.
 */
import { BatchScheduler } from './batch.ts';
import type { SchedulerParts, SpeculationSettings } from './parts.ts';
import type { StepPlan } from './scheduler.ts';
import { drawAccepted } from './speculation.ts';

export type SpeculativeOrder = 'batch' | 'decodes-first';

export class SpeculativeScheduler extends BatchScheduler {
  #speculation: SpeculationSettings;
  #order: SpeculativeOrder;
  #decodes: Uint8Array;
  /** Decoding rows of the current step. */
  #taken: number[] = [];
  /** Rows from here on have no tokens in the step yet. */
  #from = -1;

  constructor(parts: SchedulerParts, speculation: SpeculationSettings, order: SpeculativeOrder) {
    super(parts);
    this.#speculation = speculation;
    this.#order = order;
    this.#decodes = new Uint8Array(parts.sequences.requests.size);
  }

  override get numRunningTokens(): number {
    let tokens = 0;
    for (let row = this.running.head; row >= 0; row = this.running.after(row)) {
      tokens += this.sequences.computed(row);
    }
    return tokens;
  }

  protected fill(plan: StepPlan): void {
    this.#taken.length = 0;
    plan.work.draftTokens = this.#speculation.draftTokens;
    if (this.#order === 'batch') this.#walk(plan, true);
    else {
      this.#walk(plan, false);
      this.takePartials(plan);
    }
    if (plan.preempted.length === 0)
      this.admitChunks(plan, this.#order === 'decodes-first' || this.parts.reserveFullPrompt);
  }

  #walk(plan: StepPlan, withPartials: boolean): void {
    let row = this.running.head;
    while (row >= 0 && (this.budget > 0 || !withPartials)) {
      this.#from = row;
      const decodes = this.#decodes[row] === 1;
      if (
        (decodes || withPartials) &&
        !(decodes ? this.#takeDecode(plan, row) : this.#takePartial(plan, row))
      )
        return;
      row = this.running.after(row);
    }
  }

  /** False when the row or the step has no more to give. */
  #takeDecode(plan: StepPlan, row: number): boolean {
    const { draftTokens } = this.#speculation;
    const left = this.sequences.limit(row) - this.sequences.generated(row);
    const computed = this.sequences.computed(row);
    if (!this.makeRoom(plan, row, Math.min(1 + draftTokens, left))) return false;
    const { work } = plan;
    const context = computed + 1 + draftTokens;
    work.decodeSequences++;
    work.decodeContextTokens += context;
    work.decodeSquaredContextTokens += context * context;
    work.decodeMaxContextTokens = Math.max(work.decodeMaxContextTokens, context);
    this.budget -= 1 + draftTokens;
    this.#taken.push(row);
    return true;
  }

  #takePartial(plan: StepPlan, row: number): boolean {
    const computed = this.sequences.computed(row);
    const tokens = this.chunkTokens(row, computed);
    if (!this.makeRoom(plan, row, tokens)) return false;
    this.addChunk(plan, row, tokens);
    return true;
  }

  protected override victim(): number {
    if (this.parts.priorities === 'fcfs') return this.running.tail;
    return this.leastImportantFrom(this.#from);
  }

  protected override completeDecodes(_plan: StepPlan, finished: number[]): void {
    const { acceptance, draftTokens } = this.#speculation;
    for (const row of this.#taken) {
      const left = this.sequences.limit(row) - this.sequences.generated(row);
      const tokens = Math.min(left, drawAccepted(acceptance, draftTokens, this.parts.random));
      this.sequences.addComputed(row, tokens);
      this.sequences.addGenerated(row, tokens);
      if (tokens === left) finished.push(row);
    }
  }

  protected override startDecoding(row: number): boolean {
    this.sequences.addGenerated(row, 1);
    this.#decodes[row] = 1;
    return this.sequences.generated(row) < this.sequences.limit(row);
  }

  protected override leave(row: number): void {
    this.#decodes[row] = 0;
    super.leave(row);
  }
}
