/** A run as the text of a file; loaded with the first file that is asked for. */
import type { Run, ServeRun, SimRun } from '../core/run/schema.ts';
import { autopilotPlansToCsv, autopilotSeriesToCsv } from '../exchange/autopilot/csv.ts';
import { importedToCsv } from '../exchange/imported/csv.ts';
import { loadPointsToCsv, loadRequestsToCsv, watchToCsv } from '../exchange/load/csv.ts';
import { planRowsToCsv } from '../exchange/plan/csv.ts';
import { qualityPointsToCsv, qualitySamplesToCsv } from '../exchange/quality-files.ts';
import { checkToCsv, pointsToCsv, requestsToCsv } from '../exchange/run-files.ts';
import { servePointsToCsv, serveRequestsToCsv, serveStepsToCsv } from '../exchange/serve-files.ts';
import { simPointsToCsv, simRequestsToCsv, simSeriesToCsv } from '../exchange/sim-files.ts';
import { tuneRowsToCsv, tuneSamplesToCsv } from '../exchange/tune/csv.ts';
import type { CsvRows } from './desk-api.ts';

export { runToJson } from '../exchange/run-files.ts';

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

export function csvOf(run: Run, rows: CsvRows): string {
  if (run.kind === 'simulate') return SIM_CSV[rows](run);
  if (run.kind === 'check') return checkToCsv(run);
  if (run.kind === 'quality') return rows === 'points' ? qualityPointsToCsv(run) : qualitySamplesToCsv(run);
  if (run.kind === 'serve') return SERVE_CSV[rows](run);
  if (run.kind === 'tune') return rows === 'points' ? tuneRowsToCsv(run) : tuneSamplesToCsv(run);
  if (run.kind === 'plan') return planRowsToCsv(run);
  if (run.kind === 'load') return rows === 'points' ? loadPointsToCsv(run) : loadRequestsToCsv(run);
  if (run.kind === 'watch') return watchToCsv(run);
  if (run.kind === 'imported') return importedToCsv(run);
  if (run.kind === 'autopilot')
    return rows === 'points' ? autopilotPlansToCsv(run) : autopilotSeriesToCsv(run);
  return rows === 'points' ? pointsToCsv(run) : requestsToCsv(run);
}
