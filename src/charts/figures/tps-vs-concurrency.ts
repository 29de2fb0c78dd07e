/** fig2: output tokens a second against concurrency, and where more requests stop helping. */
import { describeMetric } from '../../core/metrics/definitions.ts';
import { median } from '../../core/metrics/percentiles.ts';
import type { LabRun } from '../../core/run/schema.ts';
import type { FigureSpec } from '../figure.ts';
import { formatValue } from '../format.ts';
import { distinctX, kneeOf, MIN_FIT_POINTS, observations } from './fits.ts';
import { valuesOf } from './samples.ts';
import { sliceSeries } from './series.ts';
import { fitted, INTERVAL_MEANING, medianEstimate } from './statistics.ts';
import { isSwept, PATHS, provenance, SCOPE, slicesAlong, type Slice } from './subject.ts';
import { estimateWords, sentence, type Clause } from './words.ts';

export function tpsVsConcurrency(run: LabRun): FigureSpec | null {
  if (!isSwept(run, PATHS.concurrency)) return null;
  const slices = slicesAlong(run, PATHS.concurrency);
  return {
    id: 'fig2_tps_vs_concurrency',
    mark: 'line',
    title: 'Throughput by concurrency',
    x: { label: 'Requests in flight', unit: '', scale: 'linear' },
    y: { label: 'Output throughput', unit: 'tok/s', scale: 'linear' },
    series: slices.map((slice, colour) =>
      sliceSeries(slice, { id: 'throughput', label: '', colour }, (p) =>
        medianEstimate(valuesOf(p, 'throughput')),
      ),
    ),
    definition: `${describeMetric('throughput')} ${SCOPE}`,
    intervalMeaning: INTERVAL_MEANING,
    finding: sentence(slices.flatMap(kneeClause)),
    ...provenance(run),
  };
}

/** The knee of growth in proportion to the requests, or why there is none to name. */
function kneeClause(slice: Slice): Clause[] {
  const all = observations(slice, (point) => valuesOf(point, 'throughput'));
  const xs = distinctX(all);
  const [first, last] = [xs[0], xs.at(-1)];
  if (first === undefined || last === undefined) return [];
  const { label } = slice;
  if (xs.length < MIN_FIT_POINTS)
    return [{ label, text: `${xs.length} finished concurrencies are too few for a knee` }];
  const knee = kneeOf(all);
  if (knee === null) return [];
  const plateau = formatValue(knee.plateau, 'tok/s');
  const medians = xs.map((x) => median(all.flatMap((o) => (o.x === x ? [o.y] : []))));
  const most = Math.max(...medians);
  const [best, bestAt] = [formatValue(most, 'tok/s'), xs[medians.indexOf(most)]];
  const at = estimateWords(fitted(knee.knee, knee.kneeInterval, all.length), '');
  const texts = {
    inside: `throughput grows in proportion to the requests up to about ${at} of them; the best, ${best}, is reached at ${bestAt}`,
    start: `throughput is flat at ${plateau} from ${first} request on: more requests only wait`,
    end: `throughput still grows with the requests at ${last} of them: no knee in this range`,
  };
  return [{ label, text: texts[knee.place] }];
}
