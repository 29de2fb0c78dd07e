/** What the prefix cache found: over time, and by setting. */
import type { SimRun, SimSeries } from '../../../core/run/simulation.ts';
import type { FigurePoint, FigureSeries, FigureSpec } from '../../figure.ts';
import { formatNumber, formatValue } from '../../format.ts';
import { isTie, overSeeds, SEED_INTERVAL, type SeedEstimate } from './seeds.ts';
import { bySetting, numericAxis, placeOf, type Quantity } from './settings.ts';
import { casesOf, clausesOf, courseNotes, simProvenance, summaryValues, type SimCase } from './subject.ts';
import { sumOf, thinned, timesOf } from './time.ts';

const DEFINITION =
  'Hit rate: prompt tokens that the prefix cache already held over prompt tokens that it was asked for; a prompt that ' +
  'comes back after a preemption asks again.';
const MAX_CASES = 8;

/** A cache that was never asked is off: it has no hit rate, which is not a rate of 0. */
const isAsked = ({ first: { series, summary } }: SimCase): boolean =>
  summary.prefixHitRatio !== null && sumOf(series.lookedUpTokens) > 0;

const found = ({ first: { series } }: SimCase): number => sumOf(series.hitTokens);

export function hitRateOverTime(run: SimRun): FigureSpec | null {
  const asked = casesOf(run).filter(isAsked);
  const cases = asked.slice(0, MAX_CASES);
  if (!cases.some((one) => found(one) > 0)) return null;
  return {
    id: 'sim_hit_rate',
    mark: 'line',
    title: 'Prefix cache hit rate over time',
    x: { label: 'Time', unit: 'ms', scale: 'linear', tight: true },
    y: { label: 'Hit rate so far', unit: 'share', scale: 'linear' },
    series: cases.map(({ label, first: { series } }, colour): FigureSeries => ({
      id: label === '' ? 'hits' : label,
      label,
      colour,
      points: soFar(series),
    })),
    definition: `${DEFINITION} Drawn: all of it from the start to the moment.`,
    finding: clausesOf(cases, clauseOf),
    ...simProvenance(run, [
      ...offNotes(run),
      ...courseNotes(asked, cases, `Lines of more than ${MAX_CASES} points would hide each other.`),
    ]),
  };
}

function offNotes(run: SimRun): string[] {
  const off = casesOf(run).filter((one) => !isAsked(one));
  return off.length === 0
    ? []
    : [`Not drawn: ${off.map(({ label }) => label).join('; ')}. No prefix cache was asked there.`];
}

/** Cumulative ratio at each drawn time; nothing before the first question. */
function soFar(series: SimSeries): FigurePoint[] {
  const times = timesOf(series);
  const looked = thinned(series.lookedUpTokens, 'sum');
  const hits = thinned(series.hitTokens, 'sum');
  let [all, found] = [0, 0];
  return times.flatMap((x, i): FigurePoint[] => {
    all += looked[i] ?? 0;
    found += hits[i] ?? 0;
    return all > 0 ? [{ x, y: found / all }] : [];
  });
}

function clauseOf({ label, first: { series, summary } }: SimCase): string {
  const [all, found] = [sumOf(series.lookedUpTokens), sumOf(series.hitTokens)];
  const name = label === '' ? 'The' : `${label}: the`;
  const prompt =
    summary.prefixHitRatio === null
      ? ''
      : `, which spared ${formatValue(summary.prefixHitRatio, 'share')} of the prompt tokens their prefill`;
  return `${name} cache held ${formatNumber(found)} of ${formatNumber(all)} tokens it was asked for (${formatValue(all > 0 ? found / all : 0, 'share')})${prompt}.`;
}

const RATIO: Quantity = {
  id: 'hits',
  label: 'Hit rate',
  valuesOf: (found) => summaryValues(found, (summary) => summary.prefixHitRatio),
  missing: 'The prefix cache is off.',
};

export function hitRateBySetting(run: SimRun): FigureSpec | null {
  const cases = casesOf(run);
  const known = cases.flatMap((found) => {
    const estimate = overSeeds(RATIO.valuesOf(found));
    return estimate === null ? [] : [{ found, estimate, ratio: estimate.value }];
  });
  if (cases.length < 2 || !known.some(({ ratio }) => ratio > 0)) return null;
  return {
    id: 'sim_hits_by_setting',
    title: 'Prompt tokens found in the cache',
    ...bySetting(run, [RATIO]),
    y: { label: 'Share of prompt tokens', unit: 'share', scale: 'linear' },
    definition: 'Prompt tokens found in the prefix cache at first admission over all prompt tokens.',
    intervalMeaning: SEED_INTERVAL,
    finding: hitFinding(run, known),
    ...simProvenance(run),
  };
}

function hitFinding(
  run: SimRun,
  known: readonly { readonly found: SimCase; readonly estimate: SeedEstimate }[],
): string {
  const sorted = known.toSorted((a, b) => b.estimate.value - a.estimate.value);
  const [best, worst] = [sorted[0], sorted.at(-1)];
  if (best === undefined || worst === undefined) return 'No point has a prefix cache.';
  const path = numericAxis(run);
  const share = ({ estimate }: typeof best) => formatValue(estimate.value, 'share');
  const place = ({ found }: typeof best) => placeOf(found, path);
  if (known.length === 1)
    return `With ${place(best)} ${share(best)} are found; no other point has a prefix cache.`;
  if (isTie(best.estimate, worst.estimate)) {
    return `The ${known.length} points find as many: ${share(worst)} to ${share(best)}, a difference within 1\u00a0% or the intervals.`;
  }
  return `Most are found with ${place(best)}, ${share(best)}; fewest with ${place(worst)}, ${share(worst)}.`;
}
