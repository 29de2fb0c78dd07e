/**
 * A cache that is acted on by hand: the book of a scenario's KV budget and tiers, with no clock and no load. What a script
 * or a person asks for is done or refused at once, and every answer says what it did.
 *
 * Limits mean here what they mean to an engine, without its time: `concurrency` and `admission` are asked when a sequence
 * is submitted, `chunk` says in how many steps its prompt is computed, `prefixCache` how many blocks of finished sequences
 * stay for one that comes again under the same name. Those blocks are in nobody's way: they go when there is no room.
 *
 * Boundary: counts. The same actions on a running engine are the plants'.
 */
import type { AutopilotCounters, KvLimits, SequenceState } from '../../core/run/autopilot.ts';
import type { KVTier } from '../../core/kv/kv-pool-types.ts';
import type { ActCommand, KvAction } from '../../core/scenario/autopilot/action.ts';
import { KvBook, type BookShape } from '../book/book.ts';
import { digestOf } from '../book/digest.ts';
import { tokensOf } from '../book/parts.ts';
import type { RangeAction } from '../book/range.ts';
import { ActionError } from '../plant.ts';
import { IdleCache } from './idle-cache.ts';

export interface BenchShape extends BookShape {
  readonly blockSize: number;
  /** Blocks of the GPU's KV budget. */
  readonly numBlocks: number;
  readonly limits: KvLimits;
}

/** What the cache holds. */
export interface ActReport {
  readonly kvUse: number;
  readonly kvBytes: number;
  readonly kvBudgetBytes: number;
  readonly tierBytes: Readonly<Partial<Record<KVTier, number>>>;
  readonly cachedBlocks: number;
  readonly sequences: readonly SequenceState[];
  readonly limits: KvLimits;
  readonly counters: AutopilotCounters;
  /** Of tables, formats, tiers and limits. */
  readonly digest: string;
}

export interface ActAnswer {
  /** Place in the script, from 1. */
  readonly line: number;
  readonly command: ActCommand;
  readonly ok: boolean;
  /** What was done, or why it was not. */
  readonly sentence: string;
  readonly tokens: number;
  readonly freedBytes: number;
  readonly kvUse: number;
  readonly report: ActReport | null;
}

type Done = Pick<ActAnswer, 'sentence' | 'tokens' | 'freedBytes'> & { readonly report?: ActReport };
type Handlers = {
  readonly [K in ActCommand['kind']]: (command: Extract<ActCommand, { kind: K }>) => Done;
};

const COUNTED = {
  evict: 'tokensEvicted',
  quantize: 'tokensQuantized',
  offload: 'tokensOffloaded',
  fetch: 'tokensFetched',
} as const;

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function noCounters(): AutopilotCounters {
  return {
    tokensEvicted: 0,
    tokensQuantized: 0,
    tokensOffloaded: 0,
    tokensFetched: 0,
    reuseHits: 0,
    reuseMisses: 0,
    applies: 0,
    rollbacks: 0,
  };
}

export class ActBench {
  readonly book: KvBook;
  readonly #shape: BenchShape;
  readonly #blockBytes: number;
  #limits: KvLimits;
  #idle = new IdleCache();
  #counters = noCounters();
  #lines = 0;

  constructor(shape: BenchShape) {
    this.#shape = shape;
    this.book = new KvBook(shape);
    this.#blockBytes = this.book.bytesPerToken(shape.native) * shape.blockSize;
    this.#limits = { ...shape.limits };
  }

