/** The attention of one sequence's newest queries, one map a head, with the tokens struck out that had been evicted. */
import type { AttentionPicture, QualityRun } from '../../../core/run/quality.ts';
import type { FigurePoint, FigureSpec } from '../../figure.ts';
import { formatNumber, formatValue } from '../../format.ts';
import { qualityProvenance } from './subject.ts';
import { slug } from './recall.ts';

/** Columns of a map: more would be narrower than a stroke on a phone. */
const MAX_COLUMNS = 160;

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
  const { layer, head, cell, queries, tokens, evicted } = picture;
  const columns = columnsOf(tokens);
  const points = queries.flatMap((_, row) => rowOf(picture, columns, row));
  const lost = lostShare(picture);
  return {
    id: `quality_attention_${layer}_${head}_${slug(cell)}`,
    mark: 'heatmap',
    title: `Attention of layer ${layer}, head ${head}: ${cell}`,
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
      ...(evicted.length > 0 && { struck: 'evicted' }),
    },
    series: [{ id: 'attention', label: '', colour: 0, points }],
    definition:
      'Softmax probability that one head’s query gives to each token with the full cache. Struck out is what the policy evicts behind the prompt, chosen from this very attention by the policy’s reference; a column may stand for several neighbouring tokens, whose probabilities are added.',
    finding: `${pictureFinding(points, evicted.length, tokens, lost)}${factSentence(picture)}`,
    ...qualityProvenance(run, { text: false }),
  };
}

/** The cells of one query, those of columns that it can see. */
function rowOf(
  { queries, weights, evicted, cutAt }: AttentionPicture,
  columns: readonly Column[],
  row: number,
): FigurePoint[] {
  const position = queries[row] ?? 0;
  const gone = new Set(position >= cutAt ? evicted : []);
  return columns.flatMap(({ from, to }, x): FigurePoint[] => {
    const end = Math.min(to, position + 1);
    if (from >= end) return [];
    const seen = (weights[row] ?? []).slice(from, end);
    const struck = Array.from({ length: end - from }, (_, i) => from + i).filter((token) => gone.has(token));
    return [
      {
        x: x + 0.5,
        y: row + 0.5,
        z: seen.reduce((sum, weight) => sum + weight, 0),
        label: `query ${position}, ${tokenWords({ from, to: end })}`,
        // A column of several tokens is struck out when most of them are gone.
        ...(struck.length * 2 > seen.length && { struck: true }),
        ...(struck.length > 0 && { detail: `${struck.length} of ${seen.length} tokens evicted.` }),
      },
    ];
  });
}

/** Share of the last query's attention that lies on evicted tokens. */
function lostShare({ weights, evicted }: AttentionPicture): number {
  const last = weights.at(-1) ?? [];
  return evicted.reduce((sum, token) => sum + (last[token] ?? 0), 0);
}

function tokenWords({ from, to }: Column): string {
  return to - from === 1 ? `token ${from}` : `tokens ${from} to ${to - 1}`;
}

/** About six names, the others empty. */
function labelsOf(values: readonly number[]): string[] {
  const every = Math.max(1, Math.ceil(values.length / 6));
  return values.map((value, i) => (i % every === 0 ? formatNumber(value) : ''));
}

/** Whether what is asked for outlives the cut. */
function factSentence({ fact, evicted, weights }: AttentionPicture): string {
  if (fact === undefined) return '';
  const given = formatValue(weights.at(-1)?.[fact] ?? 0, 'share');
  const fate = evicted.length === 0 ? '' : evicted.includes(fact) ? ' It is evicted.' : ' It is kept.';
  return ` The answer stands at token ${formatNumber(fact)}, to which the last query gives ${given}.${fate}`;
}

function pictureFinding(points: readonly FigurePoint[], gone: number, tokens: number, lost: number): string {
  const most = points.toSorted((a, b) => (b.z ?? 0) - (a.z ?? 0))[0];
  const peak = most
    ? `Most attention of one query: ${formatValue(most.z ?? 0, 'share')} (${most.label ?? ''})`
    : 'No attention was seen';
  if (gone === 0) return `${peak}. No token is evicted.`;
  return `${peak}. Of ${formatNumber(tokens)} tokens ${formatNumber(gone)} are evicted; the last query would have given them ${formatValue(lost, 'share')} of its attention.`;
}
