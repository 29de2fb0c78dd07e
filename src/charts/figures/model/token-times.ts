/** The gap before each token of a generation: one line a sequence, as the host saw them come. */
import { METRICS } from '../../../core/metrics/definitions.ts';
import type { FigureSeries, FigureSpec } from '../../figure.ts';
import { formatValue } from '../../format.ts';

export interface TimedSequence {
  readonly name: string;
  /** Milliseconds from the start to each token. */
  readonly timesMs: readonly number[];
}

/** Lines beyond these hide each other. */
const MOST_SERIES = 8;

/** @param subject model, adapter and cache, for the line under the title */
export function tokenTimesFigure(sequences: readonly TimedSequence[], subject: string): FigureSpec {
  const drawn = sequences.filter(({ timesMs }) => timesMs.length > 1).slice(0, MOST_SERIES);
  const gaps = sequences.flatMap(({ timesMs }) => gapsOf(timesMs));
  return {
    id: 'model_token_times',
    mark: 'line',
    title: 'Gap before each token',
    subtitle: subject,
    x: { label: 'Token', unit: '', scale: 'linear' },
    y: { label: 'Inter-token latency', unit: 'ms', scale: 'linear' },
    series: drawn.map(seriesOf),
    origin: 'measured',
    definition: METRICS.itl.sentence,
    finding: findingOf(sequences, gaps),
    ...(drawn.length < sequences.length
      ? { notes: [`${drawn.length} of ${sequences.length} sequences are drawn.`] }
      : {}),
    source: { runId: 'generation', command: null },
  };
}

function gapsOf(timesMs: readonly number[]): number[] {
  return timesMs.slice(1).map((time, at) => time - (timesMs[at] ?? time));
}

function seriesOf({ name, timesMs }: TimedSequence, at: number): FigureSeries {
  const points = gapsOf(timesMs).map((gap, index) => ({ x: index + 2, y: gap }));
  return { id: `sequence-${at}`, label: name, colour: at, points };
}

function findingOf(sequences: readonly TimedSequence[], gaps: readonly number[]): string {
  const first = Math.max(...sequences.map(({ timesMs }) => timesMs[0] ?? 0));
  const sorted = [...gaps].sort((a, b) => a - b);
  const median = sorted[Math.floor((sorted.length - 1) / 2)];
  const longest = sorted.at(-1);
  if (median === undefined || longest === undefined)
    return 'There are not two tokens to measure a gap between.';
  const which = sequences.length === 1 ? 'The first token came' : 'The last first token came';
  return `${which} after ${formatValue(first, 'ms')}; half of the gaps are no longer than ${formatValue(median, 'ms')}, the longest is ${formatValue(longest, 'ms')}.`;
}
