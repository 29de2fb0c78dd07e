/** One rule against one run: its variants are tried, and the best that proves itself is the recommendation. */
import { log } from '../core/math.ts';
import { LATENCIES, type PairedComparison, type Quantity } from '../core/metrics/serving/compare.ts';
import type { SimPoint } from '../core/run/simulation.ts';
import type { QualityRun } from '../core/run/schema.ts';
import { riskOf } from './risk.ts';
import { isProposal, type AdviceRule, type Proposal, type Variant } from './rules/rule.ts';
import type { Subject } from './subject/subject.ts';
import { changed, type Trials } from './trial.ts';
import type { Considered, Effect, Recommendation } from './types.ts';

/** What no advice may make clearly worse; and what is told beside the aim. */
const WATCHED: readonly Quantity[] = [
  'ttftMs.p99',
  'itlMs.p99',
  'e2eMs.p99',
  'outputTokensPerSecond',
  'goodput',
  'prefixHitRatio',
];
/** Worse by more is a harm; a rate is dearer than a tail. */
const MOST_HARM: Readonly<Partial<Record<Quantity, number>>> = { outputTokensPerSecond: 0.03, goodput: 0.03 };
const MOST_TAIL_HARM = 0.1;
const OUTWEIGHS = 3;
const MOST_SPARED_HARM = 0.03;
const LEAST = 0.05;
const KEPT = 0.99;
/** What spares memory or quality weighs less than what makes somebody wait less. */
const SPARING_WEIGHT = 0.1;
/** Variants that get a trial of all seeds. */
const MOST_TRIED = 2;
/** Of the best gain: a smaller change that brings so much is preferred. */
const ABOUT_AS_GOOD = 0.85;

interface Tried {
  readonly variant: Variant;
  readonly scenario: Subject['scenario'];
  readonly aim: PairedComparison;
  readonly others: readonly PairedComparison[];
  readonly score: number;
}

