/**
 * A prefix cache as a radix tree of token runs: the alternative to chained block hashes, exact as SGLang's.
 *
 * A node holds a run of tokens and the KV slot of each; children differ in their first page. A lookup or an insert that
 * ends inside a run splits it there. Lengths are cut to whole pages. A lock protects a node and its whole path, since
 * a run is of no use without what comes before it.
 *
 * Order of eviction (a contract, tested as literal lists): only leaves without locks go, whole nodes at a time, so more
 * may be freed than was asked; a parent that thereby becomes a leaf joins at once. Among leaves the policy decides
 * (radix-policies.ts). Its facts as there: both lookup and insert use a path, only an insert counts a use; the upper
 * part of a split is new, and takes locks, uses and priority over. (SGLang mem_cache/radix_cache.py@01333d4)
 *
 * Boundary: it says which slots are free, and owns none. There is no bound: whoever runs out of slots asks `evict`.
 */
import { Heap } from '../eviction/blocks/heap.ts';
import { Emitter, type Listener } from './events.ts';
import { KVNotCachedError, KVReferenceUnderflowError } from './kv-pool-errors.ts';
import { whole } from './kv-pool-state.ts';
import { childKey, commonTokens, RadixRun, type RadixNode } from './radix-node.ts';
import { RADIX_POLICIES, type RadixFacts } from './radix-policies.ts';
import type {
  RadixEvicted,
  RadixMatch,
  RadixOptions,
  RadixTreeEvents,
  RadixTreeOptions,
} from './radix-types.ts';

export class RadixTree {
  readonly pageSize: number;
  readonly #rankOf: (node: RadixFacts) => readonly [number, number];
  readonly #events = new Emitter<RadixTreeEvents>();
  #roots = new Map<string, RadixRun>();
  /** Leaves without locks. */
  #evictable = new Set<RadixRun>();
  #evictableTokens = 0;
  #lockedTokens = 0;
  #nextId = 0;
  #clock = 0;

  constructor({ pageSize = 1, policy = 'lru' }: RadixTreeOptions = {}) {
    this.pageSize = whole('pageSize', pageSize);
    this.#rankOf = RADIX_POLICIES[policy];
  }

  /** Tokens in nodes without locks. */
  get evictableTokens(): number {
    return this.#evictableTokens;
  }

  /** Tokens in locked nodes. */
  get lockedTokens(): number {
    return this.#lockedTokens;
  }

  get totalTokens(): number {
    return this.#evictableTokens + this.#lockedTokens;
  }

  /** Told after each change. @returns ends the subscription */
  on<K extends keyof RadixTreeEvents>(type: K, listener: Listener<RadixTreeEvents, K>): () => void {
    return this.#events.on(type, listener);
  }

  /** The longest known beginning of a prompt, in whole pages. */
  match(tokens: readonly number[], { namespace = '' }: RadixOptions = {}): RadixMatch {
    const end = this.#wholePages(tokens);
    const time = ++this.#clock;
    // A lookup makes no namespace: one that nobody filled is as good as none.
    let node = this.#roots.get(namespace) ?? this.#newRoot(namespace);
    let at = 0;
    const slots: number[] = [];
    for (let child = this.#child(node, tokens, at, end); child; child = this.#child(node, tokens, at, end)) {
      child.lastUse = time;
      const common = commonTokens(child.tokens, tokens, at, end, this.pageSize);
      node = common < child.tokens.length ? this.#split(child, common) : child;
      slots.push(...node.slots);
      at += common;
    }
    if (at > 0) this.#events.emit('hit', { numTokens: at });
    if (at < end) this.#events.emit('miss', { numTokens: end - at });
    return { numTokens: at, slots, node: at > 0 ? node : null };
  }

