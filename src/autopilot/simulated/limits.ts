/** The limits of the simulated engine while it runs: what actions move, and what the scheduler asks in each step. */
import type { KvLimits } from '../../core/run/autopilot.ts';
import type { KvAction } from '../../core/scenario/autopilot/action.ts';
import type { SimEngine } from '../../core/scenario/simulate/schema.ts';
import type { LiveLimits } from '../../core/schedule/vllm-config.ts';

export type LimitAction = Exclude<KvAction, { sequence: string }>;

export class MovedLimits implements LiveLimits {
  readonly maxChunks: number;
  #now: KvLimits;
  #use: () => number;

  /** @param use of the KV budget, 0…1 @param requests of the whole run: no more can ever run at once */
  constructor(engine: SimEngine, requests: number, use: () => number) {
    this.#now = {
      maxSequences: engine.maxSequences,
      tokenBudget: engine.tokenBudget,
      admissionBelowUse: 1,
      prefixCacheBlocks: null,
    };
    this.maxChunks = Math.max(engine.maxSequences, requests);
    this.#use = use;
  }

  get now(): KvLimits {
    return { ...this.#now };
  }

  set now(limits: KvLimits) {
    this.#now = { ...limits };
  }

  get tokenBudget(): number {
    return this.#now.tokenBudget;
  }

  get maxSequences(): number {
    return this.#now.maxSequences;
  }

  readonly admits = (): boolean =>
    this.#now.admissionBelowUse >= 1 || this.#use() < this.#now.admissionBelowUse;

  /** The limits after an action. */
  after(action: LimitAction): KvLimits {
    switch (action.kind) {
      case 'prefixCache':
        return { ...this.#now, prefixCacheBlocks: action.blocks };
      case 'concurrency':
        return { ...this.#now, maxSequences: action.maxSequences };
      case 'admission':
        return { ...this.#now, admissionBelowUse: action.belowUse };
      case 'chunk':
        return { ...this.#now, tokenBudget: action.tokenBudget };
      default:
        return action satisfies never;
    }
  }

  /** Why an action would change nothing or too much; null: it can be done. */
  refusal(action: LimitAction, prefixCaching: boolean, numBlocks: number): string | null {
    if (action.kind === 'prefixCache' && !prefixCaching)
      return 'The engine has no prefix cache; set simulation.engine.prefixCache to hash to limit one.';
    if (action.kind === 'prefixCache' && (action.blocks ?? 0) > numBlocks)
      return `prefixCache asks for ${action.blocks} blocks of ${numBlocks}; ask for ${numBlocks} or fewer.`;
    if (action.kind === 'concurrency' && action.maxSequences > this.maxChunks)
      return `concurrency asks for ${action.maxSequences} sequences; ${this.maxChunks} is the most that can ever run here.`;
    const [a, b] = [this.after(action), this.#now];
    const isSame =
      a.maxSequences === b.maxSequences &&
      a.tokenBudget === b.tokenBudget &&
      a.admissionBelowUse === b.admissionBelowUse &&
      a.prefixCacheBlocks === b.prefixCacheBlocks;
    return isSame ? `${action.kind} stands there already; choose another value.` : null;
  }

  text(): string {
    const { maxSequences, tokenBudget, admissionBelowUse, prefixCacheBlocks } = this.#now;
    return `limits ${maxSequences} ${tokenBudget} ${admissionBelowUse} ${prefixCacheBlocks ?? 'all'}`;
  }
}
