/** How far a plan lies from what was measured: every quantity of every point, and the tolerance. */
import type { PlanRun } from '../../../core/run/plan.ts';
import {
  VALIDATED,
  type PlanValidation,
  type Validated,
  type ValidatedPoint,
  type ValidatedTerm,
} from '../../../core/run/validation.ts';
import type { FigurePoint, FigureSeries, FigureSpec } from '../../figure.ts';
import { formatNumber, formatValue } from '../../format.ts';
import { planProvenance } from './subject.ts';

const DEFINITION =
  'Error: (predicted − measured) / measured, of the mean over a benchmark’s requests. Each dot is one load that was measured; a load other than the plan’s was predicted again. Above zero the plan said more than was measured.';

/** Under the axis, where room is short. */
const NAMES: Readonly<Record<Validated, { readonly label: string; readonly unit: string }>> = {
  ttftMs: { label: 'TTFT', unit: 'ms' },
  tpotMs: { label: 'TPOT', unit: 'ms' },
  e2eMs: { label: 'End to end', unit: 'ms' },
  outputTokensPerSecond: { label: 'Output', unit: 'tokens/s' },
  requestsPerSecond: { label: 'Requests', unit: 'requests/s' },
  kvTokens: { label: 'KV tokens', unit: 'tokens' },
  weightsBytes: { label: 'Weights', unit: 'bytes' },
  peakBytes: { label: 'Memory', unit: 'bytes' },
};

const BIAS = {
  over: 'the plan promises more than was measured',
  under: 'the plan promises less than was measured',
  balanced: 'its errors are on both sides, or small',
} as const;

function pointOf({ label }: ValidatedPoint, term: ValidatedTerm): FigurePoint {
  const { metric, predicted, measured, errorPercent } = term;
  const { label: x, unit } = NAMES[metric];
  const detail = `Predicted ${formatValue(predicted, unit)}, measured ${formatValue(measured, unit)}.`;
  return { x, y: errorPercent, label, detail };
}

export function validationFigure(run: PlanRun, validation: PlanValidation): FigureSpec | null {
  const pairs = validation.points.flatMap((point) => point.terms.map((term) => ({ point, term })));
  if (run.deployment === null || pairs.length === 0) return null;
  const { tolerancePercent } = validation;
  const tolerance = formatNumber(tolerancePercent);
  const seriesOf = (id: string, label: string, colour: number, within: boolean): FigureSeries => ({
    id,
    label,
    colour,
    points: pairs.flatMap(({ point, term }) => (term.within === within ? [pointOf(point, term)] : [])),
  });
  const seen = new Set(pairs.map(({ term }) => term.metric));
  const series = [
    seriesOf('within', `Within ${tolerance} %`, 0, true),
    seriesOf('beyond', `Beyond ${tolerance} %`, 1, false),
  ];
  return {
    id: 'plan_validation',
    mark: 'scatter',
    title: 'The plan beside what was measured',
    x: {
      label: '',
      unit: '',
      scale: 'category',
      categories: VALIDATED.filter((metric) => seen.has(metric)).map((metric) => NAMES[metric].label),
    },
    y: { label: 'Error of the prediction', unit: '%', scale: 'linear' },
    series: series.filter(({ points }) => points.length > 0),
    references: [
      { y: tolerancePercent, label: `${tolerance} % over` },
      { y: -tolerancePercent, label: `${tolerance} % under` },
    ],
    definition: DEFINITION,
    finding: findingOf(validation, pairs.length),
    notes: validation.assumptions.map(({ what, because }) => `Likely wrong: ${what}. ${because}.`),
    ...planProvenance(run, run.deployment),
  };
}

function findingOf({ meanAbsoluteErrorPercent, points, bias }: PlanValidation, terms: number): string {
  const over = `${terms} ${terms === 1 ? 'number' : 'numbers'} of ${points.length} ${points.length === 1 ? 'load' : 'loads'}`;
  return `${formatNumber(meanAbsoluteErrorPercent)} % mean error over ${over}; ${BIAS[bias]}.`;
}
