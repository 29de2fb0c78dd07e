/** `kvlab/charts`: runs as figures (plain data) and figures as SVG files. Needs no document. */
export { figuresFor } from './figures/index.ts';
export { replayFigures, type ReplaySource } from './figures/replay.ts';
export { renderSvg, type SvgOptions } from './svg.ts';
export { PRINT_DPI, pngOf } from './png.ts';
export { formatInterval, formatNumber, formatValue } from './format.ts';
export type {
  FigureAxis,
  FigureCells,
  FigurePoint,
  FigureReference,
  FigureSamples,
  FigureSeries,
  FigureSpec,
} from './figure.ts';
export { accessFigures, type AccessSource } from './figures/accesses.ts';
export { memoryWaterfall } from './figures/plan/memory.ts';
export { roofline } from './figures/plan/roofline.ts';
export { planPareto, type ParetoAxes } from './figures/plan/pareto.ts';
export { PLAN_QUANTITIES, type PlanQuantityId } from './figures/plan/quantities.ts';
export { fleetFigure } from './figures/plan/fleet.ts';
export { utilizationByHour } from './figures/plan/hours.ts';
export { planComparison } from './figures/plan/comparison.ts';
export { validationFigure } from './figures/plan/validation.ts';
export { planFigures } from './figures/plan/index.ts';
