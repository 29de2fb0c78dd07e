/**
 * The books of a KV cache whose tokens can lie in several tiers and formats: for each sequence which tokens lie where, in
 * which format, with the bytes that follow from it.
 *
 *   submit, grow, finish   tokens come and go; new ones are native, in the GPU's memory
 *   price → apply → put    one action on a range: what it would do, doing it, taking it back
 *
 * Contracts, each tested:
 *  - a range is exact: no token outside of [from, to) changes, whatever was done to it before
 *  - formats never compound: a token has one format, and takes a smaller one or none
 *  - bytes are counts of tokens times bytes of a token, so they add up to the same number in every order
 *  - what does not fit is refused in a sentence, and nothing has changed then
 *
 * Boundary: counts. Blocks, links and contents are the plant's that keeps the book. Not kept: evicted tokens; a plant that
 * can take an eviction back keeps them itself.
 */
import type { SequencePart, SequenceState } from '../../core/run/autopilot.ts';
import type { KvAction } from '../../core/scenario/autopilot/action.ts';
import { KV_FORMATS, type KvFormat } from '../../core/kv/formats.ts';
import { KV_TIERS, type KVTier } from '../../core/kv/kv-pool-types.ts';
import { ActionError, type Priced } from '../plant.ts';
import { Counts } from './counts.ts';
import { digestOf } from './digest.ts';
import { joined, partsWithin, replaced, checkParts, type Parts } from './parts.ts';
import { planRange, type RangeAction, type RangePlan } from './range.ts';

export interface BookShape {
  /** Of new tokens. */
  readonly native: KvFormat;
  /** Bytes of one token in a format; null: this cache cannot hold it. */
  readonly bytesPerToken: (format: KvFormat) => number | null;
  /** Bytes that a tier may hold; tiers that are left out are not there. */
  readonly capacity: Readonly<Partial<Record<KVTier, number>>>;
}

interface Entry {
  tokens: number;
  parts: SequencePart[];
  readonly pinned: boolean;
  lastUsedMs: number;
  uses: number;
}

/** What an action changed: enough to take it back. */
export interface BookChange {
  readonly sequence: string;
  readonly from: number;
  readonly to: number;
  readonly before: Parts;
  readonly tokens: number;
  /** Of the GPU's memory; below 0 where tokens came back. */
  readonly freesBytes: number;
  readonly movedBytes: number;
}

export interface BookSnapshot {
  readonly sequences: readonly (readonly [string, Readonly<Entry>])[];
}

function copyOf(entry: Readonly<Entry>): Entry {
  return { ...entry, parts: entry.parts.map((part) => ({ ...part })) };
}

export class KvBook {
  readonly shape: BookShape;
  #entries = new Map<string, Entry>();
  /** Tokens by tier and format. */
  #counts = new Counts();

  constructor(shape: BookShape) {
    this.shape = shape;
    if (shape.bytesPerToken(shape.native) === null)
      throw new RangeError(`The cache's own format ${shape.native} has no bytes; give it some.`);
  }

  get size(): number {
    return this.#entries.size;
  }

