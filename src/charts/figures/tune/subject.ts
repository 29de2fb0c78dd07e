/** What figures read out of a tuning: the settings that are worth a bar, and the line under the title. */
import { adapterName } from '../../../core/run/adapter-name.ts';
import type { TuneRow, TuneRun } from '../../../core/run/tune.ts';
import { resolveTuning } from '../../../core/scenario/tune/resolved.ts';

const MOST_BARS = 10;

export type MeasuredRow = TuneRow & {
  readonly score: NonNullable<TuneRow['score']>;
  readonly metrics: NonNullable<TuneRow['metrics']>;
  readonly gains: NonNullable<TuneRow['gains']>;
};

function isMeasured(row: TuneRow | undefined): row is MeasuredRow {
  return row !== undefined && row.score !== null && row.metrics !== null && row.gains !== null;
}

/** Every measured row, the best first. */
export function measuredRows(run: TuneRun): MeasuredRow[] {
  return run.ranking.map((at) => run.rows[at]).filter(isMeasured);
}

/** The best ones that were measured in every cell and so can be set side by side; the baseline is always among them. */
export function comparableRows(run: TuneRun): MeasuredRow[] {
  const most = Math.max(0, ...run.rows.map(({ cells }) => cells));
  const rows = measuredRows(run).filter(({ cells }) => cells === most);
  const shown = rows.slice(0, MOST_BARS);
  const baseline = rows.find(({ isBaseline }) => isBaseline);
  return baseline === undefined || shown.includes(baseline) ? shown : [...shown.slice(0, -1), baseline];
}

/** Short enough for an axis. */
export function shortLabel(label: string): string {
  return label.length <= 46 ? label : `${label.slice(0, 44)}…`;
}

export function deviceOf(run: TuneRun): string {
  return run.environment === null
    ? `${run.scenario.hardware.gpu}, simulated`
    : adapterName(run.environment.adapter);
}

export function tuneProvenance(run: TuneRun) {
  const { models, profile } = resolveTuning(run.scenario);
  const cut = run.complete ? [] : ['The tuning is not over; what was measured is shown.'];
  return {
    subtitle: `${models.join(', ')} · ${profile.name} · ${deviceOf(run)}`,
    origin: run.origin,
    notes: [...run.notes, ...cut],
    source: { runId: run.id, command: run.command, createdAt: run.createdAt },
  };
}
