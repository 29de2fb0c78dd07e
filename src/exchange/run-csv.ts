/** Any run as CSV: a row a request, a point, a sample of its series, or a measurement. */
import type { Run, ServeRun, SimRun } from '../core/run/schema.ts';
import { autopilotPlansToCsv, autopilotSeriesToCsv } from './autopilot/csv.ts';
import { importedToCsv } from './imported/csv.ts';
import { loadPointsToCsv, loadRequestsToCsv, watchToCsv } from './load/csv.ts';
import { planRowsToCsv } from './plan/csv.ts';
import { qualityPointsToCsv, qualitySamplesToCsv } from './quality-files.ts';
import { checkToCsv, pointsToCsv, requestsToCsv } from './run-files.ts';
import { servePointsToCsv, serveRequestsToCsv, serveStepsToCsv } from './serve-files.ts';
import { simPointsToCsv, simRequestsToCsv, simSeriesToCsv } from './sim-files.ts';
import { tuneRowsToCsv, tuneSamplesToCsv } from './tune/csv.ts';

export type CsvRows = 'requests' | 'points' | 'series' | 'measurements';

/** What of a simulation goes into a table; a measured run has no series. */
const SIM_CSV: Readonly<Record<CsvRows, (run: SimRun) => string>> = {
  requests: simRequestsToCsv,
  points: simPointsToCsv,
  series: simSeriesToCsv,
  measurements: simPointsToCsv,
};

/** Of a serving run the series are its steps. */
const SERVE_CSV: Readonly<Record<CsvRows, (run: ServeRun) => string>> = {
  requests: serveRequestsToCsv,
  points: servePointsToCsv,
  series: serveStepsToCsv,
  measurements: servePointsToCsv,
};

/** Tables that a kind of run has, the shortest first. */
export const CSV_ROWS: Readonly<Record<Run['kind'], readonly CsvRows[]>> = {
  lab: ['points', 'requests'],
  check: ['measurements'],
  simulate: ['points', 'requests', 'series'],
  quality: ['points', 'requests'],
  serve: ['points', 'requests', 'series'],
  tune: ['points', 'requests'],
  plan: ['points'],
  load: ['points', 'requests'],
  watch: ['series'],
  autopilot: ['points', 'series'],
  imported: ['points'],
};

export function csvOf(run: Run, rows: CsvRows): string {
  switch (run.kind) {
    case 'simulate':
      return SIM_CSV[rows](run);
    case 'check':
      return checkToCsv(run);
    case 'quality':
      return rows === 'points' ? qualityPointsToCsv(run) : qualitySamplesToCsv(run);
    case 'serve':
      return SERVE_CSV[rows](run);
    case 'tune':
      return rows === 'points' ? tuneRowsToCsv(run) : tuneSamplesToCsv(run);
    case 'plan':
      return planRowsToCsv(run);
    case 'load':
      return rows === 'points' ? loadPointsToCsv(run) : loadRequestsToCsv(run);
    case 'watch':
      return watchToCsv(run);
    case 'autopilot':
      return rows === 'points' ? autopilotPlansToCsv(run) : autopilotSeriesToCsv(run);
    case 'imported':
      return importedToCsv(run);
    case 'lab':
      return rows === 'points' ? pointsToCsv(run) : requestsToCsv(run);
    default:
      return run satisfies never;
  }
}
