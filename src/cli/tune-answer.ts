/** What `kvlab tune` answers: the best settings, how sure that is, and the ranking. */
import {
  bestPlanOf,
  chanceWords,
  encodeScenarioLink,
  resolveTuning,
  TUNE_METRICS,
  type BestPlan,
  type TuneRow,
  type TuneRun,
} from '../index.ts';
import { table, valueWithUnit } from './tables.ts';

const SHOWN = 12;

export interface TuneAnswer {
  readonly title: string;
  readonly executor: string;
  readonly origin: string;
  readonly models: readonly string[];
  readonly profile: string;
  readonly complete: boolean;
  /** Null before anything was measured. */
  readonly plan: BestPlan | null;
  readonly confidence: number | null;
  /** The best first, with their places in `ranking`. */
  readonly ranking: readonly (TuneRow & { readonly place: number })[];
  readonly pareto: readonly string[];
  readonly infeasible: readonly { readonly label: string; readonly reason: string | null }[];
  readonly cells: TuneRun['cells'];
  readonly dropped: TuneRun['dropped'];
  readonly counts: TuneRun['counts'];
  /** Of all measurements of a full grid. */
  readonly measuredShare: number;
  readonly notes: readonly string[];
  /** What stands behind # in the address of a page that is to open the tuning. */
  readonly link: string;
  readonly wallSeconds: number;
}

export async function tuneAnswer(run: TuneRun, wallSeconds: number): Promise<TuneAnswer> {
  const { models, profile } = resolveTuning(run.scenario);
  const { taken, full } = run.counts;
  return {
    title: run.title,
    executor: run.scenario.executor,
    origin: run.origin,
    models,
    profile: profile.name,
    complete: run.complete,
    plan: bestPlanOf(run),
    confidence: run.confidence,
    ranking: run.ranking.flatMap((at, place) => {
      const row = run.rows[at];
      return row === undefined ? [] : [{ place: place + 1, ...row }];
    }),
    pareto: run.rows.filter(({ pareto }) => pareto).map(({ label }) => label),
    infeasible: run.rows
      .filter(({ status }) => status === 'infeasible')
      .map(({ label, reason }) => ({ label, reason })),
    cells: run.cells,
    dropped: run.dropped,
    counts: run.counts,
    measuredShare: full === 0 ? 0 : taken / full,
    notes: run.notes,
    link: await encodeScenarioLink(run.scenario, null),
    wallSeconds,
  };
}

/** Times as good as the baseline: so settings that were left early can stand beside those measured everywhere. */
function cells({ place, label, score, gains, pareto, cells: seen }: TuneAnswer['ranking'][number]): string[] {
  const times = (gain: number | undefined): string => (gain === undefined ? '—' : `×${gain.toFixed(2)}`);
  return [
    `${place}${pareto ? ' *' : ''}`,
    score === null ? '—' : score.value.toFixed(1),
    score === null ? '' : `${score.low.toFixed(1)} … ${score.high.toFixed(1)}`,
    times(gains?.ttft),
    times(gains?.throughput),
    times(gains?.memory),
    String(seen),
    label,
  ];
}

function metricsWords({ ttftMs, outputTokensPerSecond, memoryBytes }: BestPlan['metrics']['best']): string {
  return [
    `TTFT ${valueWithUnit(ttftMs, TUNE_METRICS.ttftMs.unit)}`,
    valueWithUnit(outputTokensPerSecond, TUNE_METRICS.outputTokensPerSecond.unit),
    memoryBytes === 0 ? 'memory not told' : valueWithUnit(memoryBytes, 'B'),
  ].join(', ');
}

export function tuneText(run: TuneRun, answer: TuneAnswer): string {
  const { counts, plan, confidence } = answer;
  const { skipped } = counts;
  const sure =
    confidence === null
      ? ''
      : `, nothing better by more than half a percent with a chance of ${chanceWords(confidence)}`;
  return [
    `${answer.title}: ${answer.models.join(', ')}, profile ${answer.profile}. ${run.about}\n\n`,
    table([
      ['', 'score', '95 %', 'TTFT', 'output', 'memory', 'cells', 'settings (* beaten by none in all three)'],
      ...answer.ranking.slice(0, SHOWN).map(cells),
    ]),
    plan === null
      ? ''
      : `\nBest: ${plan.label}: ${metricsWords(plan.metrics.best)} (baseline: ${metricsWords(plan.metrics.baseline)})${sure}.\n`,
    `${counts.taken} of ${counts.full} measurements (${(100 * answer.measuredShare).toFixed(1)} %), ${counts.anchors} more of the baseline; skipped ${skipped.halved} by halving, ${skipped.separated} certainly behind, ${skipped.infeasible} impossible, ${skipped.unfinished} not reached. ${answer.wallSeconds.toFixed(1)} s\n`,
    ...answer.dropped.map(({ reason }) => `Dropped: ${reason}\n`),
    ...answer.notes.map((note) => `${note}\n`),
  ].join('');
}
