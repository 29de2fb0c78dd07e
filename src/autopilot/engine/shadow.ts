/**
 * Actions tried on copies: a second small engine on the same weights holds a sequence's KV twice, word for word as the live
 * engine has it. One copy stays as it is, the other is acted on; both are then told the same tokens (those that are known,
 * those that will be given, else those that the untouched copy says), and their next-token distributions are compared at every position.
 *
 * Boundary: quality of what follows from the cache. The live engine is read and never touched; it stands still meanwhile.
 */
import { createEngine, type Engine } from '../../engine/engine.ts';
import type { EngineSettings, GenerationRequest } from '../../engine/engine-types.ts';
import { LiveCache } from '../../engine/actions/live-cache.ts';
import type { ModelOnGpu } from '../../lab/model/context.ts';
import { argmax, klDivergence, logProbabilities } from '../../lab/quality/logits.ts';
import { KvBook } from '../book/book.ts';
import type { RangeAction } from '../book/range.ts';
import type { ShadowSample } from '../plant.ts';
import { RangeActions } from './ranges.ts';

/** Positions that are compared on each sequence. */
export const SHADOW_TOKENS = 12;
const UNTOUCHED = 'untouched';
const TOUCHED = 'touched';

export interface ShadowedLive {
  readonly book: KvBook;
  readonly live: LiveCache;
  readonly ranges: RangeActions;
  readonly requestOf: (name: string) => number;
  readonly signal: AbortSignal;
}

/** Settings of the engine of copies: two sequences as the live engine has them. */
export function shadowSettings(settings: EngineSettings): EngineSettings {
  const { maxContextTokens, blockSize } = settings;
  return {
    ...settings,
    numBlocks: 2 * Math.ceil(maxContextTokens / blockSize),
    // Credits are kept here as in the live engine, and nobody needs what they give.
    spareBlocks: 1,
    maxSequences: 2,
    tokenBudget: Math.max(2, settings.tokenBudget),
    prefixCaching: false,
    planAhead: false,
  };
}

export class EngineShadow {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** @throws GpuOutOfMemoryError; nothing is kept then */
  static async create(
    { gpu, model }: Pick<ModelOnGpu, 'gpu' | 'model'>,
    settings: EngineSettings,
    now: () => number,
  ): Promise<EngineShadow> {
    return new EngineShadow(await createEngine(gpu, model, shadowSettings(settings), { now }));
  }

  /** @param fraction of the sequences that the actions touch; those that lose most first, at least one */
  async compare(
    actions: readonly RangeAction[],
    fraction: number,
    from: ShadowedLive,
  ): Promise<readonly ShadowSample[]> {
    const names = mostTouched(actions).filter((name) => from.book.has(name));
    const wanted = Math.max(1, Math.ceil(fraction * names.length));
    const samples: ShadowSample[] = [];
    let shadowed = 0;
    for (const name of names) {
      if (shadowed >= wanted) break;
      from.signal.throwIfAborted();
      const own = actions.filter(({ sequence }) => sequence === name);
      // One that is about to end has no position left to compare; the next stands in for it.
      const found = await this.#sequence(name, own, from);
      if (found.length > 0) shadowed++;
      samples.push(...found);
    }
    return samples;
  }

  destroy(): void {
    this.#engine.destroy();
  }

  async #sequence(
    name: string,
    actions: readonly RangeAction[],
    { book, live, ranges, requestOf, signal }: ShadowedLive,
  ): Promise<ShadowSample[]> {
    const engine = this.#engine;
    await engine.reset();
    const { request, output, computed } = live.state(requestOf(name));
    const positions = Math.min(SHADOW_TOKENS, engine.settings.maxContextTokens - computed - 1);
    if (computed === 0 || positions < 1) return [];
    const samples: ShadowSample[] = [];
    const text = [...request.promptIds, ...output];
    const kv = await ranges.copy(name);
    const copies = new Copies(engine, book, { past: text.slice(0, computed), kv, positions });
    let said = new Float32Array(0);
    const told = toldFrom(computed, text, request);
    await copies.add(UNTOUCHED, told, request.sampling, (logits) => (said = logits));
    await copies.add(TOUCHED, copies.outputOf(UNTOUCHED), request.sampling, (logits) => {
      const top1 = argmax(said) === argmax(logits) ? 1 : 0;
      samples.push({ sequence: name, kl: klDivergence(said, logits), top1 });
    });
    copies.fill(book.parts(name));
    for (const action of actions) await copies.act(action);
    await copies.go(signal);
    return samples;
  }
}

type Parts = ReturnType<KvBook['parts']>;

/** What the copies begin with. */
interface Past {
  /** Tokens that the live sequence has computed. */
  readonly past: readonly number[];
  readonly kv: Awaited<ReturnType<RangeActions['copy']>>;
  /** Tokens that are to come. */
  readonly positions: number;
}

