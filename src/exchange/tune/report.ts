/** A tuning as a report to read: Markdown beside its figures, or one HTML file with them inside. */
import { figuresFor } from '../../charts/figures/index.ts';
import { formatValue } from '../../charts/format.ts';
import { bestPlanOf } from '../../core/metrics/tune/best-plan.ts';
import { chanceWords, TUNE_METRICS } from '../../core/metrics/tune/definitions.ts';
import type { BestPlan, Fallback } from '../../core/run/best-plan.ts';
import type { TuneRow, TuneRun } from '../../core/run/tune.ts';
import { resolveTuning } from '../../core/scenario/tune/resolved.ts';
import { reportHtml, reportMarkdown, type ReportPart } from '../report/parts.ts';

const MOST_ROWS = 20;
const MOST_REASONS = 12;

const ratio = (value: number): string => `${value.toFixed(2)} ×`;

function valued(value: number | undefined, unit: string, gain: number | undefined): string {
  if (gain === undefined) return '—';
  return value === undefined ? ratio(gain) : `${formatValue(value, unit)} (${ratio(gain)})`;
}

/** Values of settings that were left early are of fewer cells and stand beside nothing; their gains do. */
function cellsOf(row: TuneRow, place: number, mostCells: number): string[] {
  const { score, gains } = row;
  const metrics = row.cells === mostCells ? row.metrics : null;
  const { ttftMs, outputTokensPerSecond, memoryBytes } = TUNE_METRICS;
  return [
    String(place),
    `${row.label}${row.pareto ? ' *' : ''}`,
    score === null ? '—' : `${score.value.toFixed(1)} (${score.low.toFixed(1)} … ${score.high.toFixed(1)})`,
    valued(metrics?.ttftMs, ttftMs.unit, gains?.ttft),
    valued(metrics?.outputTokensPerSecond, outputTokensPerSecond.unit, gains?.throughput),
    valued(metrics?.memoryBytes, memoryBytes.unit, gains?.memory),
    row.startupMs === null ? '—' : formatValue(row.startupMs, 'ms'),
    `${row.measurements} in ${row.cells} cells, ${row.status}`,
  ];
}

function whenWords({ when }: Fallback): string {
  if ('memoryAbove' in when) return `More than ${Math.round(100 * when.memoryAbove)} % of the memory in use`;
  if ('memoryConstrained' in when) return 'Less memory than the plan takes';
  return `TTFT above ${formatValue(when.ttftAboveMs, 'ms')}`;
}

function summary(run: TuneRun, plan: BestPlan | null): ReportPart[] {
  const { models, profile } = resolveTuning(run.scenario);
  const { full, taken, extra, anchors, skipped } = run.counts;
  const lengths = `contexts ${profile.contexts.join(', ')}; outputs ${profile.outputs.join(', ')}`;
  const weights = `TTFT ${profile.weights.ttft}, throughput ${profile.weights.throughput}, memory ${profile.weights.memory}`;
  const parts: ReportPart[] = [
    {
      kind: 'text',
      text: `${models.join(', ')}, profile ${profile.name} (${lengths}; weights ${weights}). ${run.about}`,
    },
  ];
  if (plan !== null) {
    const { gains, score } = plan.metrics;
    const sure =
      plan.confidence === null
        ? ''
        : ` With a chance of ${chanceWords(plan.confidence)} no other setting is better by more than half a percent.`;
    parts.push({
      kind: 'text',
      text: `Best: ${plan.label}. Score ${score.value.toFixed(1)} (95 % interval ${score.low.toFixed(1)} … ${score.high.toFixed(1)}; the baseline is 100): TTFT ${ratio(gains.ttft)}, throughput ${ratio(gains.throughput)}, memory ${ratio(gains.memory)} as good as the baseline.${sure}`,
    });
  }
  parts.push({
    kind: 'text',
    text: `${taken} of ${full} measurements were taken (${((100 * taken) / Math.max(1, full)).toFixed(1)} %), ${extra} of them to tell the first from the others, and ${anchors} more of the baseline against drift. Skipped: ${skipped.halved} by halving, ${skipped.separated} because they were certainly behind, ${skipped.infeasible} of impossible settings, ${skipped.unfinished} not reached.`,
  });
  return parts;
}

function refusals(run: TuneRun): ReportPart[] {
  const reasons = new Map<string, number>();
  for (const { status, reason } of run.rows) {
    if (status === 'infeasible' && reason !== null) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const items = [
    ...[...reasons].slice(0, MOST_REASONS).map(([reason, count]) => `${count} settings: ${reason}`),
    ...run.dropped.slice(0, MOST_REASONS).map(({ reason }) => `Cell dropped: ${reason}`),
  ];
  return items.length === 0
    ? []
    : [
        { kind: 'heading', text: 'What could not run', level: 2 },
        { kind: 'list', items },
      ];
}

export function tuneReport(run: TuneRun): ReportPart[] {
  const plan = bestPlanOf(run);
  const mostCells = Math.max(0, ...run.rows.map(({ cells }) => cells));
  const ranked = run.ranking.slice(0, MOST_ROWS).flatMap((at, place) => {
    const row = run.rows[at];
    return row === undefined ? [] : [cellsOf(row, place + 1, mostCells)];
  });
  const fallbacks = (plan?.fallbacks ?? []).map((fallback) => `${whenWords(fallback)}: ${fallback.reason}`);
  return [
    { kind: 'heading', text: run.title, level: 1 },
    ...summary(run, plan),
    { kind: 'figures', figures: figuresFor(run) },
    { kind: 'heading', text: 'Ranking', level: 2 },
    {
      kind: 'table',
      head: ['', 'Settings', 'Score (95 %)', 'TTFT', 'Throughput', 'Memory', 'Start-up', 'Measured'],
      rows: ranked,
    },
    {
      kind: 'text',
      text: `* beaten by no other in TTFT, throughput and memory together. ${TUNE_METRICS.score.definition} ${TUNE_METRICS.gain.definition}`,
    },
    ...(fallbacks.length === 0
      ? []
      : ([
          { kind: 'heading', text: 'Fallbacks', level: 2 },
          { kind: 'list', items: fallbacks },
        ] as const)),
    ...refusals(run),
    ...(plan === null
      ? []
      : ([
          { kind: 'heading', text: 'Settings', level: 2 },
          { kind: 'code', text: JSON.stringify(plan.config, null, 2), language: 'json' },
        ] as const)),
    ...(run.notes.length === 0
      ? []
      : ([
          { kind: 'heading', text: 'Notes', level: 2 },
          { kind: 'list', items: run.notes },
        ] as const)),
    {
      kind: 'text',
      text: `${run.origin}, KV Lab ${run.appVersion}${run.createdAt === '' ? '' : `, ${run.createdAt}`}${run.command === null ? '' : `: ${run.command}`}`,
    },
  ];
}

/** The figures are files beside it, by their names. */
export function tuneReportMarkdown(run: TuneRun): string {
  return reportMarkdown(tuneReport(run));
}

/** One file with everything inside; what comes from outside is text in it and never markup. */
export function tuneReportHtml(run: TuneRun): string {
  return reportHtml(run.title, tuneReport(run));
}
