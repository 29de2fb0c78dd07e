/** The rows of a plan as CSV: what was looked at beside the choice, one a line. An empty cell is a number that is not known. */
import type { PlanRow, PlanRun } from '../../core/run/plan.ts';
import { toCsv, type Cell } from '../csv.ts';

const COLUMNS: readonly (readonly [name: string, read: (row: PlanRow) => Cell])[] = [
  ['gpu', ({ choice }) => choice.gpu],
  ['gpus', ({ choice }) => choice.gpus],
  ['replicas', ({ choice }) => choice.replicas],
  ['tensorParallel', ({ choice }) => choice.tensorParallel],
  ['pipelineParallel', ({ choice }) => choice.pipelineParallel],
  ['weights', ({ choice }) => choice.weights],
  ['kvFormat', ({ choice }) => choice.kvFormat],
  ['feasible', ({ feasible }) => (feasible ? 'yes' : 'no')],
  ['reason', ({ reason }) => reason],
  ['ttft [ms]', ({ ttftMs }) => ttftMs],
  ['tpot [ms]', ({ tpotMs }) => tpotMs],
  ['output [tokens/s]', ({ outputTokensPerSecond }) => outputTokensPerSecond],
  ['cost [$/h]', ({ costPerHour }) => costPerHour],
  ['cost [$/million output tokens]', ({ costPerMillionOutputTokens }) => costPerMillionOutputTokens],
  ['energy [J/output token]', ({ joulesPerOutputToken }) => joulesPerOutputToken],
  ['quality loss [%]', ({ qualityLossPercent }) => qualityLossPercent],
  ['pareto', ({ pareto }) => (pareto ? 'yes' : 'no')],
];

export function planRowsToCsv(run: PlanRun): string {
  return toCsv(
    COLUMNS.map(([name]) => name),
    run.rows.map((row) => COLUMNS.map(([, read]) => read(row))),
  );
}