  names(): string[] {
    return [...this.#entries.keys()];
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** Bytes of a token in a format. @throws RangeError for one that the cache cannot hold */
  bytesPerToken(format: KvFormat): number {
    const bytes = this.shape.bytesPerToken(format);
    if (bytes === null) throw new RangeError(`This cache holds no ${format}; choose another format.`);
    return bytes;
  }

  /** Bytes in a tier. */
  bytes(tier: KVTier): number {
    let sum = 0;
    for (const format of KV_FORMATS) {
      const tokens = this.#counts.of(tier, format);
      if (tokens > 0) sum += tokens * this.bytesPerToken(format);
    }
    return sum;
  }

  /** Bytes below the GPU's memory. */
  get lowerBytes(): number {
    return KV_TIERS.reduce((sum, tier) => (tier === 'hbm' ? sum : sum + this.bytes(tier)), 0);
  }

  freeBytes(tier: KVTier): number {
    return (this.shape.capacity[tier] ?? 0) - this.bytes(tier);
  }

  bytesOf(parts: Parts, tier?: KVTier): number {
    return parts.reduce(
      (sum, part) =>
        tier !== undefined && part.tier !== tier
          ? sum
          : sum + (part.to - part.from) * this.bytesPerToken(part.format),
      0,
    );
  }

  parts(name: string): Parts {
    return this.#entries.get(name)?.parts ?? [];
  }

  tokens(name: string): number {
    return this.#entries.get(name)?.tokens ?? 0;
  }

  pinned(name: string): boolean {
    return this.#entries.get(name)?.pinned ?? false;
  }

  /** As the run of an autopilot shows it. */
  state(name: string, phase: SequenceState['phase'] = 'running'): SequenceState {
    const { tokens, parts, pinned, lastUsedMs, uses } = this.#entry(name);
    return {
      name,
      tokens,
      bytes: this.bytesOf(parts),
      gpuBytes: this.bytesOf(parts, 'hbm'),
      phase,
      lastUsedMs,
      uses,
      pinned,
      parts: parts.map((part) => ({ ...part })),
    };
  }

  /** @throws ActionError when the name is taken or the tokens do not fit */
  submit(
    name: string,
    tokens: number,
    { pinned = false, nowMs = 0 }: { pinned?: boolean; nowMs?: number } = {},
  ): void {
    if (this.has(name))
      throw new ActionError(`There is a sequence ${name} already; finish it or take another name.`);
    this.#checkRoom(name, tokens);
    this.#entries.set(name, { tokens: 0, parts: [], pinned, lastUsedMs: nowMs, uses: 0 });
    this.#extend(name, tokens);
  }

  /** The sequence has `tokens` tokens in all. @throws ActionError when those that came do not fit */
  grow(name: string, tokens: number): void {
    const more = tokens - this.#entry(name).tokens;
    if (more < 0)
      throw new RangeError(
        `${name} has ${this.tokens(name)} tokens and cannot shrink to ${tokens}; evict some.`,
      );
    if (more === 0) return;
    this.#checkRoom(name, more);
    this.#extend(name, tokens);
  }

  /** A step used it. */
  use(name: string, nowMs: number, times = 1): void {
    const entry = this.#entry(name);
    entry.lastUsedMs = nowMs;
    entry.uses += times;
  }

  /** The sequence is over: its tokens are nowhere any more. */
  finish(name: string): void {
    const { parts } = this.#entry(name);
    this.#counts.add(parts, -1);
    this.#entries.delete(name);
  }

  clear(): void {
    this.#entries.clear();
    this.#counts.clear();
  }

  price(action: KvAction): Priced {
    const plan = this.#plan(action);
    if (!plan.ok) return plan;
    return { ok: true, freesBytes: plan.freesBytes, tokens: plan.tokens, movedBytes: plan.movedBytes };
  }

  /** Does an action on a range. @throws ActionError with the sentence of `price`; nothing has changed then */
  apply(action: KvAction): BookChange {
    const plan = this.#plan(action);
    if (!plan.ok) throw new ActionError(plan.sentence);
    const { sequence, from, to } = plan.action;
    const before = partsWithin(this.parts(sequence), from, to);
    this.#replace(sequence, from, to, plan.after);
    const { tokens, freesBytes, movedBytes } = plan;
    return { sequence, from, to, before, tokens, freesBytes, movedBytes };
  }

  /** Takes back what `apply` changed; tokens of the range hold again what they held. */
  put({ sequence, from, to, before }: BookChange): void {
    if (this.has(sequence)) this.#replace(sequence, from, Math.min(to, this.tokens(sequence)), before);
  }

  snapshot(): BookSnapshot {
    return { sequences: [...this.#entries].map(([name, entry]) => [name, copyOf(entry)] as const) };
  }

  restore({ sequences }: BookSnapshot): void {
    this.clear();
    for (const [name, entry] of sequences) {
      this.#entries.set(name, copyOf(entry));
      this.#counts.add(entry.parts, 1);
    }
  }

  /** What is where, in one line a sequence, by name. */
  text(): string {
    const lines = [...this.#entries].map(([name, { tokens, parts, pinned }]) => {
      const ranges = parts.map(({ from, to, tier, format }) => `${from}-${to} ${tier} ${format}`);
      return `${name}: ${tokens}${pinned ? ' pinned' : ''}; ${ranges.join(', ')}`;
    });
    return lines.sort().join('\n');
  }

  digest(): string {
    return digestOf(this.text());
  }

  /** @throws Error that names the first thing that does not add up */
  check(): void {
    const counted = new Counts();
    for (const [name, { tokens, parts }] of this.#entries) {
      checkParts(name, tokens, parts);
      counted.add(parts, 1);
    }
    for (const tier of KV_TIERS) {
      for (const format of KV_FORMATS) {
        const [is, was] = [counted.of(tier, format), this.#counts.of(tier, format)];
        if (is !== was) throw new Error(`${is} tokens lie in ${tier} as ${format}, but ${was} were counted.`);
      }
    }
    for (const tier of KV_TIERS) {
      const [held, room] = [this.bytes(tier), this.shape.capacity[tier] ?? 0];
      if (held > room) throw new Error(`${tier} holds ${held} bytes of ${room}.`);
    }
  }

  #plan(action: KvAction): RangePlan {
    switch (action.kind) {
      case 'quantize':
      case 'evict':
      case 'offload':
      case 'fetch':
        return this.#planRange(action);
      default:
        return { ok: false, sentence: `${action.kind} is about limits; no sequence's tokens change by it.` };
    }
  }

  #planRange(action: RangeAction): RangePlan {
    const entry = this.#entries.get(action.sequence);
    if (!entry) {
      const some = this.names().slice(0, 3).join(', ');
      const sentence = `There is no sequence ${action.sequence}; ${some ? `there is ${some}` : 'submit one first'}.`;
      return { ok: false, sentence };
    }
    return planRange(action, entry, {
      bytes: (format) => this.shape.bytesPerToken(format),
      freeBytes: (tier) => (this.shape.capacity[tier] === undefined ? null : this.freeBytes(tier)),
    });
  }

  #checkRoom(name: string, tokens: number): void {
    const bytes = this.bytesPerToken(this.shape.native);
    const [needed, free] = [tokens * bytes, this.freeBytes('hbm')];
    if (needed > free) {
      throw new ActionError(
        `${tokens} tokens of ${name} need ${needed} bytes and ${Math.max(0, free)} are free; ` +
          `submit ${Math.max(0, Math.floor(free / bytes))} tokens or make room first.`,
      );
    }
  }

  #extend(name: string, tokens: number): void {
    const entry = this.#entry(name);
    const part: SequencePart = { from: entry.tokens, to: tokens, tier: 'hbm', format: this.shape.native };
    if (part.to > part.from) {
      this.#counts.add([part], 1);
      entry.parts = joined([...entry.parts, part]);
    }
    entry.tokens = tokens;
  }

  #replace(name: string, from: number, to: number, inner: Parts): void {
    const entry = this.#entry(name);
    this.#counts.add(partsWithin(entry.parts, from, to), -1);
    this.#counts.add(inner, 1);
    entry.parts = replaced(entry.parts, from, to, inner);
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (!entry) throw new RangeError(`There is no sequence ${name} in the book.`);
    return entry;
  }
}
