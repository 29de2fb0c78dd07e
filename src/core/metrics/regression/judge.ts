/** Rules held against a run and its baseline, point by point: broken, kept, not shown, or not to be told by these samples. */
import { formatPercent, formatQuantity } from './words.ts';
import { createRandom, type Random } from '../../random.ts';
import type { Interval } from '../intervals.ts';
import { boundQuantity, percentWords, type Bounded } from './bounds.ts';
import { judgeObjectives, type ObjectiveVerdict } from './objectives.ts';
import { quantityName } from './quantity.ts';
import type { CheckRule, Rule } from './rule.ts';
import { pointKey, pointWords, type SampledPoint, type SampledRun } from './sampled.ts';

export type RuleVerdict =
  /** Beyond the limit with the confidence that was asked: a build stops here. */
  | 'broken'
  /** Within the limit with that confidence. */
  | 'kept'
  /** Neither is shown: the interval lies on both sides of the limit. */
  | 'not shown'
  /** The samples can't tell at all. */
  | 'refused';

export interface RuleResult {
  readonly rule: string;
  /** Settings of the point; empty where there is only one. */
  readonly point: string;
  /** What is compared, such as `p99 TTFT`. */
  readonly name: string;
  readonly verdict: RuleVerdict;
  readonly baseline: number | null;
  readonly value: number | null;
  /** Of what the rule limits: a share of the baseline, a difference, or the value itself. */
  readonly change: number | null;
  readonly bounds: Interval | null;
  readonly limit: number | null;
  readonly confidence: number | null;
  readonly sentence: string;
}

export interface Judgement {
  /** `no-go` where a rule is broken, `refused` where none is and one can't be told, else `go`. */
  readonly outcome: 'go' | 'no-go' | 'refused';
  readonly rules: readonly RuleResult[];
}

interface Pairing {
  readonly point: SampledPoint;
  readonly baseline: SampledPoint | null;
}

/** Points with repetitions, each beside the one with equal settings; two runs of one point each are a pair as they are. */
function pairingsOf(run: SampledRun, baseline: SampledRun | null): Pairing[] {
  const done = (side: SampledRun) => side.points.filter(({ repetitions }) => repetitions.length > 0);
  const [points, others] = [done(run), baseline === null ? [] : done(baseline)];
  const single = points.length === 1 && others.length === 1;
  const known = new Map(others.map((point) => [pointKey(point), point]));
  return points.map((point) => ({
    point,
    baseline: single ? (others[0] ?? null) : (known.get(pointKey(point)) ?? null),
  }));
}

function nothing(rule: string, name: string, point: string, sentence: string): RuleResult {
  return {
    ...{ rule, name, point, sentence, verdict: 'refused' },
    ...{ baseline: null, value: null, change: null, bounds: null, limit: null, confidence: null },
  };
}

function verdictOf({ direction, limit }: CheckRule, { low, high }: Interval): RuleVerdict {
  if (direction === 'above' ? low > limit : high < limit) return 'broken';
  return (direction === 'above' ? high <= limit : low >= limit) ? 'kept' : 'not shown';
}

function amountWords(rule: CheckRule, value: number): string {
  return rule.against === 'relative' ? formatPercent(value) : formatQuantity(rule.quantity, value);
}

function sentenceOf(rule: CheckRule, found: Bounded, verdict: RuleVerdict, confidence: number): string {
  const name = quantityName(rule.quantity);
  const { a, b, value, bounds, over, paired, samples } = found;
  const size = amountWords(rule, rule.against === 'level' ? value : Math.abs(value));
  const said =
    rule.against === 'level'
      ? `${name} is ${size}`
      : value === 0
        ? `${name} is as it was`
        : `${name} is ${size} ${value > 0 ? 'higher' : 'lower'} than the baseline’s (${formatQuantity(rule.quantity, a ?? 0)} → ${formatQuantity(rule.quantity, b)})`;
  const above = rule.direction === 'above';
  const bound = amountWords(rule, above ? bounds.low : bounds.high);
  const other = amountWords(rule, above ? bounds.high : bounds.low);
  const limit = amountWords(rule, rule.limit);
  const least = above ? 'at least' : 'at most';
  const most = above ? 'at most' : 'at least';
  const basis = `${samples} ${over}${paired ? ' on the same arrivals' : ''}`;
  const sure = `with ${percentWords(confidence)} confidence`;
  switch (verdict) {
    case 'broken':
      return `Broken: ${said}, ${sure} ${least} ${bound}, beyond the limit of ${limit} (${basis}).`;
    case 'kept':
      return `Kept: ${said}, ${sure} ${most} ${other}, within the limit of ${limit} (${basis}).`;
    case 'not shown':
      return `Not shown: ${said}, ${sure} ${least} ${bound}, which is not beyond the limit of ${limit}, but ${most} only ${other} (${basis}); more requests tell more.`;
    case 'refused':
      return said;
    default:
      return verdict satisfies never;
  }
}

