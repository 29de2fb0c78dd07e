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

/** Sequences whose last token came at the same moment. */
interface Cohort {
  timeMs: number;
  count: number;
  /** How many of them began to decode in that very step. */
  fresh: number;
}

export class GapTracker {
  readonly #book: GapBook;
  /** The newest cohort, nearly always the only one; empty where nobody decodes. */
  readonly #newest: Cohort = { timeMs: 0, count: 0, fresh: 0 };
  /** Those that stood still since, by rising time; none of them is empty. */
  #older: Cohort[] = [];

  constructor(book: GapBook) {
    this.#book = book;
  }

  /** The request gives up its place; its next gap is counted from its last token. */
  leave(request: number): void {
    const since = this.#book.since[request] ?? NaN;
    if (Number.isNaN(since)) return;
    this.#book.since[request] = NaN;
    const cohort = this.#cohortOf(since);
    const known = cohort.count > 0;
    this.#book.away.set(request, known ? cohort.timeMs : since);
    if (!known) return;
    cohort.count--;
    if (cohort.count === 0) this.#drop(cohort);
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
    if (size > 0) this.#begin(endMs, size, fresh);
  }

  #begin(timeMs: number, count: number, fresh: number): void {
    const newest = this.#newest;
    if (newest.count > 0) this.#older.push({ ...newest });
    newest.timeMs = timeMs;
    newest.count = count;
    newest.fresh = fresh;
  }

  /** Where a sequence stands that decodes since then: with its first token, or with those that decoded last. */
  #cohortOf(since: number): Cohort {
    const cohorts = [this.#newest, ...this.#older.toReversed()];
    const own = cohorts.find(({ timeMs, fresh }) => timeMs === since && fresh > 0);
    if (own) {
      own.fresh--;
      return own;
    }
    return cohorts.find(({ count, fresh }) => count > fresh) ?? this.#newest;
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
    const newest = this.#newest;
    let left = count;
    while (left > 0 && newest.count > 0) {
      const weight = Math.min(left, newest.count);
      this.#book.gaps.add(endMs - newest.timeMs, weight);
      left -= weight;
      newest.count -= weight;
      if (newest.count === 0) this.#drop(newest);
    }
  }

  /** An empty cohort goes; below the newest one the next moves up. */
  #drop(cohort: Cohort): void {
    if (cohort !== this.#newest) {
      this.#older = this.#older.filter((other) => other !== cohort);
      return;
    }
    const next = this.#older.pop();
    if (next) Object.assign(this.#newest, next);
  }
}
