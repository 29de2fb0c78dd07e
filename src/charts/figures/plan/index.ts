/** The figures of a plan, in the order in which they are read. */
import type { PlanRun } from '../../../core/run/plan.ts';
import type { FigureSpec } from '../../figure.ts';
import { planComparison } from './comparison.ts';
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

/** Those of a plan; beside another one, how the two compare stands first. */
export function planFiguresFor(run: PlanRun, other?: PlanRun): FigureSpec[] {
  const compared = other === undefined ? null : planComparison(run, other);
  return compared === null ? planFigures(run) : [compared, ...planFigures(run)];
}

export function planFigures(run: PlanRun): FigureSpec[] {
  return [
    memoryWaterfall(run),
    roofline(run),
    ...PARETO_AXES.map((axes) => planPareto(run, axes)),
    fleetFigure(run),
    utilizationByHour(run),
  ].flatMap((figure) => figure ?? []);
}
