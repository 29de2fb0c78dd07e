/** An access profile as figures: heat map, hit rate over time, reuse distances, miss-ratio curves. */
import { ACCESS_DEFINITIONS, type AccessProfile, type AccessSummary } from '../../core/metrics/accesses.ts';
import type { AccessHeatMap, HitRateOverTime } from '../../core/metrics/accesses-heatmap.ts';
import type { MissRatioCurves } from '../../core/metrics/accesses-missratio.ts';
import type { ReuseHistogram } from '../../core/metrics/accesses-reuse.ts';
import type { ReplayPolicyName } from '../../core/eviction/blocks/index.ts';
import type { Origin } from '../../core/run/schema.ts';
import type { FigurePoint, FigureSeries, FigureSpec } from '../figure.ts';
import { formatNumber, formatValue } from '../format.ts';

/** Whose accesses they are. */
export interface AccessSource {
  /** Model, GPU and workload of a run, or the name of a log. */
  readonly subtitle: string;
  readonly origin: Origin;
  readonly notes?: readonly string[];
  readonly source: FigureSpec['source'];
}

/** Every figure that the profile has the numbers for. */
export function accessFigures(profile: AccessProfile, source: AccessSource): FigureSpec[] {
  const { summary, heatmap, hitRate, reuse, missRatio } = profile;
  return [
    ...(heatmap ? [heatMapFigure(heatmap, summary, source)] : []),
    ...(hitRate ? [hitRateFigure(hitRate, summary, source)] : []),
    ...(reuse ? [reuseFigure(reuse, summary, source)] : []),
    ...(missRatio ? [missRatioFigure(missRatio, source)] : []),
  ];
}

const percent = (share: number): string => formatValue(share, 'share');

function timeAxis({ timeUnit }: AccessSummary): FigureSpec['x'] {
  return { label: timeUnit === '' ? 'Time as recorded' : 'Time', unit: timeUnit, scale: 'linear' };
}

function heatMapFigure(map: AccessHeatMap, summary: AccessSummary, source: AccessSource): FigureSpec {
  const { timeEdges, blockEdges, counts, hits } = map;
  const points = counts.flatMap((row, r) =>
    row.flatMap((count, c): FigurePoint[] => {
      if (count === 0) return [];
      const had = hits[r]?.[c] ?? 0;
      const place = { x: middleOf(timeEdges, c), y: middleOf(blockEdges, r) };
      return [{ ...place, z: count, detail: `${had} of them were hits.` }];
    }),
  );
  const { accesses, blocks, blocksUsedOnce, topTenthShare } = summary;
  return {
    id: 'accesses_heatmap',
    mark: 'heatmap',
    title: 'Block accesses over time',
    x: timeAxis(summary),
    y: { label: 'Block, by first use', unit: '', scale: 'linear' },
    cells: { label: 'Accesses', unit: '', xEdges: widened(timeEdges), yEdges: blockEdges },
    series: [{ id: 'accesses', label: 'Accesses', colour: 0, points }],
    definition: ACCESS_DEFINITIONS.heatmap,
    finding: `Of ${formatNumber(accesses)} accesses ${percent(topTenthShare)} go to the busiest tenth of ${formatNumber(blocks)} blocks; ${formatNumber(blocksUsedOnce)} blocks are used once.`,
    ...source,
  };
}

/** One moment becomes a column, too. */
function widened(edges: readonly number[]): readonly number[] {
  const [first = 0, last = first] = [edges[0], edges.at(-1)];
  return last > first ? edges : [first - 0.5, first + 0.5];
}

function middleOf(edges: readonly number[], at: number): number {
  return ((edges[at] ?? 0) + (edges[at + 1] ?? 0)) / 2;
}

function hitRateFigure(rate: HitRateOverTime, summary: AccessSummary, source: AccessSource): FigureSpec {
  const { timeEdges, accesses, hits } = rate;
  const points = accesses.map((count, at): FigurePoint => {
    const x = middleOf(timeEdges, at);
    if (count === 0) return { x, y: null, reason: 'No access in this span of time.' };
    return { x, y: (hits[at] ?? 0) / count, n: count };
  });
  const { hitRatio, unboundedHitRatio } = summary;
  return {
    id: 'accesses_hitrate',
    mark: 'line',
    title: 'Hit rate over time',
    x: timeAxis(summary),
    y: { label: 'Hit rate', unit: 'share', scale: 'linear' },
    series: [{ id: 'hit-rate', label: '', colour: 0, points }],
    references: [{ y: unboundedHitRatio, label: 'with room for everything' }],
    definition: ACCESS_DEFINITIONS.hitRate,
    finding: `${percent(hitRatio)} of all accesses were hits; a cache that forgets nothing would have ${percent(unboundedHitRatio)}.`,
    ...source,
  };
}

