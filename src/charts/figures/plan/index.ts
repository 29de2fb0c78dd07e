/** The figures of a plan, in the order in which they are read. */
import type { PlanRun } from '../../../core/run/plan.ts';
import type { FigureSpec } from '../../figure.ts';
import { fleetFigure } from './fleet.ts';
import { utilizationByHour } from './hours.ts';
import { memoryWaterfall } from './memory.ts';
import { planPareto, type ParetoAxes } from './pareto.ts';
import { roofline } from './roofline.ts';

/** Trades that a plan's rows are drawn by. */
export const PARETO_AXES: readonly ParetoAxes[] = [
  { x: 'costPerMillionOutputTokens', y: 'tpotMs' },
  { x: 'tokensPerSecondPerUser', y: 'outputTokensPerSecondPerGpu' },
  { x: 'costPerMillionOutputTokens', y: 'qualityLossPercent' },
];

export function planFigures(run: PlanRun): FigureSpec[] {
  return [
    memoryWaterfall(run),
    roofline(run),
    ...PARETO_AXES.map((axes) => planPareto(run, axes)),
    fleetFigure(run),
    utilizationByHour(run),
  ].flatMap((figure) => figure ?? []);
}
