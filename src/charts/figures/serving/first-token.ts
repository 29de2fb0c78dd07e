/** The time to the first token of one prompt: computed, found in the prefix cache, fetched back from host memory. */
import { mean, median } from '../../../core/metrics/percentiles.ts';
import type { ServeFirstToken, ServeRun } from '../../../core/run/serve.ts';
import type { FigureSpec } from '../../figure.ts';
import { formatNumber, formatValue } from '../../format.ts';
import { SEED_INTERVAL, seedPoint } from '../simulation/seeds.ts';
import { serveProvenance } from './subject.ts';

const NAMES: Readonly<Record<ServeFirstToken['from'], string>> = {
  computed: 'cold: computed',
  'prefix cache': 'warm: prefix cache',
  'host memory': 'back from host memory',
};

export function firstTokens(run: ServeRun): FigureSpec | null {
  const found = run.firstToken.filter(({ samplesMs }) => samplesMs.length > 0);
  if (found.length === 0) return null;
  const cold = found.find(({ from }) => from === 'computed');
  const clauses = found.map(({ from, samplesMs }) => {
    const ms = median(samplesMs);
    const base = cold && from !== 'computed' ? median(cold.samplesMs) : null;
    const ratio = base === null ? '' : ` (${(base / ms).toFixed(1)} times as fast as computing it)`;
    return `${NAMES[from]} ${formatValue(ms, 'ms')}${ratio}`;
  });
  return {
    id: 'serve_first_token',
    mark: 'bar',
    title: 'The first token of one prompt',
    x: { label: 'Where the prompt’s KV comes from', unit: '', scale: 'category' },
    y: { label: 'Time to first token', unit: 'ms', scale: 'linear' },
    series: [
      {
        id: 'ttft',
        label: '',
        colour: 0,
        points: run.firstToken.map(({ from, samplesMs, cachedTokens, reason }) => ({
          ...seedPoint(NAMES[from], samplesMs, reason ?? 'No sample.'),
          detail: `${formatNumber(cachedTokens.length === 0 ? 0 : mean(cachedTokens))} tokens found`,
        })),
      },
    ],
    definition: `From sending a prompt of ${formatNumber(found[0]?.promptTokens ?? 0)} tokens to its first token, nothing else running. Bars: means over prompts.`,
    intervalMeaning: SEED_INTERVAL,
    finding: `At the median: ${clauses.join('; ')}.`,
    ...serveProvenance(
      run,
      run.firstToken.flatMap(({ reason }) => (reason === null ? [] : [reason])),
    ),
  };
}