/** Two sequences of the shadow engine with the same past. */
class Copies {
  readonly #engine: Engine;
  readonly #live: LiveCache;
  readonly #book: KvBook;
  readonly #ranges: RangeActions;
  readonly #begin: Past;
  readonly #rows = new Map<string, number>();

  constructor(engine: Engine, book: KvBook, begin: Past) {
    this.#engine = engine;
    this.#live = new LiveCache(engine);
    this.#book = new KvBook(book.shape);
    this.#ranges = new RangeActions(this.#book, this.#live, (name) => this.#row(name));
    this.#begin = begin;
  }

  /** A copy that stands still behind the past. @param forced may grow while it runs */
  async add(
    name: string,
    forced: readonly number[],
    sampling: Parameters<Engine['submit']>[0]['sampling'],
    onLogits: (logProbabilities: Float32Array<ArrayBuffer>) => void,
  ): Promise<void> {
    const { past, kv, positions } = this.#begin;
    const row = this.#engine.submit({
      promptIds: past,
      maxTokens: positions + 1,
      stopTokens: [],
      ...{ sampling, forced },
      // The first is predicted while the past is computed, not from what the copy holds.
      onLogits: (index, logits) => {
        if (index > 0) onLogits(new Float32Array(logProbabilities(logits)));
      },
    });
    this.#rows.set(name, row);
    // Nothing of the past is computed but its last token, which every sequence begins with.
    const { blockWords } = this.#live.layout;
    const empty = new Uint32Array(blockWords * this.#engine.config.layers);
    const count = Math.ceil(past.length / this.#live.blockSize);
    const blocks: Uint32Array[] = Array.from({ length: count }, () => empty);
    kv.blocks.forEach((block, i) => (blocks[block] = kv.words[i] ?? empty));
    this.#engine.inside.session.connector.arrivals.add(row, { tokens: past.length - 1, blocks, ring: null });
    while (this.outputOf(name).length === 0) await this.#engine.step();
    this.#live.hold(row);
  }

  /** Tokens as they are generated: the same list as long as the copy lives. */
  outputOf(name: string): readonly number[] {
    return this.#engine.outputOf(this.#row(name));
  }

  /** Both copies hold what the live sequence holds. */
  fill(parts: Parts): void {
    const { past, kv } = this.#begin;
    const there = new Set(kv.blocks);
    for (const name of this.#rows.keys()) {
      const row = this.#row(name);
      const table = [...this.#engine.blocksOf(row).keys()];
      this.#live.drop(
        row,
        table.filter((place) => !there.has(place)),
      );
      this.#live.write(row, [...kv.blocks.keys()], kv.words);
      this.#book.submit(name, past.length);
    }
    this.#write(parts);
  }

  /** What an action does to values; where they lie changes none. */
  async act(action: RangeAction): Promise<void> {
    if (action.kind === 'offload' || action.kind === 'fetch') return;
    const own = { ...action, sequence: TOUCHED };
    // What can't be done to the copy can't be done to the live sequence either, and will be left out there.
    if (this.#ranges.price(own).ok) await this.#ranges.apply(own);
  }

  async go(signal: AbortSignal): Promise<void> {
    // In the order in which they are sampled: the untouched copy speaks first.
    for (const name of this.#rows.keys()) this.#live.resume(this.#row(name));
    while ((await this.#engine.step()) !== null) signal.throwIfAborted();
  }

  /** What the live sequence has lost and rounded already stands in the copies' book. */
  #write(parts: Parts): void {
    for (const name of this.#rows.keys()) {
      let end = 0;
      for (const { from, to, format } of parts) {
        if (from > end) this.#book.apply({ kind: 'evict', sequence: name, from: end, to: from });
        if (format !== this.#book.shape.native)
          this.#book.apply({ kind: 'quantize', sequence: name, from, to, format });
        end = to;
      }
    }
  }

  #row(name: string): number {
    return this.#rows.get(name) ?? -1;
  }
}

/** What comes behind `computed` tokens whatever the model says: tokens that are known, then those that will be given. */
function toldFrom(
  computed: number,
  text: readonly number[],
  { promptIds, forced = [] }: GenerationRequest,
): number[] {
  const told = text.slice(computed);
  forced.forEach((token, i) => {
    const at = promptIds.length + i - computed;
    if (at >= told.length) told[at] = token;
  });
  return told;
}

/** Sequences by the tokens that actions touch, most first; ties by name. */
function mostTouched(actions: readonly RangeAction[]): string[] {
  const tokens = new Map<string, number>();
  for (const { sequence, from, to } of actions) tokens.set(sequence, (tokens.get(sequence) ?? 0) + to - from);
  return [...tokens].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([name]) => name);
}
