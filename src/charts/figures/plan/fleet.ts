/** What each GPU would cost for the load: its best settings, or why there are none. */
import type { PlanChoice, PlanRow, PlanRun } from '../../../core/run/plan.ts';
import type { FigurePoint, FigureSeries, FigureSpec } from '../../figure.ts';
import { formatNumber, formatValue } from '../../format.ts';
import { hardwareWords, planProvenance } from './subject.ts';

/** Names have to stand under their bars; the table has all. */
const MAX_GPUS = 8;
const MAX_REFUSED = 2;

const DEFINITION =
  'Dollars an hour of all GPUs that the load takes, with the best settings that the search found for each kind of GPU. A cross: no setting works on it.';

/** The best row of each GPU: rows come best first, and one that works goes before any that does not. */
export function bestByGpu(rows: readonly PlanRow[]): PlanRow[] {
  const best = new Map<string, PlanRow>();
  for (const row of rows) {
    const known = best.get(row.choice.gpu);
    if (known === undefined || (row.feasible && !known.feasible)) best.set(row.choice.gpu, row);
  }
  return [...best.values()];
}

/** Names of GPUs by id; where two records have one name, the id tells them apart. */
function namesOf(rows: readonly PlanRow[]): Map<string, string> {
  const names = rows.map(({ choice }) => choice.gpuName);
  return new Map(
    rows.map(({ choice: { gpu, gpuName } }) => [
      gpu,
      names.filter((name) => name === gpuName).length > 1 ? gpu : gpuName,
    ]),
  );
}

function settingsWords({ weights, kvFormat, gpus, replicas }: PlanChoice): string {
  return `${gpus} GPUs in ${replicas} replicas, ${weights} weights, ${kvFormat} KV`;
}

/** Null where fewer than two GPUs were looked at. */
export function fleetFigure(run: PlanRun): FigureSpec | null {
  const best = bestByGpu(run.rows);
  if (best.length < 2) return null;
  const cost = ({ costPerHour }: PlanRow): number => costPerHour ?? Infinity;
  const working = best
    .filter((row) => row.feasible && row.costPerHour !== null)
    .sort((a, b) => cost(a) - cost(b));
  const refused = best.filter(({ feasible }) => !feasible);
  const unpriced = best.filter((row) => row.feasible && row.costPerHour === null);
  const shown = [...working.slice(0, MAX_GPUS), ...refused.slice(0, MAX_REFUSED)];
  const names = namesOf(best);
  const nameOf = (row: PlanRow): string => names.get(row.choice.gpu) ?? row.choice.gpu;
  const pointOf = (row: PlanRow): FigurePoint => ({
    x: nameOf(row),
    y: row.feasible ? row.costPerHour : null,
    ...(row.reason !== null && { reason: row.reason }),
    detail: settingsWords(row.choice),
  });
  const chosen = run.deployment?.choice.gpu ?? null;
  const isChosen = ({ choice }: PlanRow): boolean => choice.gpu === chosen;
  const series: FigureSeries[] = [
    { id: 'chosen', label: 'The plan', colour: 1, points: shown.filter(isChosen).map(pointOf) },
    {
      id: 'others',
      label: 'Other GPUs',
      colour: 0,
      points: shown.filter((row) => !isChosen(row)).map(pointOf),
    },
  ];
  return {
    id: 'plan_fleet',
    mark: 'bar',
    title: 'What the load costs on each GPU',
    x: { label: '', unit: '', scale: 'category', categories: shown.map(nameOf) },
    y: { label: 'Cost of an hour', unit: '$/h', scale: 'linear' },
    series: series.filter(({ points }) => points.length > 0),
    definition: DEFINITION,
    finding: findingOf(working, nameOf),
    notes: [
      ...(working.length > MAX_GPUS
        ? [`${working.length} GPUs can carry the load; the ${MAX_GPUS} cheapest are drawn.`]
        : []),
      ...(refused.length > 0 ? [`${refused.length} GPUs cannot.`] : []),
      ...(unpriced.length > 0
        ? [`Without a price, and so not drawn: ${unpriced.map(nameOf).join(', ')}.`]
        : []),
    ],
    ...planProvenance(run, null),
  };
}

function findingOf(working: readonly PlanRow[], nameOf: (row: PlanRow) => string): string {
  const [first, second] = working;
  if (!first || first.costPerHour === null) return 'No GPU with a price carries the load.';
  const price = formatValue(first.costPerHour, '$/h');
  const cheapest = `${hardwareWords({ ...first.choice, gpuName: nameOf(first) })} carries the load for least, ${price}`;
  if (!second || second.costPerHour === null || first.costPerHour === 0) return `${cheapest}.`;
  const more = formatNumber((second.costPerHour / first.costPerHour - 1) * 100);
  return `${cheapest}; next is ${nameOf(second)}, ${more} % more.`;
}