function attainment({ repetitions }: SimPoint): number | null {
  const shares = repetitions.flatMap(({ summary }) => summary.attainment ?? []);
  return shares.length === 0 ? null : shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

function isLatency(quantity: Quantity): boolean {
  return LATENCIES.some((name) => quantity.startsWith(name));
}

/** Worse with an interval that excludes no change, by more than is borne. */
function harm({ verdict, change }: PairedComparison): number {
  return verdict === 'worse' && change !== null ? Math.abs(change) : 0;
}

/**
 * A rate that falls is a harm always; a tail that rises is one unless what is won outweighs it three times over, and then it
 * is said beside it.
 */
function isHarmed(comparison: PairedComparison, proposal: Proposal, gain: number): boolean {
  if ((proposal.mayCost ?? []).includes(comparison.quantity)) return false;
  const size = harm(comparison);
  if (proposal.kind === 'spares') return size > MOST_SPARED_HARM;
  const most = MOST_HARM[comparison.quantity];
  if (most !== undefined) return size > most;
  return size > MOST_TAIL_HARM && OUTWEIGHS * -gainOf(comparison) > gain;
}

/** How much better, so that a halved latency and a doubled rate weigh the same. */
function gainOf({ quantity, change }: PairedComparison): number {
  const ratio = Math.max(1e-3, 1 + (change ?? 0));
  return isLatency(quantity) ? -log(ratio) : log(ratio);
}

function improved(comparisons: readonly PairedComparison[], least: number): PairedComparison | null {
  const better = comparisons.filter(
    ({ verdict, change }) => verdict === 'better' && Math.abs(change ?? 0) >= least,
  );
  return better.reduce<PairedComparison | null>(
    (best, one) => (best === null || gainOf(one) > gainOf(best) ? one : best),
    null,
  );
}

function judged(
  proposal: Proposal,
  variant: Variant,
  scenario: Subject['scenario'],
  a: SimPoint,
  b: SimPoint,
  trials: Trials,
): Tried | null {
  const aims = proposal.aims.map((quantity) => trials.compare(a, b, quantity));
  const others = WATCHED.map((quantity) => trials.compare(a, b, quantity));
  const [before, after] = [attainment(a), attainment(b)];
  const kept = before !== null && after !== null && after >= KEPT && after >= before - 0.005;
  const excused = kept && proposal.noExcuse !== true;
  const gain = aims.reduce((most, one) => Math.max(most, gainOf(one)), 0);
  const harmed = others.some((one) => isHarmed(one, proposal, gain)) && !excused;
  if (harmed) return null;
  if (proposal.kind === 'spares') {
    const [aim] = aims;
    return aim === undefined ? null : { variant, scenario, aim, others, score: SPARING_WEIGHT };
  }
  const aim = improved(aims, proposal.least ?? LEAST);
  if (aim === null) return null;
  const gained = before === null || after === null ? 0 : 2 * Math.max(0, after - before);
  return { variant, scenario, aim, others, score: (proposal.weight ?? 1) * (gainOf(aim) + gained) };
}

function effectOf(comparison: PairedComparison): Effect {
  const { quantity, name, unit, a, b, change, interval, verdict, sentence } = comparison;
  const said = `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`;
  return { quantity, name, unit, a, b, change, interval, verdict, origin: 'simulated', sentence: said };
}

/** The aim, then whatever clearly moved. */
function effectsOf({ aim, others }: Tried): Effect[] {
  const moved = others.filter(
    ({ quantity, verdict, change }) =>
      quantity !== aim.quantity &&
      (verdict === 'better' || verdict === 'worse') &&
      Math.abs(change ?? 0) >= 0.01,
  );
  return [aim, ...moved].map(effectOf);
}

function recommended(
  id: AdviceRule['id'],
  subject: Subject,
  proposal: Proposal,
  tried: Tried,
  trials: Trials,
  quality: readonly QualityRun[],
): Recommendation {
  const own = Object.entries(tried.variant.settings)
    .map(([path, to]) => subject.own(path, to))
    .filter(({ from, to }) => JSON.stringify(from) !== JSON.stringify(to));
  return {
    id,
    title: tried.variant.title,
    why: proposal.why,
    evidence: proposal.evidence,
    changes: own.map(({ path, from, to, flag }) => ({ path, from, to, flag })),
    assignments: own.flatMap(({ assignment }) => assignment ?? []),
    effects: effectsOf(tried),
    risk: riskOf(subject.scenario, tried.scenario, tried.variant.settings, quality),
    trial: trials.sides(subject.scenario, tried.scenario),
    score: tried.score,
  };
}

interface Screened {
  readonly variant: Variant;
  readonly scenario: Subject['scenario'];
}

/**
 * Variants in the order in which they are worth a whole trial, by one seed each: what looks no better is left out, and of
 * those that are about as good the first stands first, being the smaller change.
 */
async function screen(
  proposal: Proposal,
  { scenario }: Subject,
  trials: Trials,
  a: SimPoint,
  pause: () => Promise<void>,
): Promise<Screened[]> {
  const looks: (Screened & { readonly gain: number })[] = [];
  for (const variant of proposal.variants) {
    await pause();
    const next = changed(scenario, variant.settings);
    const b = next === null ? null : proposal.variants.length === 1 ? a : trials.glance(next);
    if (next === null || b === null) continue;
    const gains = proposal.aims.map((quantity) => gainOf(trials.compare(a, b, quantity)));
    looks.push({
      variant,
      scenario: next,
      gain: gains.reduce((most, gain) => Math.max(most, gain), -Infinity),
    });
  }
  if (proposal.kind === 'spares' || looks.length < 2) return looks;
  const promising = looks.filter(({ gain }) => gain > 0);
  const most = promising.reduce((best, { gain }) => Math.max(best, gain), 0);
  const about = (gain: number): number => (gain >= ABOUT_AS_GOOD * most ? most : gain);
  return promising.sort((x, y) => about(y.gain) - about(x.gain));
}

export interface Verdict {
  readonly considered: Considered;
  readonly recommendation: Recommendation | null;
}

/** @param pause called before each trial */
export async function consider(
  rule: AdviceRule,
  subject: Subject,
  trials: Trials,
  quality: readonly QualityRun[],
  pause: () => Promise<void>,
): Promise<Verdict> {
  const { id } = rule;
  const proposal = rule.propose(subject);
  if (!isProposal(proposal))
    return { considered: { id, outcome: 'no evidence', sentence: proposal.silent }, recommendation: null };
  const a = trials.point(subject.scenario);
  if (a === null) {
    const sentence = 'The run can’t be simulated, so nothing can be tried.';
    return { considered: { id, outcome: 'not applicable', sentence }, recommendation: null };
  }
  const screened = await screen(proposal, subject, trials, a, pause);
  let best: Tried | null = null;
  for (const { variant, scenario } of screened.slice(0, MOST_TRIED)) {
    await pause();
    const b = trials.point(scenario);
    best = b === null ? null : judged(proposal, variant, scenario, a, b, trials);
    if (best !== null) break;
  }
  if (best === null) {
    const sentence = `${proposal.evidence[0]?.sentence ?? ''} But none of ${proposal.variants.length} changes proved clearly better in the trial.`;
    return { considered: { id, outcome: 'no gain', sentence: sentence.trim() }, recommendation: null };
  }
  const recommendation = recommended(id, subject, proposal, best, trials, quality);
  return { considered: { id, outcome: 'recommended', sentence: recommendation.title }, recommendation };
}
