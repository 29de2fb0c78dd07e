/** Quality against bytes: what each cache costs and is worth, and which of them no other beats. */
import {
  BYTES_DEFINITION,
  QUALITY_METRICS,
  type QualityId,
} from '../../../core/metrics/quality/definitions.ts';
import { paretoFront } from '../../../core/metrics/quality/pareto.ts';
import type { QualityEstimate, QualitySummary } from '../../../core/metrics/quality/summarize.ts';
import type { QualityRun } from '../../../core/run/quality.ts';
import type { FigureAxis, FigurePoint, FigureSeries, FigureSpec } from '../../figure.ts';
import { formatValue } from '../../format.ts';
import { SERIES_COLOURS } from '../../theme.ts';
import { qualityProvenance } from './subject.ts';

type Plotted = Extract<
  QualityId,
  'recall' | 'klDivergence' | 'perplexity' | 'top1Agreement' | 'attentionError'
>;

const ESTIMATES: Readonly<Record<Plotted, (summary: QualitySummary) => QualityEstimate | null>> = {
  recall: ({ recall }) => recall,
  klDivergence: ({ klDivergence }) => klDivergence,
  perplexity: ({ perplexity }) => perplexity,
  top1Agreement: ({ top1Agreement }) => top1Agreement,
  attentionError: ({ attentionError }) => attentionError,
};

const X: FigureAxis = { label: 'KV bytes held for each token of context', unit: 'bytes', scale: 'log' };

/** Which caches belong together, in words. */
function familyOf({ cell, emulated }: QualitySummary): string {
  if (cell.variant !== null) return 'variants of keys (emulated)';
  if (cell.policy !== 'none') return cell.policy;
  return emulated ? 'mixed formats (emulated)' : 'formats';
}

interface Placed {
  readonly summary: QualitySummary;
  readonly estimate: QualityEstimate;
}

function pointOf({ summary, estimate }: Placed): FigurePoint {
  const { value, interval, samples } = estimate;
  return {
    x: summary.heldBytesPerToken,
    y: value,
    label: summary.label,
    n: samples,
    ...(interval && { low: interval.low, high: interval.high }),
    ...(summary.emulated && { detail: 'Emulated.' }),
  };
}

/** Policies that rank by the norms of keys and values share a colour where there are more families than colours. */
const BY_NORMS: readonly string[] = ['knorm', 'paged-eviction'];

function seriesOf(placed: readonly Placed[]): FigureSeries[] {
  const all = [...new Set(placed.map(({ summary }) => familyOf(summary)))];
  const shared = all.filter((family) => BY_NORMS.includes(family));
  const names = all.length > SERIES_COLOURS ? shared.join(', ') : '';
  const nameOf = (summary: QualitySummary): string => {
    const family = familyOf(summary);
    return names !== '' && shared.includes(family) ? names : family;
  };
  return [...new Set(placed.map(({ summary }) => nameOf(summary)))].map((family, colour) => ({
    id: family,
    label: family,
    colour,
    points: placed.filter(({ summary }) => nameOf(summary) === family).map(pointOf),
  }));
}

function frontOf(placed: readonly Placed[], better: 'higher' | 'lower'): Placed[] {
  const sign = better === 'higher' ? 1 : -1;
  return paretoFront(
    placed.map(({ summary, estimate }) => ({
      cost: summary.heldBytesPerToken,
      worth: sign * estimate.value,
    })),
  ).flatMap((index) => placed[index] ?? []);
}

function finding(front: readonly Placed[], id: Plotted): string {
  const { unit } = QUALITY_METRICS[id];
  const [cheapest, best] = [front[0], front.at(-1)];
  if (!cheapest || !best) return 'No cache was measured.';
  const words = ({ summary, estimate }: Placed): string =>
    `${summary.label} at ${formatValue(summary.heldBytesPerToken, 'bytes')} (${formatValue(estimate.value, unit)})`;
  if (cheapest === best) return `No cache beats ${words(best)} in bytes or in quality.`;
  const between = front.slice(1, -1).map(({ summary }) => summary.label);
  const through = between.length > 0 ? ` through ${between.join(', ')}` : '';
  return `Caches that no other beats in both: from ${words(cheapest)}${through} to ${words(best)}. Values are compared without their intervals.`;
}

/** null where fewer than two caches have the quantity. */
export function qualityAgainstBytes(
  run: QualityRun,
  summaries: readonly QualitySummary[],
  id: Plotted,
): FigureSpec | null {
  const placed = summaries.flatMap((summary): Placed[] => {
    const estimate = ESTIMATES[id](summary);
    return estimate === null ? [] : [{ summary, estimate }];
  });
  if (placed.length < 2) return null;
  const { title, unit, definition, interval, better } = QUALITY_METRICS[id];
  const front = frontOf(placed, better);
  const line: FigureSeries = {
    id: 'front',
    label: 'Pareto front',
    colour: 0,
    role: 'fit',
    points: front.map(({ summary, estimate }) => ({ x: summary.heldBytesPerToken, y: estimate.value })),
  };
  return {
    id: `quality_${id.toLowerCase()}_vs_bytes`,
    mark: 'scatter',
    title: `${title} against KV bytes per token`,
    x: X,
    y: { label: title, unit, scale: 'linear' },
    series: [...seriesOf(placed), line],
    definition: `${definition} ${BYTES_DEFINITION}`,
    intervalMeaning: interval,
    finding: finding(front, id),
    ...qualityProvenance(run, { text: id !== 'recall' && id !== 'attentionError' }),
  };
}
