/** A latency or rate over the points of a ramp, measured and predicted: where more load brings no more output. */
import { SERVING_METRICS } from '../../../core/metrics/definitions.ts';
import type { LoadRun } from '../../../core/run/load.ts';
import type { SimSummary } from '../../../core/run/simulation.ts';
import type { FigureAxis, FigureSeries, FigureSpec } from '../../figure.ts';
import { formatValue } from '../../format.ts';
import { SEED_INTERVAL, seedPoint } from '../simulation/seeds.ts';
import { loadCases, loadProvenance, type LoadCase } from './subject.ts';

interface Quantity {
  readonly id: string;
  readonly title: string;
  readonly of: 'ttftMs' | 'tpotMs' | 'itlMs' | 'e2eMs' | 'outputTokensPerSecond' | 'goodput';
  readonly unit: string;
  readonly read: (summary: SimSummary) => number | null | undefined;
}

const QUANTITIES: readonly Quantity[] = [
  {
    id: 'load_throughput',
    title: 'Output throughput',
    of: 'outputTokensPerSecond',
    unit: 'tok/s',
    read: (s) => s.outputTokensPerSecond,
  },
  {
    id: 'load_ttft_p99',
    title: 'p99 time to first token',
    of: 'ttftMs',
    unit: 'ms',
    read: (s) => s.ttftMs?.p99,
  },
  {
    id: 'load_tpot',
    title: 'Mean time per output token',
    of: 'tpotMs',
    unit: 'ms',
    read: (s) => s.tpotMs?.mean,
  },
  { id: 'load_e2e_p99', title: 'p99 request latency', of: 'e2eMs', unit: 'ms', read: (s) => s.e2eMs?.p99 },
  { id: 'load_goodput', title: 'Goodput', of: 'goodput', unit: 'req/s', read: (s) => s.goodput },
];

const AXES: Readonly<Record<string, string>> = {
  'workload.arrivals.users': 'Users',
  'workload.arrivals.rate': 'Requests a second',
  'workload.promptTokens.tokens': 'Prompt tokens',
  'workload.outputTokens.tokens': 'Output tokens',
};

export function bySetting(run: LoadRun): FigureSpec[] {
  const cases = loadCases(run);
  if (cases.length < 2) return [];
  return QUANTITIES.flatMap((quantity) => figureOf(run, cases, quantity) ?? []);
}

function figureOf(run: LoadRun, cases: readonly LoadCase[], quantity: Quantity): FigureSpec | null {
  const { id, title, of, unit } = quantity;
  if (cases.every(({ measured }) => measured.every(({ summary }) => quantity.read(summary) == null)))
    return null;
  const path = run.scenario.sweep?.path ?? '';
  const numeric = cases.every(({ point }) => typeof point.settings[path] === 'number');
  const x: FigureAxis = numeric
    ? { label: AXES[path] ?? path, unit: '', scale: cases.length > 3 ? 'log' : 'linear' }
    : { label: 'Setting', unit: '', scale: 'category' };
  const sides = [sideOf(cases, 'measured', path, numeric, quantity)];
  if (cases.some(({ predicted }) => predicted.length > 0)) {
    sides.push(sideOf(cases, 'predicted', path, numeric, quantity));
  }
  const stop = cases.find(({ point }) => point.saturated !== null)?.point.saturated;
  return {
    id,
    mark: numeric ? 'line' : 'bar',
    title: `${title}: measured and predicted`,
    x,
    y: { label: title, unit, scale: 'linear' },
    series: sides,
    definition: `${SERVING_METRICS[of].name}: ${SERVING_METRICS[of].sentence} Times count from when a request was due.`,
    intervalMeaning: SEED_INTERVAL,
    finding: stop ?? findingOf(cases, quantity),
    ...loadProvenance(run),
  };
}

function sideOf(
  cases: readonly LoadCase[],
  side: 'measured' | 'predicted',
  path: string,
  numeric: boolean,
  { read }: Quantity,
): FigureSeries {
  return {
    id: side,
    label: side === 'measured' ? 'Measured' : 'Predicted',
    colour: numeric || side === 'measured' ? 0 : 1,
    ...(side === 'predicted' ? { dashed: true } : {}),
    points: cases.map((found) => {
      const x = numeric ? Number(found.point.settings[path]) : found.label;
      const all = side === 'measured' ? found.measured.map(({ summary }) => summary) : found.predicted;
      return seedPoint(
        x,
        all.flatMap((summary) => read(summary) ?? []),
        'No request has this number.',
      );
    }),
  };
}

function findingOf(cases: readonly LoadCase[], { read, unit }: Quantity): string {
  const said = [cases[0], cases.at(-1)].flatMap((found) => {
    const value = found?.measured[0] ? read(found.measured[0].summary) : null;
    return found && value != null ? [`${found.label}: ${formatValue(value, unit)}`] : [];
  });
  return `${said.join('; ')}.`;
}
