/** Recall by distance, one line a cache; and by depth and distance, one heat map a cache. */
import { QUALITY_METRICS } from '../../../core/metrics/quality/definitions.ts';
import type { QualitySummary } from '../../../core/metrics/quality/summarize.ts';
import type { QualityRun } from '../../../core/run/quality.ts';
import type { FigurePoint, FigureSpec } from '../../figure.ts';
import { formatNumber, formatValue } from '../../format.ts';
import { SERIES_COLOURS } from '../../theme.ts';
import { qualityProvenance } from './subject.ts';

/** Heat maps of one run; its file holds the others. */
const MAX_MAPS = 8;

const { definition: DEFINITION, interval: INTERVAL } = QUALITY_METRICS.recall;

/** The caches that are drawn where there is no room for all: the reference, and those that lose most. */
function telling(summaries: readonly QualitySummary[], most: number): QualitySummary[] {
  if (summaries.length <= most) return [...summaries];
  const [reference, ...others] = summaries;
  const lost = others.toSorted((a, b) => (a.recall?.value ?? 1) - (b.recall?.value ?? 1)).slice(0, most - 1);
  return summaries.filter((summary) => summary === reference || lost.includes(summary));
}

function left(all: number, drawn: number): string[] {
  return all > drawn
    ? [
        `${all - drawn} further caches, which recall as much or more, are not drawn; the table of caches has them.`,
      ]
    : [];
}

export function recallByDistance(run: QualityRun, summaries: readonly QualitySummary[]): FigureSpec | null {
  const asked = summaries.filter(({ recallByDistance: places }) => places.length > 1);
  if (asked.length === 0) return null;
  const drawn = telling(asked, SERIES_COLOURS);
  const provenance = qualityProvenance(run, { text: false });
  return {
    id: 'quality_recall_by_distance',
    mark: 'line',
    title: 'Recall by distance of the fact',
    x: { label: 'From the fact to the answer', unit: 'tokens', scale: 'log' },
    y: { label: 'Recall', unit: 'share', scale: 'linear' },
    series: drawn.map((summary, colour) => ({
      id: summary.label,
      label: summary.label,
      colour,
      dashed: summary.emulated,
      points: summary.recallByDistance.map(({ distance, value, interval, samples }): FigurePoint => ({
        x: distance,
        y: value,
        n: samples,
        ...(interval && { low: interval.low, high: interval.high }),
      })),
    })),
    definition: DEFINITION,
    intervalMeaning: INTERVAL,
    finding: distanceFinding(drawn),
    ...provenance,
    notes: [...(provenance.notes ?? []), ...left(asked.length, drawn.length)],
  };
}

function distanceFinding(summaries: readonly QualitySummary[]): string {
  const [reference, ...others] = summaries;
  const far = reference?.recallByDistance.at(-1);
  if (!far) return 'No question was asked.';
  const full = `At ${formatNumber(far.distance)} tokens the full cache recalls ${formatValue(far.value, 'share')}`;
  const ends = others.flatMap((summary) => {
    const end = summary.recallByDistance.at(-1);
    return end ? [{ label: summary.label, value: end.value }] : [];
  });
  const [worst] = ends.toSorted((a, b) => a.value - b.value);
  const best = ends.toSorted((a, b) => b.value - a.value)[0];
  if (!worst || !best) return `${full}.`;
  if (worst === best) return `${full}, ${best.label} ${formatValue(best.value, 'share')}.`;
  return `${full}, ${best.label} ${formatValue(best.value, 'share')} and ${worst.label} ${formatValue(worst.value, 'share')}.`;
}

const edges = (count: number): number[] => Array.from({ length: count + 1 }, (_, i) => i);

export function recallMaps(run: QualityRun, summaries: readonly QualitySummary[]): FigureSpec[] {
  const asked = summaries.filter(({ recallByPlace }) => recallByPlace.length > 1);
  // A map without a loss looks like that of the reference.
  const lossy = asked.filter(({ recall }, i) => i === 0 || (recall?.value ?? 1) < 1);
  const drawn = telling(lossy, MAX_MAPS);
  return drawn.map((summary) => recallMap(run, summary, left(asked.length, drawn.length)));
}

function recallMap(
  run: QualityRun,
  { label, recallByPlace, recall }: QualitySummary,
  more: readonly string[],
): FigureSpec {
  const provenance = qualityProvenance(run, { text: false });
  const distances = [...new Set(recallByPlace.map(({ distance }) => distance))];
  const depths = [...new Set(recallByPlace.map(({ depth }) => depth ?? 0))];
  const points = recallByPlace.map(({ distance, depth, value, samples, interval }): FigurePoint => {
    const share = formatValue(depth ?? 0, 'share');
    const bounds = interval
      ? `95 % from ${formatValue(interval.low, 'share')} to ${formatValue(interval.high, 'share')}.`
      : '';
    return {
      x: distances.indexOf(distance) + 0.5,
      y: depths.indexOf(depth ?? 0) + 0.5,
      z: value,
      n: samples,
      label: `${formatNumber(distance)} tokens back, depth ${share}`,
      detail: bounds,
    };
  });
  return {
    id: `quality_recall_map_${slug(label)}`,
    mark: 'heatmap',
    title: `Recall by distance and depth: ${label}`,
    x: { label: 'From the fact to the answer, tokens', unit: '', scale: 'linear' },
    y: { label: 'Depth of the fact in its context', unit: '', scale: 'linear' },
    cells: {
      label: 'Recall',
      unit: 'share',
      xEdges: edges(distances.length),
      yEdges: edges(depths.length),
      xLabels: distances.map(formatNumber),
      yLabels: depths.map((depth) => formatValue(depth, 'share')),
      steps: 'even',
      most: 1,
    },
    series: [{ id: label, label: '', colour: 0, points }],
    definition: DEFINITION,
    finding: mapFinding(recallByPlace, recall?.value ?? 0),
    ...provenance,
    notes: [...(provenance.notes ?? []), ...more],
  };
}

function mapFinding(places: QualitySummary['recallByPlace'], all: number): string {
  const worst = places.toSorted((a, b) => a.value - b.value)[0];
  const overall = `Over all places ${formatValue(all, 'share')} of the answers were right`;
  if (!worst || worst.value >= all) return `${overall}, at every place alike.`;
  return `${overall}; fewest at ${formatNumber(worst.distance)} tokens and depth ${formatValue(worst.depth ?? 0, 'share')}: ${formatValue(worst.value, 'share')}.`;
}

/** Letters and digits of a label, for ids and file names. */
export function slug(label: string): string {
  return label
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
}
