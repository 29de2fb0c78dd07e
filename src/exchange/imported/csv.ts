/** Results of another tool as a table, in the columns that results/csv.ts reads again. One row a point. */
import type { ImportedRun } from '../../core/run/imported.ts';
import { MEASURED_STATISTICS, MEASURED_TIMES, type MeasuredResult } from '../../core/run/measured.ts';
import { toCsv, type Cell } from '../csv.ts';

const NAMES = { ttftMs: 'ttft', tpotMs: 'tpot', itlMs: 'itl', e2eMs: 'e2e' } as const;

const TIME_COLUMNS = MEASURED_TIMES.flatMap((time) =>
  MEASURED_STATISTICS.map((statistic) => ({
    name: `${NAMES[time]}_${statistic}_ms`,
    of: (result: MeasuredResult): Cell => result[time][statistic],
  })),
);

const COLUMNS: readonly { readonly name: string; readonly of: (result: MeasuredResult) => Cell }[] = [
  { name: 'label', of: ({ label }) => label },
  { name: 'model', of: ({ model }) => model },
  { name: 'request_rate', of: ({ load }) => load.requestsPerSecond },
  { name: 'concurrency', of: ({ load }) => load.concurrency },
  { name: 'prompt_tokens', of: ({ load }) => load.promptTokens },
  { name: 'output_tokens', of: ({ load }) => load.outputTokens },
  { name: 'finished', of: ({ requests }) => requests.finished },
  { name: 'failed', of: ({ requests }) => requests.failed },
  { name: 'duration_s', of: ({ durationSeconds }) => durationSeconds },
  { name: 'requests_per_second', of: ({ requestsPerSecond }) => requestsPerSecond },
  { name: 'output_tokens_per_second', of: ({ outputTokensPerSecond }) => outputTokensPerSecond },
  { name: 'kv_tokens', of: ({ memory }) => memory.kvTokens },
  { name: 'weights_bytes', of: ({ memory }) => memory.weightsBytes },
  { name: 'peak_bytes', of: ({ memory }) => memory.peakBytes },
  ...TIME_COLUMNS,
];

export function resultsToCsv(results: readonly MeasuredResult[]): string {
  return toCsv(
    COLUMNS.map(({ name }) => name),
    results.map((result) => COLUMNS.map(({ of }) => of(result))),
  );
}

export function importedToCsv({ points }: ImportedRun): string {
  return resultsToCsv(points);
}
