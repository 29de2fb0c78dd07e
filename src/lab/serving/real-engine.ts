/** The engine on the GPU, as the serving lab drives it: rows of a request table in place of the engine's own numbers. */
import type { Engine } from '../../engine/engine.ts';
import type { ServedEngine, ServedStep } from './served-engine.ts';

type Driven = Pick<Engine, 'submit' | 'step'>;

/** Below this a timer is too coarse, and the time is waited out. */
const COARSE_MS = 5;

const GREEDY = { temperature: 0, topP: 1, topK: 0, seed: 0 };

export class RealEngine implements ServedEngine {
  readonly #engine: Driven;
  readonly #now: () => number;
  readonly #rows = new Map<number, number>();

  constructor(engine: Driven, now: () => number) {
    this.#engine = engine;
    this.#now = now;
  }

  now(): number {
    return this.#now();
  }

  /** Runs to its full length: whatever the model says, equal requests are equal work. */
  submit(row: number, promptIds: readonly number[], outputTokens: number): void {
    const request = { promptIds, maxTokens: Math.max(1, outputTokens), sampling: GREEDY, stopTokens: [] };
    this.#rows.set(this.#engine.submit(request), row);
  }

  async step(): Promise<ServedStep | null> {
    const report = await this.#engine.step();
    if (report === null) return null;
    const { step: _step, events, joined, preempted, ...told } = report;
    const rowOf = (request: number): number => this.#rows.get(request) ?? -1;
    return {
      ...told,
      joined: joined.map(rowOf),
      preempted: preempted.map(rowOf),
      tokens: events.map(({ request, token, finished }) => ({
        row: rowOf(request),
        token,
        last: finished !== 'no',
      })),
    };
  }

  idleUntil(ms: number, signal: AbortSignal): Promise<void> {
    return idleUntil(this.#now, ms, signal);
  }
}

/** Sleeps, and waits out the last milliseconds, for which timers are too coarse. */
export async function idleUntil(now: () => number, ms: number, signal: AbortSignal): Promise<void> {
  const rest = ms - now() - COARSE_MS;
  if (rest > 0) {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, rest);
      signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
    });
  }
  while (!signal.aborted && now() < ms);
}