function checkOne(
  rule: CheckRule,
  { point, baseline }: Pairing,
  confidence: number,
  random: Random,
): RuleResult {
  const [name, words] = [quantityName(rule.quantity), pointWords(point)];
  if (rule.against !== 'level' && baseline === null)
    return nothing(rule.text, name, words, 'The baseline has no point with these settings.');
  const found = boundQuantity(
    rule.against === 'level' ? null : (baseline?.repetitions ?? null),
    point.repetitions,
    rule.quantity,
    rule.against,
    confidence,
    random,
  );
  if (!found.ok) return nothing(rule.text, name, words, found.sentence);
  const verdict = verdictOf(rule, found.value.bounds);
  return {
    rule: rule.text,
    point: words,
    name,
    verdict,
    baseline: found.value.a,
    value: found.value.b,
    change: found.value.value,
    bounds: found.value.bounds,
    limit: rule.limit,
    confidence,
    sentence: sentenceOf(rule, found.value, verdict, confidence),
  };
}

/** Among several points one is soon beyond a limit by chance: the chance that is left is shared out (Bonferroni). */
function shared(confidence: number, points: number): number {
  return 1 - (1 - confidence) / Math.max(1, points);
}

function noGo(verdicts: readonly ObjectiveVerdict[]): RuleResult[] {
  return verdicts.map((verdict) => ({
    ...nothing('no-go', 'objectives', verdict.point, verdict.sentence),
    verdict:
      verdict.verdict === 'no-go'
        ? 'broken'
        : verdict.verdict === 'go'
          ? 'kept'
          : verdict.verdict === 'undecided'
            ? 'not shown'
            : 'refused',
    value: verdict.attainment,
    bounds: verdict.interval,
    limit: verdict.target,
  }));
}

/** @param seed of the draws, so that the same runs give the same digits */
export function judge(
  run: SampledRun,
  baseline: SampledRun | null,
  rules: readonly Rule[],
  seed = 1,
): Judgement {
  const random = createRandom(seed);
  const results = rules.flatMap((rule, at): RuleResult[] => {
    if (rule.kind === 'no-go') return noGo(judgeObjectives(run, seed));
    const name = quantityName(rule.quantity);
    if (rule.against !== 'level' && baseline === null) {
      return [
        nothing(
          rule.text,
          name,
          '',
          `“${rule.text}” is a change and needs a baseline; name one with --baseline.`,
        ),
      ];
    }
    const pairings = pairingsOf(run, baseline);
    if (pairings.length === 0) return [nothing(rule.text, name, '', 'The run has no point with samples.')];
    const judged = pairings.filter((pairing) => rule.against === 'level' || pairing.baseline !== null);
    if (judged.length === 0) {
      return [
        nothing(
          rule.text,
          name,
          '',
          'No point of the run has the settings of one of the baseline; run the same scenario.',
        ),
      ];
    }
    const confidence = shared(rule.confidence, judged.length);
    return judged.map((pairing, point) => checkOne(rule, pairing, confidence, random.fork(`${at} ${point}`)));
  });
  const has = (verdict: RuleVerdict): boolean => results.some((result) => result.verdict === verdict);
  return { outcome: has('broken') ? 'no-go' : has('refused') ? 'refused' : 'go', rules: results };
}
