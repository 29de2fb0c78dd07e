/** The attention of one sequence's newest queries, one map a head, with the tokens struck out that had been evicted. */
import type { AttentionPicture, QualityRun } from '../../../core/run/quality.ts';
import type { FigurePoint, FigureSpec } from '../../figure.ts';
import { formatNumber, formatValue } from '../../format.ts';
import { qualityProvenance } from './subject.ts';
import { slug } from './recall.ts';

/** Columns of a map: more would be narrower than a stroke on a phone. */
const MAX_COLUMNS = 96;

interface Column {
  readonly from: number;
  readonly to: number;
}

function columnsOf(tokens: number): Column[] {
  const width = Math.ceil(tokens / MAX_COLUMNS);
  return Array.from({ length: Math.ceil(tokens / width) }, (_, i) => ({
    from: i * width,
    to: Math.min(tokens, (i + 1) * width),
  }));
}

export function attentionMaps(run: QualityRun): FigureSpec[] {
  return run.pictures.map((picture) => attentionMap(run, picture));
}

function attentionMap(run: QualityRun, picture: AttentionPicture): FigureSpec {
  const { layer, head, cell, queries, tokens, weights } = picture;
  const columns = columnsOf(tokens);
  const points = queries.flatMap((position, row) =>
    columns.flatMap((column, x): FigurePoint[] => {
      if (column.from > position) return [];
      const seen = (weights[row] ?? []).slice(column.from, Math.min(column.to, position + 1));
      const kept = seen.filter((weight) => weight !== null);
      const sum = kept.reduce((total, weight) => total + weight, 0);
      const place = { x: x + 0.5, y: row + 0.5, label: `query ${position}, ${tokenWords(column)}` };
      const evicted = seen.length - kept.length;
      // A column of several tokens is struck out when most of them are gone.
      const struck = evicted * 2 > seen.length;
      if (kept.length === 0) return [{ ...place, struck }];
      const detail = evicted > 0 ? `${evicted} of ${seen.length} tokens evicted.` : '';
      return [{ ...place, z: sum, ...(struck && { struck }), ...(detail !== '' && { detail }) }];
    }),
  );
  const title = `Attention of layer ${layer}, head ${head}: ${cell}`;
  const gone = (weights.at(-1) ?? []).filter(
    (weight, i) => weight === null && i <= (queries.at(-1) ?? 0),
  ).length;
  return {
    id: `quality_attention_${layer}_${head}_${slug(cell)}`,
    mark: 'heatmap',
    title,
    x: { label: 'Token', unit: '', scale: 'linear' },
    y: { label: 'Query at position', unit: '', scale: 'linear' },
    cells: {
      label: 'Attention',
      unit: 'share',
      xEdges: Array.from({ length: columns.length + 1 }, (_, i) => i),
      yEdges: Array.from({ length: queries.length + 1 }, (_, i) => i),
      xLabels: labelsOf(columns.map(({ from }) => from)),
      yLabels: labelsOf(queries),
      steps: 'even',
      ...(gone > 0 && { struck: 'evicted' }),
    },
    series: [{ id: 'attention', label: '', colour: 0, points }],
    definition:
      'Softmax probability that one head’s query gives to each token in the cache. Tokens that the policy evicted are struck out; a column may stand for several neighbouring tokens, whose probabilities are added.',
    finding: pictureFinding(points, gone, tokens),
    ...qualityProvenance(run, { text: false }),
  };
}

function tokenWords({ from, to }: Column): string {
  return to - from === 1 ? `token ${from}` : `tokens ${from} to ${to - 1}`;
}

/** About six names, the others empty. */
function labelsOf(values: readonly number[]): string[] {
  const every = Math.max(1, Math.ceil(values.length / 6));
  return values.map((value, i) => (i % every === 0 ? formatNumber(value) : ''));
}

function pictureFinding(points: readonly FigurePoint[], gone: number, tokens: number): string {
  const most = points.toSorted((a, b) => (b.z ?? 0) - (a.z ?? 0))[0];
  const peak =
    most?.z === undefined
      ? 'No attention was seen'
      : `Most attention of one query: ${formatValue(most.z, 'share')} (${most.label ?? ''})`;
  return gone === 0
    ? `${peak}. No token is evicted.`
    : `${peak}. Of ${formatNumber(tokens)} tokens ${formatNumber(gone)} had been evicted when the last query came.`;
}
