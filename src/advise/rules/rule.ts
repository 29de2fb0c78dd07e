/** What a rule is: it looks at a run and, where it finds evidence, proposes changes that a trial then has to prove. */
import type { Json } from '../../core/json.ts';
import type { Quantity } from '../../core/metrics/serving/compare.ts';
import type { Evidence, RuleId } from '../types.ts';
import type { Facts, Subject } from '../subject/subject.ts';

export interface Variant {
  /** Settings of the simulator's scenario. */
  readonly settings: Readonly<Record<string, Json>>;
  /** What to do, in one sentence. */
  readonly title: string;
}

export interface Proposal {
  readonly evidence: readonly Evidence[];
  readonly why: string;
  readonly variants: readonly Variant[];
  /** What it is for: one of these has to be better. */
  readonly aims: readonly Quantity[];
  /**
   * `improves`: an aim is clearly better and nothing else clearly worse. `spares`: nothing is clearly worse, or all
   * objectives are still kept; what it spares is no latency.
   */
  readonly kind: 'improves' | 'spares';
  /** Least change of an aim that is worth the trouble; 0.05 unless told. */
  readonly least?: number;
  /** Less than 1 where it costs hardware. */
  readonly weight?: number;
  /** A harm is one even where all objectives are kept. */
  readonly noExcuse?: boolean;
  /** Quantities that it may cost, because the load is another: they are said, and held against nobody. */
  readonly mayCost?: readonly Quantity[];
}

export type Proposed = Proposal | { readonly silent: string };

export interface AdviceRule {
  readonly id: RuleId;
  readonly propose: (subject: Subject) => Proposed;
}

export function isProposal(proposed: Proposed): proposed is Proposal {
  return 'evidence' in proposed;
}

export function silent(sentence: string): { readonly silent: string } {
  return { silent: sentence };
}

export function evidenceOf(
  { facts }: Pick<Subject, 'facts'>,
  figure: string,
  value: number,
  unit: string,
  sentence: string,
): Evidence {
  return { figure, value, unit, origin: facts.origin, sentence };
}

export function percent(share: number): string {
  const size = 100 * share;
  return `${size < 10 ? Number(size.toPrecision(2)) : Math.round(size)} %`;
}

export function number(value: number): string {
  return String(Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3)));
}

const KEPT = 0.99;

/** Whether an objective leaves nothing to wish: it is set, and 99 % of the requests keep it. */
export function isKept({ within }: Facts, objective: keyof Facts['within']): boolean {
  const share = within[objective];
  return share !== null && share >= KEPT;
}

/** Requests that lost their blocks, or a pool that was full while others waited. */
export function isShortOfKv({ preemptions, requests, peakKvUse, waitingShare }: Facts): boolean {
  const preempted = preemptions !== null && requests !== null && preemptions > 0.01 * requests;
  return preempted || (peakKvUse !== null && peakKvUse >= 0.98 && (waitingShare ?? 0) >= 0.1);
}

/** What shows that memory is short. */
export function shortageEvidence(subject: Subject): Evidence[] {
  const { preemptions, requests, recomputedTokens, peakKvUse, meanKvUse, waitingShare } = subject.facts;
  const found: Evidence[] = [];
  if (preemptions !== null && preemptions > 0) {
    const lost = recomputedTokens ? `, and ${number(recomputedTokens)} tokens were computed again` : '';
    found.push(
      evidenceOf(
        subject,
        'Preemptions',
        preemptions,
        '',
        `${number(preemptions)} preemptions among ${number(requests ?? 0)} requests${lost}.`,
      ),
    );
  }
  if (peakKvUse !== null) {
    const average = meanKvUse === null ? '' : `, ${percent(meanKvUse)} on average`;
    found.push(
      evidenceOf(
        subject,
        'Peak KV use',
        peakKvUse,
        'share',
        `At most ${percent(peakKvUse)} of the KV blocks were in use${average}.`,
      ),
    );
  }
  if (waitingShare !== null && waitingShare > 0.01) {
    found.push(
      evidenceOf(
        subject,
        'Time with a queue',
        waitingShare,
        'share',
        `Somebody waited for ${percent(waitingShare)} of the time.`,
      ),
    );
  }
  return found;
}
