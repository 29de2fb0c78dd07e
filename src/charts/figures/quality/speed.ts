/** What a decode step takes with each cache that a pool really holds. */
import { QUALITY_METRICS } from '../../../core/metrics/quality/definitions.ts';
import type { QualitySummary } from '../../../core/metrics/quality/summarize.ts';
import type { QualityRun } from '../../../core/run/quality.ts';
import type { FigurePoint, FigureSpec } from '../../figure.ts';
import { formatValue } from '../../format.ts';
import { qualityProvenance } from './subject.ts';

export function decodeSpeed(run: QualityRun, summaries: readonly QualitySummary[]): FigureSpec | null {
  const timed = summaries.filter(({ tpotMs }) => tpotMs !== null);
  if (timed.length < 2) return null;
  const points = timed.map(({ label, tpotMs }): FigurePoint => ({
    x: label,
    y: tpotMs?.value ?? null,
    ...(tpotMs && { n: tpotMs.samples }),
    ...(tpotMs?.interval && { low: tpotMs.interval.low, high: tpotMs.interval.high }),
  }));
  const [reference] = timed;
  const fastest = timed.toSorted((a, b) => (a.tpotMs?.value ?? 0) - (b.tpotMs?.value ?? 0))[0];
  const { definition, interval } = QUALITY_METRICS.tpotMs;
  return {
    id: 'quality_tpot',
    mark: 'bar',
    title: 'Decode step by cache',
    x: { label: 'Cache', unit: '', scale: 'category' },
    y: { label: 'Decode step', unit: 'ms', scale: 'linear' },
    series: [{ id: 'tpot', label: '', colour: 0, points }],
    definition: `${definition} ${run.scenario.tasks.speed.sequences} sequences decode together.`,
    intervalMeaning: interval,
    finding: `The full cache takes ${formatValue(reference?.tpotMs?.value ?? 0, 'ms')} a step, the fastest, ${fastest?.label ?? ''}, ${formatValue(fastest?.tpotMs?.value ?? 0, 'ms')}. A model whose cache is small beside its weights gains little speed from a smaller one.`,
    ...qualityProvenance(run, { text: false }),
  };
}
