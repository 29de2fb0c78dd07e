/** The figures of a quality run, in the order of reading: what it costs, where it is lost, how fast it is. */
import { summarizeQuality } from '../../../core/metrics/quality/summarize.ts';
import type { QualityRun } from '../../../core/run/quality.ts';
import type { FigureSpec } from '../../figure.ts';
import { decodeSpeed } from './speed.ts';
import { headErrors } from './heads.ts';
import { qualityAgainstBytes } from './pareto.ts';
import { attentionMaps } from './picture.ts';
import { recallByDistance, recallMaps } from './recall.ts';

const AGAINST_BYTES = ['recall', 'klDivergence', 'top1Agreement', 'perplexity', 'attentionError'] as const;

/** Each that the run has the samples for. Two runs are drawn one below the other: their cells differ. */
export function qualityFigures(run: QualityRun, other?: QualityRun): FigureSpec[] {
  const own = figuresOf(run);
  if (other === undefined) return own;
  const theirs = figuresOf(other).map((spec) => ({
    ...spec,
    id: `${spec.id}_other`,
    title: `${spec.title} (${other.title})`,
  }));
  return own.flatMap((spec) => [spec, ...theirs.filter(({ id }) => id === `${spec.id}_other`)]);
}

function figuresOf(run: QualityRun): FigureSpec[] {
  const summaries = summarizeQuality(run);
  return [
    ...AGAINST_BYTES.flatMap((id) => qualityAgainstBytes(run, summaries, id) ?? []),
    ...[recallByDistance(run, summaries) ?? []].flat(),
    ...recallMaps(run, summaries),
    ...headErrors(run),
    ...attentionMaps(run),
    ...[decodeSpeed(run, summaries) ?? []].flat(),
  ];
}