  /**
   * Adds a prompt.
   * @param slots KV slot of each token; where left out, the tokens stand for themselves
   * @returns tokens that were known: their given slots were not taken and are the caller's to free
   */
  insert(
    tokens: readonly number[],
    slots: readonly number[] = tokens,
    { namespace = '', priority = 0 }: RadixOptions = {},
  ): { readonly prefixTokens: number } {
    if (slots.length < tokens.length) {
      throw new RangeError(
        `${slots.length} slots were given for ${tokens.length} tokens; one each is needed.`,
      );
    }
    const end = this.#wholePages(tokens);
    if (end === 0) return { prefixTokens: 0 };
    const time = ++this.#clock;
    let node = this.#root(namespace);
    node.use(time, priority, false);
    let at = 0;
    for (let child = this.#child(node, tokens, at, end); child; child = this.#child(node, tokens, at, end)) {
      child.lastUse = time;
      const common = commonTokens(child.tokens, tokens, at, end, this.pageSize);
      const isSplit = common < child.tokens.length;
      node = isSplit ? this.#split(child, common) : child;
      node.use(isSplit ? node.lastUse : time, priority, true);
      at += common;
    }
    if (at === end) return { prefixTokens: at };
    const leaf = this.#newNode(node, tokens.slice(at, end), slots.slice(at, end));
    leaf.use(leaf.lastUse, priority, true);
    node.children.set(childKey(leaf.tokens, 0, this.pageSize), leaf);
    this.#evictableTokens += leaf.tokens.length;
    this.#evictable.delete(node);
    this.#evictable.add(leaf);
    this.#events.emit('alloc', { numTokens: end - at, prefixTokens: at });
    return { prefixTokens: at };
  }

  /** Protects a match and its path from eviction. @throws KVNotCachedError for a node that was evicted */
  lock(node: RadixNode): void {
    for (const run of this.#path(node)) {
      if (run.locks++ > 0) continue;
      this.#evictableTokens -= run.tokens.length;
      this.#lockedTokens += run.tokens.length;
      this.#evictable.delete(run);
    }
  }

  /** Takes a lock back. @throws KVReferenceUnderflowError where there is none */
  unlock(node: RadixNode): void {
    const path = this.#path(node);
    if (path.some(({ locks }) => locks === 0)) {
      throw new KVReferenceUnderflowError(`The run of ${node.tokens.length} tokens`, 'references');
    }
    for (const run of path) {
      if (--run.locks > 0) continue;
      this.#evictableTokens += run.tokens.length;
      this.#lockedTokens -= run.tokens.length;
      if (run.children.size === 0) this.#evictable.add(run);
    }
  }

