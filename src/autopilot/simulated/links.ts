/**
 * What actions cost in time on the simulated engine.
 *
 *  - Bytes that leave the GPU's memory (offloaded tokens; copies that the way back needs) go over their tier's link, and
 *    the next step begins when they are out: its blocks are written over.
 *  - Tokens in a lower tier are read over their tier's link in every step in which their sequence takes part; reading
 *    overlaps with computing layer by layer (sim/connector.ts).
 *  - Rewriting tokens in a smaller format reads and writes them in the GPU's memory, at its whole bandwidth. Assumed.
 *  - Attention does not read evicted tokens, and reads fewer bytes of smaller ones: the cost model is asked for contexts
 *    of as many native tokens as have the same bytes.
 */
import type { StepPlan } from '../../core/schedule/scheduler.ts';
import type { Sequences } from '../../core/schedule/sequences.ts';
import type { StepWork } from '../../core/schedule/work.ts';
import type { KVTier } from '../../core/kv/kv-pool-types.ts';
import type { SimConnector } from '../../sim/connector.ts';
import type { CostModel } from '../../sim/cost/model.ts';
import { Link } from '../../sim/link.ts';
import type { Ledger } from './ledger.ts';
import type { LowerTier, SimulatedShape } from './shape.ts';

export class TierLinks implements SimConnector {
  holdMs = 0;
  loadedMs = 0;
  #nowMs = 0;
  readonly #up = new Map<KVTier, Link>();
  readonly #down = new Map<KVTier, Link>();
  readonly #memoryBytesPerMs: number;
  readonly #copies: LowerTier;
  /** Bytes read from lower tiers by steps, in all. */
  readBytes = 0;

  constructor({ tiers, copies, memoryBytesPerMs }: SimulatedShape) {
    this.#memoryBytesPerMs = memoryBytesPerMs;
    for (const settings of [...tiers, ...(tiers.includes(copies) ? [] : [copies])]) {
      this.#up.set(settings.tier, new Link(settings));
      this.#down.set(settings.tier, new Link(settings));
    }
    this.#copies = copies.tier;
  }

  begin(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  end(): void {
    // Nothing moves between steps but what actions ask for.
  }

  matched(): number {
    return 0;
  }

  peek(): number {
    return 0;
  }

  load(): void {
    throw new Error('Nothing was matched in a lower tier, so nothing can be loaded.');
  }

  keep(): boolean {
    return false;
  }

  /** Bytes leave the GPU's memory for a tier. */
  send(tier: KVTier, nowMs: number, bytes: number): void {
    this.#hold(this.#down.get(tier)?.transfer(nowMs, bytes) ?? nowMs);
  }

  /** Bytes come back from a tier. */
  fetch(tier: KVTier, nowMs: number, bytes: number): void {
    this.#hold(this.#up.get(tier)?.transfer(nowMs, bytes) ?? nowMs);
  }

  /** Copies of what an action changes, kept below the GPU's memory so that it can be taken back. */
  save(nowMs: number, bytes: number): void {
    if (bytes > 0) this.send(this.#copies, nowMs, bytes);
  }

  restore(nowMs: number, bytes: number): void {
    if (bytes > 0) this.fetch(this.#copies, nowMs, bytes);
  }

  /** Bytes are rewritten where they lie. */
  rewrite(nowMs: number, bytes: number): void {
    this.#hold(Math.max(nowMs, this.holdMs) + bytes / this.#memoryBytesPerMs);
  }

  /** A step reads bytes of a lower tier. */
  read(tier: KVTier, bytes: number): void {
    const endMs = this.#up.get(tier)?.transfer(this.#nowMs, bytes) ?? this.#nowMs;
    this.readBytes += bytes;
    this.loadedMs = Math.max(this.loadedMs, endMs);
  }

  #hold(untilMs: number): void {
    this.holdMs = Math.max(this.holdMs, untilMs);
  }
}

export interface SteeredCost extends CostModel {
  /** The step that is priced next. */
  plan: StepPlan | null;
}

/** A cost model that knows what of each context is read, and from where. */
export function steeredCost(
  inner: CostModel,
  ledger: () => Ledger,
  sequences: () => Sequences,
  links: TierLinks,
): SteeredCost {
  const takesPart = (row: number, plan: StepPlan): boolean =>
    plan.chunks.includes(row) || (sequences().decoders.has(row) && !plan.heldBack.includes(row));
  const readLower = (row: number): void => {
    const book = ledger().book;
    const bytes = new Map<KVTier, number>();
    for (const part of ledger().parts(row)) {
      if (part.tier === 'hbm') continue;
      bytes.set(
        part.tier,
        (bytes.get(part.tier) ?? 0) + (part.to - part.from) * book.bytesPerToken(part.format),
      );
    }
    for (const [tier, count] of bytes) links.read(tier, count);
  };
  return {
    name: inner.name,
    about: inner.about,
    basis: inner.basis,
    plan: null,
    stepMs(work) {
      const plan = this.plan;
      if (plan === null || ledger().isEmpty) return inner.stepMs(work);
      const rows = ledger()
        .rows()
        .filter((row) => takesPart(row, plan));
      rows.forEach(readLower);
      return withUnread(inner, work, plan, rows, ledger(), sequences());
    },
  };
}

/** Asks for a step whose contexts are shorter by what is not read; the work is as it was afterwards. */
function withUnread(
  inner: CostModel,
  work: StepWork,
  plan: StepPlan,
  rows: readonly number[],
  ledger: Ledger,
  sequences: Sequences,
): number {
  const { decodeContextTokens, decodeSquaredContextTokens, decodeMaxContextTokens } = work;
  const contexts: [number, number][] = [];
  for (const row of rows) {
    const unread = ledger.unreadTokens(row);
    const chunk = plan.chunks.indexOf(row);
    if (chunk >= 0) {
      const before = work.prefillContextTokens[chunk] ?? 0;
      contexts.push([chunk, before]);
      work.prefillContextTokens[chunk] = Math.max(0, before - unread);
      continue;
    }
    const context = sequences.decoders.computed(row) + 1;
    work.decodeContextTokens -= unread;
    work.decodeSquaredContextTokens -= context * context - (context - unread) * (context - unread);
  }
  // The longest context may be one of the shortened: at least the mean, at most what it was.
  const share = decodeContextTokens > 0 ? work.decodeContextTokens / decodeContextTokens : 1;
  const mean = work.decodeContextTokens / Math.max(1, work.decodeSequences);
  work.decodeMaxContextTokens = Math.max(mean, decodeMaxContextTokens * share);
  const stepMs = inner.stepMs(work);
  for (const [chunk, before] of contexts) work.prefillContextTokens[chunk] = before;
  Object.assign(work, { decodeContextTokens, decodeSquaredContextTokens, decodeMaxContextTokens });
  return stepMs;
}
