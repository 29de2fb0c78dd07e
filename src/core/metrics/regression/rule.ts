/**
 * Rules that a run is held to, as people write them:
 *
 *   p99 ttft > 5% @ 95%          worse than the baseline by more than 5 %, with 95 % confidence
 *   p99 TTFT is worse than the baseline by more than 5 % with 95 % confidence      the same
 *   throughput < -3%             lower than the baseline's by more than 3 %
 *   mean tpot > +2 ms            higher than the baseline's by more than 2 ms
 *   p95 e2e > 4 s                a level: no baseline is asked
 *   attainment < 90%             a level; of shares a percentage without a sign is one
 *   no-go                        the run breaks the objectives of its scenario
 *
 * RULE = "no-go" | [STATISTIC] METRIC ("worse" | ">" | "<") AMOUNT ["@" CONFIDENCE]. A signed amount is a change from the
 * baseline, in percent of it or in the metric's unit; one without a sign is a level, but a plain percentage of anything
 * that is no share is a change. Several rules stand in one text behind semicolons.
 */
import type { Read } from '../../json.ts';
import { nearestName } from '../../scenario/simulate/nearest.ts';
import {
  isShare,
  quantityBetter,
  quantityName,
  quantityUnit,
  type RuledQuantity,
  type Statistic,
} from './quantity.ts';
import { SAMPLED_LATENCIES, SAMPLED_SCALARS, type SampledLatency, type SampledScalar } from './sampled.ts';

export type Against =
  /** b / a − 1. */
  | 'relative'
  /** b − a. */
  | 'difference'
  /** b itself. */
  | 'level';

export interface CheckRule {
  readonly kind: 'check';
  /** As it was written. */
  readonly text: string;
  readonly quantity: RuledQuantity;
  readonly against: Against;
  /** Broken above the limit, or below it. */
  readonly direction: 'above' | 'below';
  /** A share where relative; else in the quantity's unit, a share of 1 for shares. */
  readonly limit: number;
  /** One-sided, 0.5 … 0.9999. */
  readonly confidence: number;
}

export interface NoGoRule {
  readonly kind: 'no-go';
  readonly text: string;
}

export type Rule = CheckRule | NoGoRule;

const DEFAULT_CONFIDENCE = 0.95;

const LATENCY_WORDS: Readonly<Record<string, SampledLatency>> = {
  ...Object.fromEntries(SAMPLED_LATENCIES.map((name) => [name, name])),
  latency: 'e2e',
  'end-to-end': 'e2e',
  'inter-token': 'itl',
};

const SCALAR_WORDS: Readonly<Record<string, SampledScalar>> = {
  ...Object.fromEntries(SAMPLED_SCALARS.map((name) => [name.replaceAll(' ', '-'), name])),
  hits: 'hit ratio',
  errors: 'error rate',
  requests: 'requests per second',
};

