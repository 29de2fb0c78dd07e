/** Before and after: every quantity that both runs have, how far it moved, with an interval; point beside point. */
import { formatPercent, formatQuantity } from '../../core/metrics/regression/words.ts';
import {
  boundQuantity,
  quantityName,
  type Bounded,
  type RuledQuantity,
  type SampledPoint,
  type SampledRun,
} from '../../core/metrics/regression/index.ts';
import { pooled } from '../../core/metrics/regression/bounds.ts';
import { quantityBetter } from '../../core/metrics/regression/quantity.ts';
import { pointKey, pointWords, SAMPLED_SCALARS } from '../../core/metrics/regression/sampled.ts';
import { createRandom, type Random } from '../../core/random.ts';
import { section, type ReportPart } from './parts.ts';

const LATENCIES = ['ttft', 'tpot', 'itl', 'e2e', 'queue'] as const;
const STATISTICS = ['mean', 50, 95, 99] as const;
/** Two one-sided bounds of 97.5 % are an interval of 95 %. */
const CONFIDENCE = 0.975;
const MOST_POINTS = 12;

const QUANTITIES: readonly RuledQuantity[] = [
  ...LATENCIES.flatMap((latency) =>
    STATISTICS.map((statistic) => ({ kind: 'latency', latency, statistic }) as const),
  ),
  ...SAMPLED_SCALARS.map((scalar) => ({ kind: 'scalar', scalar }) as const),
];

function verdictOf(quantity: RuledQuantity, { bounds }: Bounded): string {
  if (bounds.low <= 0 && bounds.high >= 0) return 'no difference shown';
  return bounds.high < 0 === (quantityBetter(quantity) === 'lower') ? 'better' : 'worse';
}

function signed(share: number): string {
  return `${share > 0 ? '+' : ''}${formatPercent(share)}`;
}

/** Both values at least, else nothing; without an interval the reason why. */
function rowOf(
  quantity: RuledQuantity,
  after: SampledPoint,
  before: SampledPoint,
  random: Random,
): string[] | null {
  const sides = [before.repetitions, after.repetitions] as const;
  const found = boundQuantity(...sides, quantity, 'relative', CONFIDENCE, random);
  if (found.ok) {
    const { a, b, value, bounds } = found.value;
    return [
      quantityName(quantity),
      formatQuantity(quantity, a ?? 0),
      formatQuantity(quantity, b),
      signed(value),
      `${signed(bounds.low)} … ${signed(bounds.high)}`,
      verdictOf(quantity, found.value),
    ];
  }
  const [x, y] = sides.map((side) => pooled(side, quantity));
  if (x == null || y == null || (x === 0 && y === 0)) return null;
  const change = x === 0 ? '' : signed(y / x - 1);
  return [
    quantityName(quantity),
    formatQuantity(quantity, x),
    formatQuantity(quantity, y),
    change,
    '',
    'too few to tell',
  ];
}

export function beforeAfter(after: SampledRun, before: SampledRun): ReportPart[] {
  const ran = (run: SampledRun) => run.points.filter(({ repetitions }) => repetitions.length > 0);
  const [points, others] = [ran(after), ran(before)];
  const single = points.length === 1 && others.length === 1;
  const known = new Map(others.map((point) => [pointKey(point), point]));
  const random = createRandom(1).fork('before and after');
  const pairs = points.flatMap((point) => {
    const other = single ? others[0] : known.get(pointKey(point));
    return other ? [{ point, other }] : [];
  });
  if (pairs.length === 0) {
    const text =
      'No point of the one run has the settings of a point of the other, so nothing stands side by side.';
    return section('Before and after', [{ kind: 'text', text }]);
  }
  const tables = pairs.slice(0, MOST_POINTS).flatMap(({ point, other }, at): ReportPart[] => {
    const rows = QUANTITIES.flatMap((quantity, row) => {
      const cells = rowOf(quantity, point, other, random.fork(`${at} ${row}`));
      return cells === null ? [] : [cells];
    });
    const words = pointWords(point);
    return [
      ...(words === '' ? [] : [{ kind: 'text', text: words } as const]),
      { kind: 'table', head: ['', 'Before', 'After', 'Change', '95 % interval', ''], rows },
    ];
  });
  const left = pairs.length - MOST_POINTS;
  return section('Before and after', [
    {
      kind: 'text',
      text: `Before: ${before.title} (${before.origin}). After: ${after.title} (${after.origin}).`,
    },
    ...tables,
    ...(left > 0 ? [{ kind: 'text', text: `${left} more points are in the runs.` } as const] : []),
  ]);
}
