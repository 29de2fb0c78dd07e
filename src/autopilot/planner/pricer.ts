/**
 * What a step would free on a segment, by the plant's prices.
 *
 * A plant frees whole blocks, so prices of short ranges do not add up to that of the long one they make. Bytes of a token
 * are therefore those of the whole part, times the tokens of the segment that the plant would really change: tokens in
 * blocks that others share are not. What a finished choice frees is asked again, as it stands.
 */
import { actionOf, type Step } from './methods.ts';
import type { Segment } from './segments.ts';
import type { PlanView } from './view.ts';

export interface Choice {
  readonly segment: Segment;
  readonly step: Step;
  readonly freesBytes: number;
  readonly movedBytes: number;
}

/** What an attention sink loses, every later token loses: eviction leaves the first block. Xiao et al., arXiv:2309.17453. */
function withoutSink(segment: Segment, step: Step, block: number): Segment | null {
  if (step.method.kind !== 'evict' || segment.from >= block) return segment;
  return segment.to > block ? { ...segment, from: block } : null;
}

export class Pricer {
  readonly #view: PlanView;
  readonly #known = new Map<Step, Map<Segment, Choice | null>>();
  readonly #perToken = new Map<Step, Map<number, number | null>>();

  constructor(view: PlanView) {
    this.#view = view;
  }

  /** An estimate for a segment as it was cut, asked of the plant once. */
  estimate(segment: Segment, step: Step): Choice | null {
    const known = this.#known.get(step) ?? new Map<Segment, Choice | null>();
    this.#known.set(step, known);
    let choice = known.get(segment);
    if (choice === undefined) known.set(segment, (choice = this.ask(segment, step)));
    return choice;
  }

  /** An estimate for any range of a segment; null: it can't be done, or changes nothing. */
  ask(segment: Segment, step: Step): Choice | null {
    const span = withoutSink(segment, step, this.#view.blockTokens);
    if (span === null) return null;
    const priced = this.#view.price(actionOf(step.method, span.sequence, span.from, span.to));
    if (!priced.ok) return null;
    const perToken = this.#bytesPerToken(span, step);
    const freesBytes = perToken === null ? priced.freesBytes : perToken * priced.tokens;
    return { segment: span, step, freesBytes, movedBytes: movedBytes(step, priced.movedBytes) };
  }

  /** As the plant would do it by itself; null: it can't be done, or frees nothing. */
  exact({ segment, step }: Choice): Choice | null {
    const priced = this.#view.price(actionOf(step.method, segment.sequence, segment.from, segment.to));
    if (!priced.ok || priced.freesBytes <= 0) return null;
    return { segment, step, freesBytes: priced.freesBytes, movedBytes: movedBytes(step, priced.movedBytes) };
  }

  /** Null where the whole part can't be priced: it may not fit where a piece of it does. */
  #bytesPerToken({ sequence, part, partFrom, partTo }: Segment, step: Step): number | null {
    const known = this.#perToken.get(step) ?? new Map<number, number | null>();
    this.#perToken.set(step, known);
    let bytes = known.get(part);
    if (bytes === undefined) {
      const priced = this.#view.price(actionOf(step.method, sequence, partFrom, partTo));
      bytes = priced.ok && priced.tokens > 0 ? priced.freesBytes / priced.tokens : null;
      known.set(part, bytes);
    }
    return bytes;
  }
}

/** Of a link: what is rewritten where it lies needs none. */
function movedBytes(step: Step, bytes: number): number {
  return step.method.kind === 'offload' ? bytes : 0;
}