/** Words that a sentence has and a rule needs not. */
const FILLERS = /\b(?:is|are|the|than|baseline(?:['’]s)?|by|more|of|confidence)\b/g;
const TWO_WORDS: readonly (readonly [RegExp, string])[] = [
  [/\bhit ratio\b/g, 'hit-ratio'],
  [/\berror rate\b/g, 'error-rate'],
  [/\brequests per second\b/g, 'requests-per-second'],
  [/\bend to end\b/g, 'end-to-end'],
  [/\bend-to-end latency\b/g, 'e2e'],
  [/\binter-token latency\b/g, 'itl'],
];

const SHAPE =
  /^(?:(mean|median|p\d+(?:\.\d+)?)\s+)?([a-z][a-z0-9-]*)\s*(worse\s*>?|>|<)\s*([+-]?)\s*(\d+(?:\.\d+)?)\s*(%|points?|[a-zµ][a-z0-9/µ]*)?\s*(?:(?:@|with|at)\s*(\d+(?:\.\d+)?)\s*%?)?$/;

const EXAMPLE = 'write it like “p99 ttft > 5% @ 95%”';

function refuse(sentence: string): { readonly ok: false; readonly sentence: string } {
  return { ok: false, sentence };
}

function plain(text: string): string {
  let words = text.toLowerCase().replaceAll('−', '-');
  for (const [pattern, word] of TWO_WORDS) words = words.replace(pattern, word);
  return words.replace(FILLERS, ' ').replace(/\s+/g, ' ').trim();
}

function statisticOf(word: string | undefined): Statistic | null {
  if (word === undefined) return null;
  if (word === 'mean') return 'mean';
  return word === 'median' ? 50 : Number(word.slice(1));
}

function quantityOf(word: string, statistic: Statistic | null): Read<RuledQuantity> {
  const latency = LATENCY_WORDS[word];
  if (latency !== undefined) {
    if (statistic === null)
      return refuse(
        `Which ${word}? Name a statistic before it: mean, p50, p95 or p99, such as “p99 ${word}”.`,
      );
    if (statistic !== 'mean' && !(statistic > 0 && statistic < 100))
      return refuse(`The percentile p${statistic} is not between 0 and 100; p99 is the usual one.`);
    return { ok: true, value: { kind: 'latency', latency, statistic } };
  }
  const scalar = SCALAR_WORDS[word];
  if (scalar === undefined) {
    const known = [...Object.keys(LATENCY_WORDS), ...Object.keys(SCALAR_WORDS)];
    return refuse(
      `“${word.slice(0, 30)}” is no metric of a rule; the nearest is ${nearestName(word, known)}.`,
    );
  }
  return statistic === null
    ? { ok: true, value: { kind: 'scalar', scalar } }
    : refuse(`The ${scalar} is one number of a run and has no statistic; leave the first word out.`);
}

/** Milliseconds of a unit of time. */
const TIMES: Readonly<Record<string, number>> = { µs: 0.001, us: 0.001, ms: 1, s: 1000 };

interface Amount {
  readonly against: Against;
  readonly limit: number;
}

function amountOf(quantity: RuledQuantity, sign: string, number: number, unit: string): Read<Amount> {
  const signed = sign === '-' ? -number : number;
  const share = isShare(quantity);
  const name = quantityName(quantity);
  if (unit === '%') {
    const level = share && sign === '';
    return { ok: true, value: { against: level ? 'level' : 'relative', limit: signed / 100 } };
  }
  const against = sign === '' ? 'level' : 'difference';
  if (unit.startsWith('point')) {
    if (!share) return refuse(`Points are of shares; ${name} takes % or ${quantityUnit(quantity)}.`);
    return { ok: true, value: { against: 'difference', limit: signed / 100 } };
  }
  if (quantity.kind === 'latency') {
    const ms = TIMES[unit];
    if (ms === undefined)
      return refuse(
        `“${unit || String(number)}” is no amount of ${name}; give it in ms, s or % of the baseline.`,
      );
    return { ok: true, value: { against, limit: signed * ms } };
  }
  if (share) return refuse(`The ${name} is a share; give the amount in % or in points.`);
  return unit === '' || unit === quantityUnit(quantity)
    ? { ok: true, value: { against, limit: signed } }
    : refuse(
        `The ${name} is in ${quantityUnit(quantity) || 'plain numbers'}, not in ${unit}; leave the unit out.`,
      );
}

/** One rule. */
export function parseRule(text: string): Read<Rule> {
  const words = plain(text.slice(0, 300));
  if (words === 'no-go' || words === 'no go') return { ok: true, value: { kind: 'no-go', text: 'no-go' } };
  const found = SHAPE.exec(words);
  if (found === null) return refuse(`“${text.slice(0, 80)}” is no rule that can be read; ${EXAMPLE}.`);
  const [, statistic, metric = '', comparison = '', sign = '', number = '', unit = '', confidence] = found;
  const quantity = quantityOf(metric, statisticOf(statistic));
  if (!quantity.ok) return quantity;
  const worse = comparison.startsWith('worse');
  if (worse && sign === '-')
    return refuse(`“worse” says the direction; give the amount without a minus: worse > ${number}${unit}.`);
  const better = quantityBetter(quantity.value);
  // Worse by 5 % is a change whatever the metric; of one that should be high, it is 5 % less.
  const amount = amountOf(
    quantity.value,
    worse ? (better === 'lower' ? '+' : '-') : sign,
    Number(number),
    unit,
  );
  if (!amount.ok) return amount;
  const share = confidence === undefined ? DEFAULT_CONFIDENCE : Number(confidence) / 100;
  if (!(share >= 0.5 && share <= 0.9999))
    return refuse(`A confidence of ${confidence ?? ''} % can't be had; 50 to 99.99 can, and 95 is usual.`);
  const above = worse ? better === 'lower' : comparison === '>';
  return {
    ok: true,
    value: {
      kind: 'check',
      text: text.trim(),
      quantity: quantity.value,
      ...amount.value,
      direction: above ? 'above' : 'below',
      confidence: share,
    },
  };
}

const MOST_RULES = 20;

/** Rules behind semicolons or in lines. */
export function parseRules(text: string): Read<readonly Rule[]> {
  const parts = text.split(/[;\n]/).filter((part) => part.trim() !== '');
  if (parts.length === 0) return refuse(`There is no rule in it; ${EXAMPLE}.`);
  if (parts.length > MOST_RULES)
    return refuse(`There are ${parts.length} rules; at most ${MOST_RULES} are read: fewer say more.`);
  const rules: Rule[] = [];
  for (const part of parts) {
    const rule = parseRule(part);
    if (!rule.ok) return rule;
    rules.push(rule.value);
  }
  return { ok: true, value: rules };
}
