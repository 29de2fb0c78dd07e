/** The attention error of each layer and head, one heat map a cache. */
import { QUALITY_METRICS } from '../../../core/metrics/quality/definitions.ts';
import { mean } from '../../../core/metrics/percentiles.ts';
import type { QualityPoint, QualityRun } from '../../../core/run/quality.ts';
import { cellLabel } from '../../../core/scenario/quality/cells.ts';
import type { FigurePoint, FigureSpec } from '../../figure.ts';
import { formatNumber, formatValue } from '../../format.ts';
import { qualityProvenance } from './subject.ts';
import { slug } from './recall.ts';

const MAX_MAPS = 8;

/** Those that are furthest from the full cache; the reference itself has no error. */
export function headErrors(run: QualityRun): FigureSpec[] {
  return run.points
    .slice(1)
    .filter(({ attention }) => attention.some(({ errors }) => errors.length > 0))
    .map((point) => ({ point, error: mean(point.attention.map(({ errors }) => mean(errors))) }))
    .sort((a, b) => b.error - a.error)
    .slice(0, MAX_MAPS)
    .map(({ point }) => headMap(run, point));
}

function headMap(run: QualityRun, { cell, attention }: QualityPoint): FigureSpec {
  const { layers, queryHeads } = run.model;
  const label = cellLabel(cell);
  const points = attention.map(({ layer, head, errors }): FigurePoint => ({
    x: layer + 0.5,
    y: head + 0.5,
    z: mean(errors),
    n: errors.length,
    label: `layer ${layer}, head ${head}`,
  }));
  const worst = points.toSorted((a, b) => (b.z ?? 0) - (a.z ?? 0))[0];
  const best = points.toSorted((a, b) => (a.z ?? 0) - (b.z ?? 0))[0];
  const { title, definition } = QUALITY_METRICS.attentionError;
  return {
    id: `quality_heads_${slug(label)}`,
    mark: 'heatmap',
    title: `${title} by layer and head: ${label}`,
    x: { label: 'Layer', unit: '', scale: 'linear' },
    y: { label: 'Query head', unit: '', scale: 'linear' },
    cells: {
      label: 'Error',
      unit: 'share',
      xEdges: Array.from({ length: layers + 1 }, (_, i) => i),
      yEdges: Array.from({ length: queryHeads + 1 }, (_, i) => i),
      xLabels: Array.from({ length: layers }, (_, i) => formatNumber(i)),
      yLabels: Array.from({ length: queryHeads }, (_, i) => formatNumber(i)),
      steps: 'even',
    },
    series: [{ id: label, label: '', colour: 0, points }],
    definition,
    finding:
      worst && best
        ? `Most at ${worst.label ?? ''}: ${formatValue(worst.z ?? 0, 'share')} of the output’s length; least at ${best.label ?? ''}: ${formatValue(best.z ?? 0, 'share')}.`
        : 'No head was compared.',
    ...qualityProvenance(run, { text: false }),
  };
}
