/** Requests a second: finished, and finished within every objective. */
import { describeMetric } from '../../../core/metrics/definitions.ts';
import type { SimRun } from '../../../core/run/simulation.ts';
import type { FigureSpec } from '../../figure.ts';
import { formatValue } from '../../format.ts';
import { isTie, overSeeds, SEED_INTERVAL } from './seeds.ts';
import { bySetting, numericAxis, placeOf, type Quantity } from './settings.ts';
import { casesOf, simProvenance, summaryValues, type SimCase } from './subject.ts';

const THROUGHPUT: Quantity = {
  id: 'finished',
  label: 'Finished',
  valuesOf: (found) => summaryValues(found, (summary) => summary.requestsPerSecond),
  missing: 'Nothing finished.',
};
const GOODPUT: Quantity = {
  id: 'goodput',
  label: 'Within the objectives',
  valuesOf: (found) => summaryValues(found, (summary) => summary.goodput),
  missing: 'The scenario sets no objective.',
};

export function goodput(run: SimRun): FigureSpec | null {
  const cases = casesOf(run);
  if (!cases.some((found) => GOODPUT.valuesOf(found).length > 0)) return null;
  const { ttftMs, tpotMs, e2eMs } = run.scenario.objectives;
  const limits = [
    ...(ttftMs === null ? [] : [`TTFT ≤ ${formatValue(ttftMs, 'ms')}`]),
    ...(tpotMs === null ? [] : [`TPOT ≤ ${formatValue(tpotMs, 'ms')}`]),
    ...(e2eMs === null ? [] : [`E2E ≤ ${formatValue(e2eMs, 'ms')}`]),
  ].join(' and ');
  return {
    id: 'sim_goodput',
    title: 'Goodput',
    ...bySetting(run, [THROUGHPUT, GOODPUT]),
    y: { label: 'Requests a second', unit: 'req/s', scale: 'linear' },
    definition: `${describeMetric('goodput')} Here: ${limits}.`,
    intervalMeaning: SEED_INTERVAL,
    finding: findingOf(run, cases),
    ...simProvenance(run),
  };
}

function findingOf(run: SimRun, cases: readonly SimCase[]): string {
  const path = numericAxis(run);
  const known = cases.flatMap((found) => {
    const good = overSeeds(GOODPUT.valuesOf(found));
    const all = overSeeds(THROUGHPUT.valuesOf(found));
    const share = overSeeds(summaryValues(found, (summary) => summary.attainment));
    return good === null || all === null || share === null
      ? []
      : [{ place: placeOf(found, path), good, all: all.value, share: share.value }];
  });
  const best = known.toSorted((a, b) => b.good.value - a.good.value)[0];
  if (best === undefined) return 'No point has a goodput.';
  const words = `${formatValue(best.good.value, 'req/s')} of ${formatValue(best.all, 'req/s')} meet every objective (${formatValue(best.share, 'share')} of the requests)`;
  if (known.length === 1) return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
  const level = known.filter(({ good }) => isTie(good, best.good));
  const within = 'within 1\u00a0% or their intervals overlap';
  if (level.length === known.length) {
    return `Goodput is equal at all ${known.length} points (${within}): ${words}.`;
  }
  return level.length > 1
    ? `Goodput is highest, and equal (${within}), with ${level.map(({ place }) => place).join('; ')}: ${words}.`
    : `Goodput is highest with ${best.place}: ${words}.`;
}
