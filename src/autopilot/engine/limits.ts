/**
 * The limits of a running engine that actions move: sequences, tokens of a step, admission, prefix cache. They stay within
 * what the engine's buffers were made for.
 */
import type { KvLimits } from '../../core/run/autopilot.ts';
import type { LiveLimits } from '../../core/schedule/vllm-config.ts';
import type { KvAction } from '../../core/scenario/autopilot/action.ts';
import type { EngineSettings } from '../../engine/engine-types.ts';
import type { Priced } from '../plant.ts';

export type LimitAction = Exclude<KvAction, { sequence: string }>;

type Sizes = Pick<EngineSettings, 'maxSequences' | 'tokenBudget' | 'prefixCaching'>;

const refuse = (sentence: string): Priced => ({ ok: false, sentence });
const FREE: Priced = { ok: true, freesBytes: 0, tokens: 0, movedBytes: 0 };

export class EngineLimits implements LiveLimits {
  readonly maxChunks: number;
  readonly #sizes: Sizes;
  readonly #use: () => number;
  #now: KvLimits;

  /** @param use share of the KV budget that is in use */
  constructor(sizes: Sizes, use: () => number) {
    this.#sizes = sizes;
    this.#use = use;
    this.maxChunks = Math.min(sizes.tokenBudget, sizes.maxSequences);
    this.#now = {
      maxSequences: sizes.maxSequences,
      tokenBudget: sizes.tokenBudget,
      admissionBelowUse: 1,
      prefixCacheBlocks: null,
    };
  }

  get maxSequences(): number {
    return this.#now.maxSequences;
  }

  get tokenBudget(): number {
    return this.#now.tokenBudget;
  }

  readonly admits = (): boolean => {
    const { admissionBelowUse } = this.#now;
    return admissionBelowUse >= 1 || this.#use() < admissionBelowUse;
  };

  get now(): KvLimits {
    return { ...this.#now };
  }

  price(action: LimitAction): Priced {
    const { maxSequences, tokenBudget, prefixCaching } = this.#sizes;
    const now = this.#now;
    switch (action.kind) {
      case 'concurrency':
        if (action.maxSequences > maxSequences)
          return refuse(
            `This engine has buffers for ${maxSequences} sequences; ${action.maxSequences} were asked for. Ask for ${maxSequences} at most.`,
          );
        return action.maxSequences > now.tokenBudget
          ? refuse(tooFewTokens(now.tokenBudget, action.maxSequences, now.tokenBudget))
          : FREE;
      case 'chunk':
        if (action.tokenBudget > tokenBudget)
          return refuse(
            `This engine has buffers for steps of ${tokenBudget} tokens; ${action.tokenBudget} were asked for. Ask for ${tokenBudget} at most.`,
          );
        return action.tokenBudget < now.maxSequences
          ? refuse(tooFewTokens(action.tokenBudget, now.maxSequences, now.maxSequences))
          : FREE;
      case 'prefixCache':
        return prefixCaching
          ? FREE
          : refuse('This engine runs without a prefix cache; set serving.engine.prefixCaching to true.');
      case 'admission':
        return FREE;
      default:
        return action satisfies never;
    }
  }

  /** @returns the limits before */
  apply(action: LimitAction): KvLimits {
    const before = this.now;
    switch (action.kind) {
      case 'concurrency':
        this.#now = { ...before, maxSequences: action.maxSequences };
        return before;
      case 'chunk':
        this.#now = { ...before, tokenBudget: action.tokenBudget };
        return before;
      case 'prefixCache':
        this.#now = { ...before, prefixCacheBlocks: action.blocks };
        return before;
      case 'admission':
        this.#now = { ...before, admissionBelowUse: action.belowUse };
        return before;
      default:
        return action satisfies never;
    }
  }

  /** Takes one action back: the one limit that it moved. */
  undo({ kind }: LimitAction, before: KvLimits): void {
    const { maxSequences, tokenBudget, prefixCacheBlocks, admissionBelowUse } = before;
    const moved: Record<LimitAction['kind'], Partial<KvLimits>> = {
      concurrency: { maxSequences },
      chunk: { tokenBudget },
      prefixCache: { prefixCacheBlocks },
      admission: { admissionBelowUse },
    };
    this.#now = { ...this.#now, ...moved[kind] };
  }
}

function tooFewTokens(tokens: number, sequences: number, nearest: number): string {
  return `A step of ${tokens} tokens is too short for ${sequences} sequences, which decode one token each; ask for ${nearest}.`;
}