function reuseFigure(reuse: ReuseHistogram, summary: AccessSummary, source: AccessSource): FigureSpec {
  const { bins, cold, median, p90 } = reuse;
  const points: FigurePoint[] = [
    ...bins.map(({ from, to, count }) => ({
      x: formatNumber(from),
      y: count,
      ...(to > from ? { detail: `${formatNumber(from)} to ${formatNumber(to)} other blocks.` } : {}),
    })),
    { x: 'first use', y: cold },
  ];
  const finding =
    median === null || p90 === null
      ? `No block is used twice: no cache of any size has a hit among these ${formatNumber(summary.accesses)} accesses.`
      : `Half of all reuses lie within ${formatNumber(median)} other blocks and nine of ten within ${formatNumber(p90)}: an LRU cache of ${formatNumber(median + 1)} blocks has the one, of ${formatNumber(p90 + 1)} blocks the other.`;
  return {
    id: 'accesses_reuse',
    mark: 'bar',
    title: 'Reuse distances',
    x: { label: 'Other blocks used in between, from', unit: '', scale: 'category' },
    y: { label: 'Accesses', unit: '', scale: 'linear' },
    series: [{ id: 'reuse', label: '', colour: 0, points }],
    definition: ACCESS_DEFINITIONS.reuse,
    finding,
    ...source,
  };
}

/** Eleven lines and eight colours: the later ones are dashed. */
const LOOKS: Readonly<Record<ReplayPolicyName, Pick<FigureSeries, 'label' | 'colour' | 'dashed' | 'broad'>>> =
  {
    lru: { label: 'LRU', colour: 0 },
    fifo: { label: 'FIFO', colour: 1 },
    sieve: { label: 'SIEVE', colour: 2 },
    s3fifo: { label: 'S3-FIFO', colour: 3 },
    lfu: { label: 'LFU', colour: 4 },
    arc: { label: 'ARC', colour: 5 },
    gdsf: { label: 'GDSF', colour: 7 },
    clock: { label: 'CLOCK', colour: 1, dashed: true },
    agedecay: { label: 'Age decay', colour: 4, dashed: true },
    suffix: { label: 'Suffix first', colour: 3, dashed: true },
    belady: { label: 'Belady’s optimum', colour: 6, broad: true },
  };

function missRatioFigure(curves: MissRatioCurves, source: AccessSource): FigureSpec {
  const { sizes, floor, knowsDepth, sampledShare } = curves;
  // The broad line lies below the others.
  const ordered = curves.curves.toSorted(
    (a, b) => Number(b.policy === 'belady') - Number(a.policy === 'belady'),
  );
  const series = ordered.map(({ policy, missRatio }): FigureSeries => {
    const points = sizes.map((x, i) => ({ x, y: missRatio[i] ?? null }));
    return { id: policy, ...LOOKS[policy], points };
  });
  const sampled = `All curves but LRU’s rest on ${percent(sampledShare)} of the blocks, in caches as much smaller.`;
  const flat = 'The log does not say where in its prompt a block lies, so suffix first is LRU.';
  const notes = [
    ...(source.notes ?? []),
    ...(knowsDepth ? [] : [flat]),
    ...(sampledShare < 1 ? [sampled] : []),
    ...hiddenCurves(curves),
  ];
  return {
    id: 'accesses_missratio',
    mark: 'line',
    title: 'Miss ratio by cache size and eviction policy',
    x: { label: 'Blocks in the cache', unit: '', scale: 'log' },
    y: { label: 'Miss ratio', unit: 'share', scale: 'linear' },
    series,
    references: [{ y: floor, label: 'first uses' }],
    definition: ACCESS_DEFINITIONS.missRatio,
    finding: missRatioFinding(curves),
    ...source,
    notes,
  };
}

/** Curves that are drawn over each other, so that nobody looks for one of them in vain. */
function hiddenCurves({ curves }: MissRatioCurves): string[] {
  const alike = new Map<string, string[]>();
  for (const { policy, missRatio } of curves) {
    const key = missRatio.join();
    alike.set(key, [...(alike.get(key) ?? []), LOOKS[policy].label]);
  }
  return [...alike.values()].flatMap((names) =>
    names.length < 2 ? [] : `The same at every size, one line over the other: ${names.join(', ')}.`,
  );
}

/** At the size where the policies differ most from the optimum: who is best, and what is left to win. */
function missRatioFinding({ sizes, curves }: MissRatioCurves): string {
  const optimum = curves.find(({ policy }) => policy === 'belady');
  const others = curves.filter(({ policy }) => policy !== 'belady');
  const at = (policy: { missRatio: readonly number[] } | undefined, i: number): number =>
    policy?.missRatio[i] ?? 0;
  const spread = (i: number): number => {
    const ratios = others.map((curve) => at(curve, i));
    return Math.max(...ratios) - Math.min(...ratios);
  };
  const i = sizes.reduce((best, _, one) => (spread(one) > spread(best) ? one : best), 0);
  const ranked = others.toSorted((a, b) => at(a, i) - at(b, i));
  const [best, worst] = [ranked[0], ranked.at(-1)];
  if (!best || !worst) return 'No policy was replayed.';
  const name = ({ policy }: { policy: ReplayPolicyName }): string => LOOKS[policy].label;
  const ceiling = optimum ? `; the optimum misses ${percent(at(optimum, i))}` : '';
  return `At ${formatNumber(sizes[i] ?? 0)} blocks the policies differ most: ${name(best)} misses ${percent(at(best, i))}, ${name(worst)} ${percent(at(worst, i))}${ceiling}.`;
}
