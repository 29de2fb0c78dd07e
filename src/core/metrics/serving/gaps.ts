/**
 * Inter-token gaps of one replica without a walk over its batch: all sequences whose last token came at the same moment
 * are one cohort, a time and a count.
 *
 * Every step that decodes gives each decoding sequence a token, so its gap is shared by nearly all of them: one value
 * with a weight. Sequences that come back from a preemption have a gap of their own. When a step decodes fewer sequences
 * than there are, those with the newest token go on and the others wait, as the head of the line does under vLLM.
 * With speculation a gap is the time between steps that brought tokens, however many.
 */
import type { StepOutcome, StepPlan } from '../../schedule/scheduler.ts';
import type { WeightedValues } from './distribution.ts';

/** What the replicas share: a request may leave one and come back at another. */
export class GapBook {
  readonly gaps: WeightedValues;
  /** When a request began to decode, the last time that it did; NaN while it does not. */
  readonly since: Float64Array;
  /** Requests that lost their place, and the time of their last token. */
  readonly away = new Map<number, number>();

  /** End of each request, NaN until it is over: one that leaves a replica earlier goes on at another one. */
  readonly endMs: Float64Array;

  constructor(gaps: WeightedValues, endMs: Float64Array) {
    this.gaps = gaps;
    this.endMs = endMs;
    this.since = new Float64Array(endMs.length).fill(NaN);
  }
}

export class GapTracker {
  readonly #book: GapBook;
  /** Cohorts by rising time: when their last token came, and how many they are. */
  #times: number[] = [];
  #counts: number[] = [];
  /** How many of each cohort began in that very step. */
  #fresh: number[] = [];

  constructor(book: GapBook) {
    this.#book = book;
  }

  /** The request gives up its place; its next gap is counted from its last token. */
  leave(request: number): void {
    const since = this.#book.since[request] ?? NaN;
    if (Number.isNaN(since)) return;
    this.#book.since[request] = NaN;
    const at = this.#cohortOf(since);
    this.#book.away.set(request, this.#times[at] ?? since);
    if (at >= 0) this.#remove(at, 1);
  }

  step(endMs: number, plan: StepPlan, outcome: StepOutcome): void {
    const { since, away } = this.#book;
    const returned = away.size === 0 ? 0 : this.#resume(endMs, plan);
    const decoded = plan.work.decodeSequences;
    this.#take(endMs, decoded - returned);
    const { prefilled, finished } = outcome;
    for (const request of prefilled) {
      if (away.size > 0) this.#comeBack(request, endMs);
      since[request] = endMs;
    }
    let size = decoded + prefilled.length;
    let fresh = returned + prefilled.length;
    for (const request of finished) {
      const began = since[request] ?? NaN;
      if (Number.isNaN(began)) continue;
      if (began === endMs) fresh--;
      since[request] = NaN;
      size--;
      if (Number.isNaN(this.#book.endMs[request] ?? NaN)) away.set(request, endMs);
    }
    if (size > 0) {
      this.#times.push(endMs);
      this.#counts.push(size);
      this.#fresh.push(fresh);
    }
  }

  /** Where a sequence stands that decodes since then: with its first token, or with those that decoded last. */
  #cohortOf(since: number): number {
    const own = this.#times.indexOf(since);
    if (own >= 0 && (this.#fresh[own] ?? 0) > 0) {
      this.#fresh[own] = (this.#fresh[own] ?? 0) - 1;
      return own;
    }
    let at = this.#times.length - 1;
    while (at > 0 && (this.#counts[at] ?? 0) === (this.#fresh[at] ?? 0)) at--;
    return at;
  }

  /** Requests that decode at once where they come back (swapped in, or sent from another replica); how many. */
  #resume(endMs: number, plan: StepPlan): number {
    let returned = 0;
    for (const request of plan.joined) {
      if (!this.#book.away.has(request) || plan.chunks.includes(request)) continue;
      this.#comeBack(request, endMs);
      this.#book.since[request] = endMs;
      returned++;
    }
    return returned;
  }

  #comeBack(request: number, endMs: number): void {
    const last = this.#book.away.get(request);
    if (last === undefined) return;
    this.#book.away.delete(request);
    this.#book.gaps.add(endMs - last, 1);
  }

  /** Records the gap of `count` sequences, newest cohorts first, and takes them out. */
  #take(endMs: number, count: number): void {
    let left = count;
    while (left > 0 && this.#times.length > 0) {
      const at = this.#times.length - 1;
      const weight = Math.min(left, this.#counts[at] ?? 0);
      this.#book.gaps.add(endMs - (this.#times[at] ?? 0), weight);
      left -= weight;
      this.#remove(at, weight);
    }
  }

  #remove(at: number, count: number): void {
    const left = (this.#counts[at] ?? 0) - count;
    if (left > 0) {
      this.#counts[at] = left;
      return;
    }
    if (at === this.#times.length - 1) {
      this.#times.pop();
      this.#counts.pop();
      this.#fresh.pop();
      return;
    }
    for (const column of [this.#times, this.#counts, this.#fresh]) column.splice(at, 1);
  }
}