  get kvUse(): number {
    return this.book.bytes('hbm') / (this.#shape.numBlocks * this.#blockBytes);
  }

  /** Does one command, or says why not; nothing has changed then. */
  do(command: ActCommand): ActAnswer {
    const line = ++this.#lines;
    const answer = (ok: boolean, done: Done): ActAnswer => {
      this.#idle.trim(this.#idleRoom());
      const { sentence, tokens, freedBytes, report = null } = done;
      return { line, command, ok, sentence, tokens, freedBytes, kvUse: this.kvUse, report };
    };
    try {
      return answer(true, this.#handle(command));
    } catch (error) {
      if (!(error instanceof ActionError)) throw error;
      return answer(false, { sentence: error.message, tokens: 0, freedBytes: 0 });
    }
  }

  report(): ActReport {
    const tiers = Object.keys(this.#shape.capacity) as KVTier[];
    return {
      kvUse: this.kvUse,
      kvBytes: this.book.bytes('hbm'),
      kvBudgetBytes: this.#shape.numBlocks * this.#blockBytes,
      tierBytes: Object.fromEntries(tiers.map((tier) => [tier, this.book.bytes(tier)])),
      cachedBlocks: this.#idle.blocks,
      sequences: this.book.names().map((name) => this.book.state(name)),
      limits: { ...this.#limits },
      counters: { ...this.#counters },
      digest: digestOf(`${JSON.stringify(this.#limits)}\n${this.book.text()}`),
    };
  }

  #handle(command: ActCommand): Done {
    const handlers: Handlers = {
      submit: (own) => this.#submit(own),
      finish: ({ sequence }) => this.#finish(sequence),
      report: ({ label }) => ({
        sentence: label ?? 'What the cache holds.',
        tokens: 0,
        freedBytes: 0,
        report: this.report(),
      }),
      reset: () => this.#reset(),
      quantize: (own) => this.#range(own),
      evict: (own) => this.#range(own),
      offload: (own) => this.#range(own),
      fetch: (own) => this.#range(own),
      prefixCache: (own) => this.#limit(own),
      concurrency: (own) => this.#limit(own),
      admission: (own) => this.#limit(own),
      chunk: (own) => this.#limit(own),
    };
    const handle = handlers[command.kind] as (own: ActCommand) => Done;
    return handle(command);
  }

  #submit({ sequence, tokens, pinned = false }: Extract<ActCommand, { kind: 'submit' }>): Done {
    const { maxSequences, admissionBelowUse, tokenBudget } = this.#limits;
    if (this.book.size >= maxSequences) {
      throw new ActionError(
        `${this.book.size} sequences run and maxSequences is ${maxSequences}; finish one, or raise concurrency.`,
      );
    }
    if (admissionBelowUse < 1 && this.kvUse >= admissionBelowUse) {
      throw new ActionError(
        `KV use is ${percent(this.kvUse)}, and sequences start below ${percent(admissionBelowUse)}; make room, or raise admission.`,
      );
    }
    this.book.submit(sequence, tokens, { pinned });
    const found = Math.min(tokens, this.#idle.take(sequence) * this.#shape.blockSize);
    this.#counters.reuseHits += found;
    this.#counters.reuseMisses += tokens - found;
    const steps = Math.ceil((tokens - found) / tokenBudget);
    const cached = found > 0 ? `${found} of them found in the prefix cache, the rest` : 'computed';
    const words = `${sequence} has ${tokens} tokens, ${cached} in ${steps} ${steps === 1 ? 'step' : 'steps'} of at most ${tokenBudget}.`;
    return { sentence: words, tokens, freedBytes: -tokens * this.book.bytesPerToken(this.#shape.native) };
  }

  #finish(sequence: string): Done {
    if (!this.book.has(sequence))
      throw new ActionError(
        `There is no sequence ${sequence}; there is ${this.book.names().join(', ') || 'none'}.`,
      );
    const { gpuBytes, tokens } = this.book.state(sequence);
    const [first] = this.book.parts(sequence);
    const isWhole = first?.from === 0 && first.tier === 'hbm' && first.format === this.#shape.native;
    const blocks = isWhole ? Math.floor(first.to / this.#shape.blockSize) : 0;
    this.book.finish(sequence);
    this.#idle.put(sequence, blocks);
    this.#idle.trim(this.#idleRoom());
    return { sentence: `${sequence} ended with ${tokens} tokens.`, tokens, freedBytes: gpuBytes };
  }

  #reset(): Done {
    const freedBytes = this.book.bytes('hbm');
    this.book.clear();
    this.#idle = new IdleCache();
    this.#counters = noCounters();
    this.#limits = { ...this.#shape.limits };
    return { sentence: 'The cache is empty, and its limits are the scenario’s.', tokens: 0, freedBytes };
  }

  #range(action: RangeAction): Done {
    const { tokens, freesBytes } = this.book.apply(action);
    this.#counters.applies++;
    this.#counters[COUNTED[action.kind]] += tokens;
    const left = tokensOf(this.book.parts(action.sequence));
    const words = `${action.kind}: ${tokens} of the tokens ${action.from}–${action.to} of ${action.sequence}, which holds ${left} now.`;
    return { sentence: words, tokens, freedBytes: freesBytes };
  }

  #limit(action: Exclude<KvAction, RangeAction>): Done {
    const before = this.#limits;
    this.#limits = moved(before, action);
    this.#counters.applies++;
    const [field] = Object.keys(before).filter((key) => this.#differs(before, key as keyof KvLimits));
    const words =
      field === undefined
        ? `${action.kind} stands there already.`
        : `${field} is ${String(this.#limits[field as keyof KvLimits])} now.`;
    return { sentence: words, tokens: 0, freedBytes: 0 };
  }

  #differs(before: KvLimits, field: keyof KvLimits): boolean {
    return before[field] !== this.#limits[field];
  }

  /** Blocks that finished sequences may hold. */
  #idleRoom(): number {
    const free = Math.floor(this.book.freeBytes('hbm') / this.#blockBytes);
    return Math.min(free, this.#limits.prefixCacheBlocks ?? free);
  }
}

function moved(limits: KvLimits, action: Exclude<KvAction, RangeAction>): KvLimits {
  switch (action.kind) {
    case 'prefixCache':
      return { ...limits, prefixCacheBlocks: action.blocks };
    case 'concurrency':
      return { ...limits, maxSequences: action.maxSequences };
    case 'admission':
      return { ...limits, admissionBelowUse: action.belowUse };
    case 'chunk':
      return { ...limits, tokenBudget: action.tokenBudget };
    default:
      return action satisfies never;
  }
}
