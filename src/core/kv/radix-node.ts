/** A run of tokens in a radix tree, and how runs are compared. */
import type { RadixFacts } from './radix-policies.ts';

/** What others see of a run. A split shortens it; it stays valid until it is evicted. */
export interface RadixNode extends RadixFacts {
  readonly tokens: readonly number[];
  readonly slots: readonly number[];
  readonly locks: number;
  readonly evicted: boolean;
}

export class RadixRun implements RadixNode {
  readonly id: number;
  readonly created: number;
  readonly children = new Map<number | string, RadixRun>();
  /** Of a root: the prompts below it. */
  readonly namespace: string | null;
  parent: RadixRun | null;
  tokens: readonly number[];
  slots: readonly number[];
  locks = 0;
  lastUse: number;
  uses = 0;
  /** Below any that is given. */
  priority = -Infinity;
  evicted = false;

  constructor(
    id: number,
    parent: RadixRun | null,
    tokens: readonly number[],
    slots: readonly number[],
    now: number,
    namespace: string | null = null,
  ) {
    this.namespace = namespace;
    this.id = id;
    this.parent = parent;
    this.tokens = tokens;
    this.slots = slots;
    this.created = now;
    this.lastUse = now;
  }

  /** An insert went through. */
  use(time: number, priority: number, counts: boolean): void {
    this.lastUse = time;
    this.priority = Math.max(this.priority, priority);
    if (counts) this.uses++;
  }
}

/** What children are told apart by: the page of tokens at `at`. */
export function childKey(tokens: readonly number[], at: number, pageSize: number): number | string {
  return pageSize === 1 ? (tokens[at] ?? -1) : tokens.slice(at, at + pageSize).join(',');
}

/** Tokens of a run that the prompt from `at` to `end` has too, in whole pages. */
export function commonTokens(
  run: readonly number[],
  tokens: readonly number[],
  at: number,
  end: number,
  pageSize: number,
): number {
  const most = Math.min(run.length, end - at);
  let common = 0;
  while (common < most && run[common] === tokens[at + common]) common++;
  return common - (common % pageSize);
}
