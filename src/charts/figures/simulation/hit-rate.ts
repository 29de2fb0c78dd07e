/** What the prefix cache found: over time, and by setting. */
import type { SimRun, SimSeries } from '../../../core/run/simulation.ts';
import type { FigurePoint, FigureSeries, FigureSpec } from '../../figure.ts';
import { formatNumber, formatValue } from '../../format.ts';
import { overSeeds, SEED_INTERVAL } from './seeds.ts';
import { bySetting, numericAxis, placeOf, type Quantity } from './settings.ts';
import { casesOf, clausesOf, simProvenance, summaryValues, type SimCase } from './subject.ts';
import { sumOf, thinned, timesOf } from './time.ts';

const DEFINITION =
  'Hit rate: prompt tokens that the prefix cache already held over prompt tokens that it was asked for; a prompt that ' +
  'comes back after a preemption asks again.';
const MAX_CASES = 8;

const found = ({ first: { series } }: SimCase): number => sumOf(series.hitTokens);

export function hitRateOverTime(run: SimRun): FigureSpec | null {
  const cases = casesOf(run).slice(0, MAX_CASES);
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
    ...simProvenance(run),
  };
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
    return estimate === null ? [] : [{ found, ratio: estimate.value }];
  });
  if (cases.length < 2 || !known.some(({ ratio }) => ratio > 0)) return null;
  const sorted = known.toSorted((a, b) => b.ratio - a.ratio);
  const [best, worst] = [sorted[0], sorted.at(-1)];
  const path = numericAxis(run);
  const place = (entry: typeof best) => (entry === undefined ? '' : placeOf(entry.found, path));
  const share = (entry: typeof best) => formatValue(entry?.ratio ?? 0, 'share');
  return {
    id: 'sim_hits_by_setting',
    title: 'Prompt tokens found in the cache',
    ...bySetting(run, [RATIO]),
    y: { label: 'Share of prompt tokens', unit: 'share', scale: 'linear' },
    definition: 'Prompt tokens found in the prefix cache at first admission over all prompt tokens.',
    intervalMeaning: SEED_INTERVAL,
    finding: `Most are found with ${place(best)}, ${share(best)}; fewest with ${place(worst)}, ${share(worst)}.`,
    ...simProvenance(run),
  };
}
