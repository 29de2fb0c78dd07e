/** The figures of a tuning: scores, baseline against best, each quantity by settings, and one against the other. */
import { chanceWords, TUNE_METRICS } from '../../../core/metrics/tune/definitions.ts';
import type { TuneMetrics, TuneRun } from '../../../core/run/tune.ts';
import type { FigurePoint, FigureSpec } from '../../figure.ts';
import { formatValue } from '../../format.ts';
import { comparableRows, measuredRows, shortLabel, tuneProvenance, type MeasuredRow } from './subject.ts';

function countWords(run: TuneRun): string {
  const { taken, full } = run.counts;
  return `${taken} of ${full} measurements were taken`;
}

function scores(run: TuneRun, rows: readonly MeasuredRow[]): FigureSpec {
  const [best] = rows;
  const sure =
    run.confidence === null
      ? ''
      : `, nothing better by more than half a percent with a chance of ${chanceWords(run.confidence)}`;
  return {
    id: 'tune_scores',
    mark: 'bar',
    title: 'Score by settings',
    x: { label: 'Settings', unit: '', scale: 'category' },
    y: { label: 'Score', unit: '', scale: 'linear' },
    series: [
      {
        id: 'score',
        label: '',
        colour: 0,
        points: rows.map(({ label, score, measurements, isBaseline }): FigurePoint => ({
          x: shortLabel(label),
          y: score.value,
          n: measurements,
          ...(isBaseline ? {} : { low: score.low, high: score.high }),
          detail: label,
        })),
      },
    ],
    references: [{ y: 100, label: 'baseline' }],
    definition: TUNE_METRICS.score.definition,
    intervalMeaning: '95 % interval of the score',
    finding: `${best?.label ?? 'No setting'} scores ${formatValue(best?.score.value ?? 0, '')}${sure}; ${countWords(run)}.`,
    ...tuneProvenance(run),
  };
}

const GAINS = [
  ['ttft', 'TTFT'],
  ['throughput', 'throughput'],
  ['memory', 'memory'],
] as const;

/** Baseline against best: how many times better in each. */
function baselineAgainstBest(run: TuneRun, best: MeasuredRow): FigureSpec {
  const words = GAINS.map(([id, name]) => `${name} ${best.gains[id].toFixed(2)} times as good`);
  return {
    id: 'tune_baseline_vs_best',
    mark: 'bar',
    title: 'Baseline against best',
    x: { label: '', unit: '', scale: 'category' },
    y: { label: 'Times as good as the baseline', unit: 'ratio', scale: 'linear' },
    series: [
      {
        id: 'baseline',
        label: 'baseline',
        colour: 1,
        points: GAINS.map(([, name]): FigurePoint => ({ x: name, y: 1 })),
      },
      {
        id: 'best',
        label: shortLabel(best.label),
        colour: 0,
        points: GAINS.map(([id, name]): FigurePoint => ({
          x: name,
          y: best.gains[id],
          n: best.measurements,
        })),
      },
    ],
    definition: TUNE_METRICS.gain.definition,
    finding: `${best.label}: ${words.join(', ')}.`,
    ...tuneProvenance(run),
  };
}

type Quantity = 'ttftMs' | 'outputTokensPerSecond' | 'memoryBytes';

function byConfiguration(run: TuneRun, rows: readonly MeasuredRow[], id: Quantity): FigureSpec {
  const { title, unit, definition, lowerIsBetter } = TUNE_METRICS[id];
  const sorted = rows.toSorted((a, b) => (lowerIsBetter ? 1 : -1) * (a.metrics[id] - b.metrics[id]));
  const baseline = rows.find(({ isBaseline }) => isBaseline);
  const [best] = sorted;
  return {
    id: `tune_${id.toLowerCase()}`,
    mark: 'bar',
    title: `${title} by settings`,
    x: { label: 'Settings', unit: '', scale: 'category' },
    y: { label: title, unit, scale: 'linear' },
    series: [
      {
        id,
        label: '',
        colour: 0,
        points: rows.map(({ label, metrics, measurements }): FigurePoint => ({
          x: shortLabel(label),
          y: metrics[id],
          n: measurements,
          detail: label,
        })),
      },
    ],
    ...(baseline ? { references: [{ y: baseline.metrics[id], label: 'baseline' }] } : {}),
    definition,
    finding: `${lowerIsBetter ? 'Least' : 'Most'}: ${best?.label ?? ''} with ${formatValue(best?.metrics[id] ?? 0, unit)}${baseline ? `, the baseline ${formatValue(baseline.metrics[id], unit)}` : ''}.`,
    ...tuneProvenance(run),
  };
}

const STATUS_WORDS = { front: 'not beaten in all three', other: 'beaten', baseline: 'baseline' } as const;

/** Gains of every measured setting, whichever cells it was measured in. */
function scatter(run: TuneRun, rows: readonly MeasuredRow[]): FigureSpec {
  const kindOf = ({ isBaseline, pareto }: MeasuredRow): keyof typeof STATUS_WORDS =>
    isBaseline ? 'baseline' : pareto ? 'front' : 'other';
  const kinds = (['front', 'other', 'baseline'] as const).filter((kind) =>
    rows.some((row) => kindOf(row) === kind),
  );
  const front = rows.filter(({ pareto }) => pareto);
  return {
    id: 'tune_scatter',
    mark: 'scatter',
    title: 'Time to the first token against throughput',
    x: { label: 'TTFT, times as good as the baseline', unit: 'ratio', scale: 'linear' },
    y: { label: 'Throughput, times as good as the baseline', unit: 'ratio', scale: 'linear' },
    series: kinds.map((kind, colour) => ({
      id: kind,
      label: STATUS_WORDS[kind],
      colour,
      points: rows
        .filter((row) => kindOf(row) === kind)
        .map(({ label, gains, measurements }): FigurePoint => ({
          x: gains.ttft,
          y: gains.throughput,
          label,
          n: measurements,
          detail: `memory ${gains.memory.toFixed(2)} times as good`,
        })),
    })),
    definition: TUNE_METRICS.gain.definition,
    finding: `${front.length} of ${rows.length} measured settings are beaten by no other in TTFT, throughput and memory together.`,
    ...tuneProvenance(run),
  };
}

/** Every figure that the tuning offers; none before two settings were measured. */
export function tuneFigures(run: TuneRun): FigureSpec[] {
  const rows = comparableRows(run);
  const [best] = rows;
  if (best === undefined || rows.length < 2) return [];
  const quantities: readonly (keyof TuneMetrics & Quantity)[] = [
    'ttftMs',
    'outputTokensPerSecond',
    'memoryBytes',
  ];
  return [
    scores(run, rows),
    baselineAgainstBest(run, best),
    ...quantities.map((id) => byConfiguration(run, rows, id)),
    scatter(run, measuredRows(run)),
  ];
}
