/**
 * vLLM's step written the slow way, request by request, over counts of blocks: the measure for the scheduler that
 * touches only what changes. (REFERENCE: vllm/v1/core/sched/scheduler.py@00024d3; no prefix cache)
 */
export interface ReferenceRequest {
  readonly prompt: number;
  readonly out: number;
  readonly priority?: number;
}

export interface ReferenceSettings {
  readonly tokenBudget: number;
  readonly maxSequences: number;
  readonly blockSize: number;
  readonly numBlocks: number;
  readonly longPrefillTokens: number;
  readonly priorities: 'fcfs' | 'priority';
}

interface State extends ReferenceRequest {
  readonly id: number;
  computed: number;
  generated: number;
  blocks: number;
}

export interface ReferenceStep {
  readonly scheduled: Record<string, number>;
  readonly preempted: number[];
  readonly finished: number[];
  readonly freeBlocks: number;
}

/** Steps of one reference engine; `add` may be called between any two. */
export class ReferenceScheduler {
  #settings: ReferenceSettings;
  #waiting: State[] = [];
  #running: State[] = [];
  #free: number;
  #ids = 0;

  constructor(settings: ReferenceSettings) {
    this.#settings = settings;
    this.#free = settings.numBlocks;
  }

  add(request: ReferenceRequest): void {
    this.#waiting.push({ ...request, id: this.#ids++, computed: 0, generated: 0, blocks: 0 });
    this.#sortWaiting();
  }

  step(): ReferenceStep | null {
    const { tokenBudget, maxSequences, longPrefillTokens, priorities } = this.#settings;
    let budget = tokenBudget;
    const scheduled = new Map<State, number>();
    const preempted: State[] = [];
    const wanted = (r: State) => {
      const rest = r.prompt + r.generated - r.computed;
      return Math.min(rest, budget, longPrefillTokens > 0 ? longPrefillTokens : Infinity);
    };
    let at = 0;
    while (at < this.#running.length && budget > 0) {
      const r = this.#running[at];
      if (!r) break;
      const n = wanted(r);
      let gone = false;
      while (!this.#allocate(r, r.computed + n)) {
        const victim =
          priorities === 'fcfs' ? this.#running.at(-1) : this.#running.toSorted(leastImportantFirst)[0];
        if (!victim) throw new Error('no victim');
        const place = this.#running.indexOf(victim);
        this.#running.splice(place, 1);
        if (place < at) at--;
        budget += scheduled.get(victim) ?? 0;
        scheduled.delete(victim);
        this.#free += victim.blocks;
        Object.assign(victim, { blocks: 0, computed: 0 });
        this.#waiting.unshift(victim);
        preempted.push(victim);
        gone = victim === r;
        if (gone) break;
      }
      if (gone) break;
      scheduled.set(r, n);
      budget -= n;
      at++;
    }
    this.#sortWaiting();
    while (
      preempted.length === 0 &&
      this.#waiting.length > 0 &&
      budget > 0 &&
      this.#running.length < maxSequences
    ) {
      const r = this.#waiting[0];
      if (!r) break;
      const n = wanted(r);
      if (!this.#allocate(r, n)) break;
      this.#waiting.shift();
      this.#running.push(r);
      scheduled.set(r, n);
      budget -= n;
    }
    if (scheduled.size === 0) return null;
    const finished = [...scheduled].filter(([r, n]) => {
      r.computed += n;
      if (r.computed === r.prompt + r.generated) r.generated++;
      return r.generated === r.out;
    });
    for (const [r] of finished) {
      this.#free += r.blocks;
      this.#running.splice(this.#running.indexOf(r), 1);
    }
    return {
      scheduled: Object.fromEntries([...scheduled].map(([r, n]) => [String(r.id), n])),
      preempted: preempted.map(({ id }) => id),
      finished: finished.map(([{ id }]) => id),
      freeBlocks: this.#free,
    };
  }

  #allocate(r: State, tokens: number): boolean {
    const missing = Math.ceil(tokens / this.#settings.blockSize) - r.blocks;
    if (missing > this.#free) return false;
    this.#free -= Math.max(0, missing);
    r.blocks += Math.max(0, missing);
    return true;
  }

  #sortWaiting(): void {
    if (this.#settings.priorities === 'priority') this.#waiting.sort((a, b) => -leastImportantFirst(a, b));
  }
}

function leastImportantFirst(a: State, b: State): number {
  return (a.priority ?? 0) - (b.priority ?? 0) || b.id - a.id;
}
