/**
 * vLLM's step written the slow way, request by request, over counts of blocks: the measure for the scheduler that
 * touches only what changes. (REFERENCE: vllm/v1/core/sched/scheduler.py@00024d3; no prefix cache)
 *
 * Groups of layers as in vllm/v1/core/single_type_kv_cache_manager.py@002f349: a list of blocks for each group, in which a
 * block that nobody sees any more is null.
 */
export interface ReferenceRequest {
  readonly prompt: number;
  readonly out: number;
  readonly priority?: number;
}

/** One group of layers: no window, a window or a chunk of so many tokens, or a state. */
export type ReferenceGroup =
  | { readonly kind: 'all' | 'state'; readonly blockSize: number }
  | { readonly kind: 'window' | 'chunk'; readonly blockSize: number; readonly tokens: number };

export interface ReferenceSettings {
  /** Left out: one group that keeps all. */
  readonly groups?: readonly ReferenceGroup[];
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
  /** Group by group: true for a block, null for one that is gone. */
  tables: (true | null)[][];
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
  #groups: readonly ReferenceGroup[];

  constructor(settings: ReferenceSettings) {
    this.#settings = settings;
    this.#groups = settings.groups ?? [{ kind: 'all', blockSize: settings.blockSize }];
    this.#free = settings.numBlocks;
  }

  add(request: ReferenceRequest): void {
    this.#waiting.push({ ...request, id: this.#ids++, computed: 0, generated: 0, tables: this.#empty() });
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
        this.#free += held(victim);
        Object.assign(victim, { tables: this.#empty(), computed: 0 });
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
      this.#free += held(r);
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
    const missing = this.#groups.map((group, i) => {
      const table = r.tables[i] ?? [];
      this.#removeSkipped(group, table, r.computed);
      return Math.max(0, (group.kind === 'state' ? 1 : Math.ceil(tokens / group.blockSize)) - table.length);
    });
    const sum = missing.reduce((a, b) => a + b, 0);
    if (sum > this.#free) return false;
    this.#free -= sum;
    missing.forEach((count, i) => r.tables[i]?.push(...new Array<true>(count).fill(true)));
    return true;
  }

  #empty(): (true | null)[][] {
    return this.#groups.map(() => []);
  }

  #removeSkipped(group: ReferenceGroup, table: (true | null)[], computed: number): void {
    if (!('tokens' in group)) return;
    const skipped =
      group.kind === 'window'
        ? Math.max(0, computed - group.tokens + 1)
        : Math.floor(computed / group.tokens) * group.tokens;
    for (let i = Math.floor(skipped / group.blockSize) - 1; i >= 0; i--) {
      if (table[i] === null) break;
      table[i] = null;
      this.#free++;
    }
  }

  #sortWaiting(): void {
    if (this.#settings.priorities === 'priority') this.#waiting.sort((a, b) => -leastImportantFirst(a, b));
  }
}

function held({ tables }: State): number {
  return tables.flat().filter((block) => block !== null).length;
}

function leastImportantFirst(a: State, b: State): number {
  return (a.priority ?? 0) - (b.priority ?? 0) || b.id - a.id;
}