  /** Frees at least `numTokens`, or all that may go. */
  evict(numTokens: number): RadixEvicted {
    const leaves = new Map([...this.#evictable].map((leaf) => [leaf.id, leaf]));
    const heap = new Heap();
    const push = (leaf: RadixRun): void => {
      const [priority, order] = this.#rankOf(leaf);
      heap.set({ key: leaf.id, priority, order });
    };
    for (const leaf of leaves.values()) push(leaf);
    const gone: RadixRun[] = [];
    let freed = 0;
    while (freed < numTokens) {
      const leaf = leaves.get(Number(heap.takeWhere(() => true)?.key ?? -1));
      if (!leaf) break;
      freed += leaf.tokens.length;
      gone.push(leaf);
      const parent = this.#remove(leaf);
      if (!parent) continue;
      leaves.set(parent.id, parent);
      push(parent);
    }
    for (const { tokens, slots } of gone) this.#events.emit('evict', { tokens, slots });
    return {
      numTokens: freed,
      slots: gone.flatMap(({ slots }) => slots),
      runs: gone.map(({ tokens }) => tokens),
    };
  }

  /** All runs, parents before children, in order of creation of the branches. */
  nodes(): RadixNode[] {
    const below = (node: RadixRun): RadixRun[] =>
      [...node.children.values()].flatMap((child) => [child, ...below(child)]);
    return [...this.#roots.values()].flatMap(below);
  }

  /** Counts and links are whole. @throws Error that names the first that is not */
  check(): void {
    let [evictable, locked, leaves] = [0, 0, 0];
    const visit = (node: RadixRun): void => {
      for (const [key, child] of node.children) {
        if (child.parent !== node || key !== childKey(child.tokens, 0, this.pageSize)) {
          throw new Error(`The run at ${String(key)} is not linked to its parent.`);
        }
        const { length } = child.tokens;
        if (length === 0 || length % this.pageSize !== 0 || child.slots.length !== length) {
          throw new Error(
            `A run of ${length} tokens has ${child.slots.length} slots in pages of ${this.pageSize}.`,
          );
        }
        if (node.parent && child.locks > node.locks)
          throw new Error(`A run has ${child.locks} locks, its parent ${node.locks}.`);
        if (child.locks > 0) locked += length;
        else evictable += length;
        if (child.locks === 0 && child.children.size === 0) {
          leaves++;
          if (!this.#evictable.has(child))
            throw new Error('A leaf without locks is not known to be evictable.');
        }
        visit(child);
      }
    };
    for (const root of this.#roots.values()) visit(root);
    if (
      evictable !== this.#evictableTokens ||
      locked !== this.#lockedTokens ||
      leaves !== this.#evictable.size
    ) {
      throw new Error(
        `${evictable} tokens can be evicted in ${leaves} leaves and ${locked} are locked, but ${this.#evictableTokens}, ${this.#evictable.size} and ${this.#lockedTokens} were counted.`,
      );
    }
  }

  #wholePages(tokens: readonly number[]): number {
    return tokens.length - (tokens.length % this.pageSize);
  }

  #root(namespace: string): RadixRun {
    let root = this.#roots.get(namespace);
    if (!root) this.#roots.set(namespace, (root = this.#newRoot(namespace)));
    return root;
  }

  #newRoot(namespace: string): RadixRun {
    return new RadixRun(this.#nextId++, null, [], [], ++this.#clock, namespace);
  }

  #newNode(parent: RadixRun | null, tokens: readonly number[], slots: readonly number[]): RadixRun {
    return new RadixRun(this.#nextId++, parent, tokens, slots, ++this.#clock);
  }

  /** The child that begins with the page at `at`, if there is a whole one. */
  #child(node: RadixRun, tokens: readonly number[], at: number, end: number): RadixRun | undefined {
    return at < end ? node.children.get(childKey(tokens, at, this.pageSize)) : undefined;
  }

  /** Cuts a run in two. @returns the upper part, which is new */
  #split(child: RadixRun, at: number): RadixRun {
    const upper = this.#newNode(child.parent, child.tokens.slice(0, at), child.slots.slice(0, at));
    upper.uses = child.uses;
    upper.locks = child.locks;
    upper.priority = child.priority;
    child.parent?.children.set(childKey(child.tokens, 0, this.pageSize), upper);
    child.parent = upper;
    child.tokens = child.tokens.slice(at);
    child.slots = child.slots.slice(at);
    upper.children.set(childKey(child.tokens, 0, this.pageSize), child);
    return upper;
  }

  /** @returns the parent, where it may be evicted now */
  #remove(leaf: RadixRun): RadixRun | null {
    const { parent } = leaf;
    leaf.evicted = true;
    this.#evictable.delete(leaf);
    this.#evictableTokens -= leaf.tokens.length;
    parent?.children.delete(childKey(leaf.tokens, 0, this.pageSize));
    if (!parent || parent.children.size > 0 || parent.locks > 0) return null;
    if (parent.namespace !== null) {
      this.#roots.delete(parent.namespace);
      return null;
    }
    this.#evictable.add(parent);
    return parent;
  }

  /** From a node up to below the root. @throws KVNotCachedError */
  #path(node: RadixNode): RadixRun[] {
    const path: RadixRun[] = [];
    const isOwn = node instanceof RadixRun && !node.evicted;
    if (!isOwn) throw new KVNotCachedError(`of ${node.tokens.length} tokens`);
    for (let run: RadixRun = node; run.parent !== null; run = run.parent) path.push(run);
    return path;
  }
}
