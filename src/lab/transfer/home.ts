/**
 * The engine that sequences are written in, kept from one to the next so that its prefix cache stays warm, and made anew
 * where another cache is wanted.
 */
import type { ModelIdentity, MovedSequence } from '../../core/transfer/types.ts';
import { TransferError } from '../../core/transfer/error.ts';
import { createEngine, type Engine } from '../../engine/engine.ts';
import { checkModel } from '../../engine/transfer/adopt.ts';
import { movedSequence } from '../../engine/transfer/snapshot.ts';
import { engineSettings } from '../model/settings.ts';
import type { MoverContext } from './mover.ts';
import type { MoveCache } from './types.ts';

type HomeContext = Pick<MoverContext, 'gpu' | 'model' | 'facts' | 'now'>;

/** Texts whose prefixes are kept beside the one that is written. */
const WARM_SEQUENCES = 4;

export class Home {
  readonly #context: HomeContext;
  #engine: Engine | null = null;
  #key = '';

  constructor(context: HomeContext) {
    this.#context = context;
  }

  /** @throws TransferError before anything was written */
  get engine(): Engine {
    if (this.#engine) return this.#engine;
    throw new TransferError('no-sequence', 'Nothing has been written here yet; write a text first.');
  }

  /** @throws WishError, GpuOutOfMemoryError */
  async open(cache: MoveCache, tokens: number): Promise<Engine> {
    const settings = settingsOf(this.#context, cache, tokens);
    const key = JSON.stringify(settings);
    if (this.#engine && key === this.#key) return this.#engine;
    this.destroy();
    this.#engine = await createEngine(this.#context.gpu, this.#context.model, settings, this.#context);
    this.#key = key;
    return this.#engine;
  }

  /** Lets go of a sequence; its prefix stays cached. */
  async clear(row: number | null): Promise<void> {
    const engine = this.#engine;
    if (!engine || row === null) return;
    engine.cancel(row);
    while (await engine.step());
  }

  sequence(row: number): MovedSequence {
    return movedSequence(this.engine.inside.book.state(row));
  }

  /** @throws TransferError where KV is another model's */
  checkModel(theirs: ModelIdentity): Promise<void> {
    return checkModel(this.#context, theirs);
  }

  destroy(): void {
    this.#engine?.destroy();
    this.#engine = null;
    this.#key = '';
  }
}

/** Settings of an engine for one sequence of so many tokens, and some that it has cached. */
export function settingsOf({ model, facts }: HomeContext, cache: MoveCache, tokens: number) {
  const wish = {
    ...cache,
    // int2 keeps newest tokens apart, so its blocks can't be shared.
    prefixCaching: cache.kvFormat !== 'int2',
    layout: 'paged',
    tier: 'auto',
    eviction: { policy: 'none', budgetTokens: 0 },
    numBlocks: null,
  } as const;
  const room = { isFallback: facts.isFallback, poolBytes: facts.poolBytes };
  return engineSettings(model.config, wish, { sequences: WARM_SEQUENCES, tokens }, room);
}
