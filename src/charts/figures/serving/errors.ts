/** How far the prediction is off, metric by metric: always on show, whatever it says. */
import { PREDICTION_BARS, type PredictedMetric } from '../../../core/metrics/serving/predicted.ts';
import type { ServeRun } from '../../../core/run/serve.ts';
import type { FigureSpec } from '../../figure.ts';
import { casesOf, pairOf, serveProvenance, signedPercent, type ServeCase } from './subject.ts';

const SHOWN: readonly (readonly [PredictedMetric, string])[] = [
  ['ttftMs.mean', 'mean TTFT'],
  ['tpotMs.mean', 'mean TPOT'],
  ['itlMs.p99', 'p99 ITL'],
  ['e2eMs.mean', 'mean E2E'],
  ['outputTokensPerSecond', 'tok/s'],
  ['meanKvBlocks', 'mean KV blocks'],
];

/** As many points as bars of a metric can stand beside one another. */
const MAX_CASES = 8;

export function predictionErrors(run: ServeRun): FigureSpec | null {
  const cases = casesOf(run)
    .filter(({ sides }) => sides.predicted.length > 0)
    .slice(0, MAX_CASES);
  if (cases.length === 0) return null;
  return {
    id: 'serve_errors',
    mark: 'bar',
    title: 'How far the prediction is off',
    x: { label: 'Metric', unit: '', scale: 'category' },
    y: { label: 'Predicted over measured − 1', unit: '%', scale: 'linear' },
    series: cases.map((found, colour) => ({
      id: found.label || 'error',
      label: found.label,
      colour,
      points: SHOWN.map(([metric, x]) => ({
        x,
        y: pairOf(found, metric)?.errorPercent ?? null,
        reason: 'One side has no number.',
      })),
    })),
    references: [
      { y: 15, label: '±15 %: bar of E2E' },
      { y: 10, label: '' },
      { y: -10, label: '' },
      { y: -15, label: '±10 %, inside: bar of TPOT' },
    ],
    definition:
      '100 · (predicted ÷ measured − 1), of means over the kept repetitions. Neither these repetitions nor their seeds ' +
      'were used for the fit. The bars hold on a machine that does nothing else.',
    finding: findingOf(cases),
    ...serveProvenance(run),
  };
}

function findingOf(cases: readonly ServeCase[]): string {
  const worst = (metric: PredictedMetric): number | null => {
    const errors = cases.flatMap((found) => pairOf(found, metric)?.errorPercent ?? []);
    return errors.length === 0
      ? null
      : errors.reduce((most, error) => (Math.abs(error) > Math.abs(most) ? error : most));
  };
  const say = (metric: PredictedMetric, name: string): string => {
    const error = worst(metric);
    const bar = PREDICTION_BARS[metric];
    if (error === null || bar === undefined) return `${name} can’t be compared`;
    const met = Math.abs(error) <= bar ? 'within' : 'outside of';
    return `${name} is off by ${signedPercent(error)}${cases.length > 1 ? ' at most' : ''}, ${met} ${bar} %`;
  };
  return `${say('tpotMs.mean', 'Mean TPOT')}; ${say('e2eMs.mean', 'mean E2E')}.`;
}
