/** The rows of a search by two quantities: what nothing beats in both, what was chosen, and the rest. */
import { paretoFront } from '../../../core/metrics/quality/pareto.ts';
import type { PlanRow, PlanRun } from '../../../core/run/plan.ts';
import type { FigurePoint, FigureSeries, FigureSpec } from '../../figure.ts';
import { formatValue } from '../../format.ts';
import { PLAN_QUANTITIES, type PlanQuantity, type PlanQuantityId } from './quantities.ts';
import { choiceWords, hardwareWords, planProvenance } from './subject.ts';

/** The page redraws them while a slider moves. */
const MAX_CLOUD = 300;

interface Placed {
  readonly row: PlanRow;
  readonly x: number;
  readonly y: number;
}

export interface ParetoAxes {
  readonly x: PlanQuantityId;
  readonly y: PlanQuantityId;
}

function pointOf({ row, x, y }: Placed): FigurePoint {
  const { choice } = row;
  return {
    x,
    y,
    label: hardwareWords(choice),
    detail: `${choiceWords(choice)}, ${choice.replicas} replicas`,
  };
}

function onFront(placed: readonly Placed[], x: PlanQuantity, y: PlanQuantity): Placed[] {
  const sign = (quantity: PlanQuantity): number => (quantity.better === 'more' ? 1 : -1);
  const traded = placed.map((one) => ({ cost: -sign(x) * one.x, worth: sign(y) * one.y }));
  return paretoFront(traded).flatMap((index) => placed[index] ?? []);
}

/** The deployment as a row beside the others. */
function chosenRow({ deployment }: PlanRun): PlanRow | null {
  if (!deployment?.speed) return null;
  const { choice, speed, cost, energy, quality } = deployment;
  return {
    choice,
    feasible: true,
    reason: null,
    ttftMs: speed.ttftMs,
    tpotMs: speed.tpotMs,
    outputTokensPerSecond: speed.outputTokensPerSecond,
    costPerHour: cost?.perHour ?? null,
    costPerMillionOutputTokens: cost?.perMillionOutputTokens ?? null,
    joulesPerOutputToken: energy?.joulesPerOutputToken ?? null,
    qualityLossPercent: quality.lossPercent,
    pareto: true,
  };
}

/** Null where fewer than two rows have both quantities. */
export function planPareto(run: PlanRun, axes: ParetoAxes): FigureSpec | null {
  const [x, y]: [PlanQuantity, PlanQuantity] = [PLAN_QUANTITIES[axes.x], PLAN_QUANTITIES[axes.y]];
  const place = (row: PlanRow): Placed[] => {
    const [px, py] = [x.of(row), y.of(row)];
    return row.feasible && px !== null && py !== null ? [{ row, x: px, y: py }] : [];
  };
  const placed = run.rows.flatMap(place);
  if (placed.length < 2) return null;
  const front = onFront(placed, x, y);
  const row = run.feasible ? chosenRow(run) : null;
  const chosen = row === null ? [] : place(row);
  const same = (one: Placed): boolean => chosen.some((plan) => plan.x === one.x && plan.y === one.y);
  const others = placed.filter((one) => !front.includes(one) && !same(one));
  const unbeaten = front.filter((one) => !same(one));
  return {
    id: `plan_${axes.y}_vs_${axes.x}`.toLowerCase(),
    mark: 'scatter',
    title: `${y.label} against ${lowerFirst(x.label)}`,
    x: { label: x.label, unit: x.unit, scale: x.scale },
    y: { label: y.label, unit: y.unit, scale: y.scale },
    series: [
      ...series('others', 'Other settings that work', 6, others.slice(0, MAX_CLOUD)),
      ...series('front', 'Not beaten in both', 0, unbeaten),
      ...series('chosen', 'The plan', 1, chosen, true),
      { id: 'line', label: '', colour: 0, role: 'fit', points: front.map((one) => ({ x: one.x, y: one.y })) },
    ],
    definition: `${y.definition} ${x.definition}`,
    finding: findingOf(front, x, y),
    notes: notesOf(run, others.length),
    ...planProvenance(run, null),
  };
}

function series(
  id: string,
  label: string,
  colour: number,
  placed: readonly Placed[],
  broad = false,
): FigureSeries[] {
  if (placed.length === 0) return [];
  return [{ id, label, colour, points: placed.map(pointOf), ...(broad && { broad }) }];
}

/** `Cost of an hour` within a sentence; names in capitals stay. */
function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? `${text.charAt(0).toLowerCase()}${text.slice(1)}` : text;
}

function findingOf(front: readonly Placed[], x: PlanQuantity, y: PlanQuantity): string {
  const [first, last] = [front[0], front.at(-1)];
  if (!first || !last) return 'No setting has both quantities.';
  const words = ({ row, x: px, y: py }: Placed): string =>
    `${hardwareWords(row.choice)} (${formatValue(px, x.unit)}, ${formatValue(py, y.unit)})`;
  if (first === last) return `Nothing beats ${words(first)} in ${x.words} or in ${y.words}.`;
  return `${front.length} settings are not beaten in both ${x.words} and ${y.words}: from ${words(first)} to ${words(last)}.`;
}

function notesOf({ rows, searched }: PlanRun, others: number): string[] {
  const infeasible = rows.filter(({ feasible }) => !feasible).length;
  return [
    `${searched.candidates} settings were looked at; ${Math.max(searched.infeasible, infeasible)} cannot work.`,
    ...(others > MAX_CLOUD ? [`Of those that are beaten, the ${MAX_CLOUD} best are drawn.`] : []),
  ];
}
