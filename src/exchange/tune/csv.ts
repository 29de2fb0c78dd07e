/** A tuning as CSV: a row a setting in the order of the ranking, and a row a measurement. Units stand in the names. */
import type { TuneRun } from '../../core/run/tune.ts';
import { TUNE_AXES } from '../../core/scenario/tune/schema.ts';
import { toCsv, type Cell } from '../csv.ts';

const ROW_COLUMNS = [
  'place',
  'status',
  'label',
  ...TUNE_AXES,
  'score',
  'scoreLow',
  'scoreHigh',
  'ttftMs',
  'tpotMs',
  'outputTokensPerSecond',
  'memoryBytes',
  'gainTtft',
  'gainThroughput',
  'gainMemory',
  'startupMs',
  'measurements',
  'cells',
  'pareto',
  'reason',
];

export function tuneRowsToCsv(run: TuneRun): string {
  const places = new Map(run.ranking.map((at, place) => [at, place + 1]));
  const order = [...run.rows.keys()].sort(
    (a, b) => (places.get(a) ?? Infinity) - (places.get(b) ?? Infinity),
  );
  const rows = order.map((at): Cell[] => {
    const row = run.rows[at];
    if (row === undefined) return [];
    const { score, metrics, gains } = row;
    return [
      places.get(at) ?? null,
      row.status,
      row.label,
      ...TUNE_AXES.map((axis) => row.settings[axis]),
      score?.value ?? null,
      score?.low ?? null,
      score?.high ?? null,
      metrics?.ttftMs ?? null,
      metrics?.tpotMs ?? null,
      metrics?.outputTokensPerSecond ?? null,
      metrics?.memoryBytes ?? null,
      gains?.ttft ?? null,
      gains?.throughput ?? null,
      gains?.memory ?? null,
      row.startupMs,
      row.measurements,
      row.cells,
      row.pareto,
      row.reason,
    ];
  });
  return toCsv(ROW_COLUMNS, rows);
}

const SAMPLE_COLUMNS = [
  'label',
  'model',
  'context',
  'output',
  'repetition',
  'ttftMs',
  'tpotMs',
  'outputTokensPerSecond',
  'memoryBytes',
];

export function tuneSamplesToCsv({ samples, rows, cells }: TuneRun): string {
  const lines = samples.candidate.map((candidate, at): Cell[] => {
    const cell = cells[samples.cell[at] ?? 0];
    return [
      rows[candidate]?.label ?? '',
      cell?.model ?? '',
      cell?.context ?? null,
      cell?.output ?? null,
      samples.repetition[at] ?? null,
      samples.ttftMs[at] ?? null,
      samples.tpotMs[at] ?? null,
      samples.outputTokensPerSecond[at] ?? null,
      samples.memoryBytes[at] ?? null,
    ];
  });
  return toCsv(SAMPLE_COLUMNS, lines);
}
