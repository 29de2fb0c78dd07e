/**
 * All sequences of a session and where each of them stands: who decodes, who waits to fork, who is to be cancelled.
 *
 * Boundary: bookkeeping beside the scheduler. It plans nothing.
 */
import type { StepPlan } from '../core/schedule/scheduler.ts';
import type { RequestEvent } from './engine-types.ts';
import { RequestError } from './errors.ts';
import { Slots, type SequenceState } from './sequence-state.ts';
import type { StepSample } from './step-batch.ts';

export class SequenceBook {
  readonly #sequences: SequenceState[] = [];
  readonly #decoding = new Set<SequenceState>();
  readonly #cancelled = new Set<SequenceState>();
  readonly #slots: Slots;
  /** Forks whose parent has not computed its prompt yet. */
  #forks: SequenceState[] = [];

  constructor(slots: number) {
    this.#slots = new Slots(slots);
  }

  /** @throws RequestError for a request that there is not */
  state(request: number): SequenceState {
    const sequence = this.#sequences[request];
    if (!sequence)
      throw new RequestError(`There is no request ${request}; ${this.#sequences.length} were made.`);
    return sequence;
  }

  find(request: number): SequenceState | undefined {
    return this.#sequences[request];
  }

  get decoding(): ReadonlySet<SequenceState> {
    return this.#decoding;
  }

  get hasCancelled(): boolean {
    return this.#cancelled.size > 0;
  }

  /** @returns true where it may be queued at once; a fork waits for its parent's prompt */
  add(sequence: SequenceState): boolean {
    this.#sequences[sequence.row] = sequence;
    if (sequence.request.forkOf === undefined) return true;
    this.#forks.push(sequence);
    return false;
  }

  /** Forks that may be queued now: there is something to share, or nobody to share with. */
  readyForks(): number[] {
    const ready = this.#forks.filter(({ request }) => {
      const parent = this.#sequences[request.forkOf ?? -1];
      return !parent || parent.phase === 'ended' || parent.decoding;
    });
    this.#forks = this.#forks.filter((fork) => !ready.includes(fork));
    return ready.map(({ row }) => row);
  }

  /** Takes over who left the batch and who came into it. */
  follow(plan: StepPlan): void {
    for (const row of plan.preempted) this.leave(this.state(row), 'waiting');
    for (const row of plan.joined) {
      const sequence = this.state(row);
      sequence.phase = 'running';
      sequence.slot = this.#slots.take();
    }
  }

  /** Those that decode in this step. */
  decodingIn(plan: StepPlan): SequenceState[] {
    if (plan.heldBack.length === 0) return [...this.#decoding];
    const held = new Set(plan.heldBack);
    return [...this.#decoding].filter(({ row }) => !held.has(row));
  }

  /** After a batch is filled: who goes on decoding. */
  sampled(samples: readonly StepSample[]): void {
    for (const { sequence } of samples) {
      if (sequence.planned >= sequence.request.maxTokens) this.#decoding.delete(sequence);
      else this.#decoding.add(sequence);
    }
  }

  /** It does not run any more: its tokens stay, its place on the GPU is free. */
  leave(sequence: SequenceState, phase: 'waiting' | 'ended'): void {
    sequence.phase = phase;
    this.#decoding.delete(sequence);
    if (sequence.slot >= 0) this.#slots.give(sequence.slot);
    sequence.slot = -1;
    sequence.decoding = false;
    if (phase === 'ended') return;
    sequence.computed = 0;
    sequence.dropped = 0;
    sequence.cut = false;
  }

  /** It takes part in no step until `resume`, and keeps what it has computed; its place on the GPU is free. */
  hold(sequence: SequenceState): void {
    this.#decoding.delete(sequence);
    if (sequence.slot >= 0) this.#slots.give(sequence.slot);
    sequence.slot = -1;
    sequence.decoding = false;
  }

  /** It comes back as one that computes a prompt: its last token is the chunk. */
  resume(sequence: SequenceState): void {
    sequence.slot = this.#slots.take();
  }

  cancel(request: number): void {
    const sequence = this.state(request);
    if (sequence.phase !== 'ended') this.#cancelled.add(sequence);
  }

  /** The events of those that were cancelled, each once. */
  takeCancelled(): RequestEvent[] {
    const events: RequestEvent[] = [];
    for (const sequence of this.#cancelled) {
      if (sequence.phase === 'ended') continue;
      sequence.finished = 'cancelled';
      events.push({ request: sequence.row, token: -1, index: sequence.output.length, finished: 'cancelled' });
    }
    this.#cancelled.clear();
    return events;
  }

  /** True for a fork that was never queued; it is forgotten. */
  dropFork(sequence: SequenceState): boolean {
    const before = this.#forks.length;
    this.#forks = this.#forks.filter((fork) => fork !== sequence);
    return this.#forks.length < before;
  }
}

/** What a sampled token means for its sequence. */
export function tokenEvent(sequence: SequenceState, token: number, index: number): RequestEvent {
  const atLimit = index + 1 >= sequence.request.maxTokens;
  sequence.finished = sequence.stopTokens.has(token) ? 'stop' : atLimit ? 'length' : 'no';
  return { request: sequence.row, token, index, finished: sequence.finished };
}
