/** What the cache's bytes hold, and how many sequences fit into them, by backend. */
import { mean } from '../../../core/metrics/percentiles.ts';
import type { ServeRun } from '../../../core/run/serve.ts';
import type { SimRepetition } from '../../../core/run/simulation.ts';
import type { FigureSeries, FigureSpec } from '../../figure.ts';
import { formatNumber, formatValue } from '../../format.ts';
import { SEED_INTERVAL, seedPoint } from '../simulation/seeds.ts';
import { fullest } from '../simulation/time.ts';
import { casesOf, serveProvenance, type ServeCase } from './subject.ts';

function ofOurs(run: ServeRun): ServeCase[] {
  return casesOf(run).filter(({ point }) => point.kvBlocks !== null);
}

/** Share of the slots that are given to sequences which hold a token. */
function keptShares(side: readonly SimRepetition[]): number[] {
  return side.map(({ summary }) => 1 - summary.fragmentation);
}

function peakRunning({ sides }: ServeCase): number[] {
  return sides.measured.map(({ series }) =>
    series.running.reduce<number>((most, value) => Math.max(most, value ?? 0), 0),
  );
}

function meanRunning({ point }: ServeCase): number[] {
  return point.repetitions.map(({ measured: { steps } }) => {
    let [weighted, total] = [0, 0];
    steps.endMs.forEach((endMs, i) => {
      const ms = Math.max(0, endMs - Math.max(steps.startMs[i] ?? 0, steps.endMs[i - 1] ?? 0));
      weighted += ms * (steps.running[i] ?? 0);
      total += ms;
    });
    return total > 0 ? weighted / total : 0;
  });
}

export function keptState(run: ServeRun): FigureSpec | null {
  const cases = ofOurs(run);
  if (cases.length === 0) return null;
  const x = (found: ServeCase) => found.label || 'this scenario';
  const side = (name: 'measured' | 'predicted', colour: number): FigureSeries => ({
    id: name,
    label: name === 'measured' ? 'Measured' : 'Predicted',
    colour,
    points: cases.map((found) => seedPoint(x(found), keptShares(found.sides[name]), 'No repetition.')),
  });
  const shares = cases.map((found) => ({ found, share: mean(keptShares(found.sides.measured)) }));
  const clauses = shares.map(
    ({ found, share }) => `${found.label === '' ? '' : `${found.label}: `}${formatValue(share, 'share')}`,
  );
  return {
    id: 'serve_kept_state',
    mark: 'bar',
    title: 'KV memory that holds tokens',
    x: { label: 'Setting', unit: '', scale: 'category' },
    y: { label: 'Slots with a token, of those given out', unit: 'share', scale: 'linear' },
    series: [side('measured', 0), side('predicted', 1)],
    references: [
      { y: 0.204, label: 'published: earlier systems, least' },
      { y: 0.382, label: 'published: earlier systems, most' },
      { y: 0.963, label: 'published: vLLM' },
    ],
    definition:
      'Slots that hold a token over slots that are given to sequences, weighted by time. A contiguous cache gives each ' +
      'sequence the longest text’s slots. The published lines are those of arXiv:2309.06180, figure 2: 20.4–38.2 % in ' +
      'earlier systems and 96.3 % in vLLM, on other models, GPUs and texts.',
    intervalMeaning: SEED_INTERVAL,
    finding: `Of the slots given out, these hold a token: ${clauses.join('; ')}.`,
    ...serveProvenance(run),
  };
}

/** Only where one run holds both layouts: the same bytes, and how many sequences are in them at once. */
export function sequencesThatFit(run: ServeRun): FigureSpec | null {
  const cases = ofOurs(run);
  const backends = new Set(cases.map(({ point }) => point.backend));
  if (backends.size < 2) return null;
  const bars = (id: string, label: string, colour: number, of: (found: ServeCase) => number[]) => ({
    id,
    label,
    quantity: label,
    colour,
    points: cases.map((found) => seedPoint(found.label, of(found), 'No repetition.')),
  });
  const most = (backend: string) =>
    Math.max(0, ...cases.filter(({ point }) => point.backend === backend).flatMap(peakRunning));
  const [paged, contiguous] = [most('paged'), most('contiguous')];
  const bytes = cases[0]?.point;
  const pool = (bytes?.kvBlocks ?? 0) * (bytes?.blockSize ?? 0) * (bytes?.kvBytesPerToken ?? 0);
  return {
    id: 'serve_sequences',
    mark: 'bar',
    title: 'Sequences in the same bytes',
    x: { label: 'Setting', unit: '', scale: 'category' },
    y: { label: 'Sequences at once', unit: '', scale: 'linear' },
    series: [bars('peak', 'Most', 0, peakRunning), bars('mean', 'On average', 1, meanRunning)],
    definition: `Sequences in the batch while steps ran, in a cache of ${formatValue(pool, 'bytes')} for all of them together.`,
    intervalMeaning: SEED_INTERVAL,
    finding:
      contiguous > 0
        ? `Pages hold up to ${formatNumber(paged)} sequences where reservations hold ${formatNumber(contiguous)}: ${(paged / contiguous).toFixed(1)} times as many in the same bytes.`
        : 'One of the two layouts ran no sequence.',
    ...serveProvenance(run),
  };
}

/** More courses than these hide one another. */
const MAX_COURSES = 3;

export function kvOverTime(run: ServeRun): FigureSpec | null {
  const all = ofOurs(run);
  if (all.length === 0) return null;
  const shown = all.length <= MAX_COURSES ? all : [all[0], all.at(-1)].flatMap((found) => found ?? []);
  const left = all.filter((found) => !shown.includes(found)).map(({ label }) => label);
  const line = (found: ServeCase, name: 'measured' | 'predicted', colour: number): FigureSeries[] => {
    const [first] = found.sides[name];
    if (!first) return [];
    const { series } = first;
    const side = name === 'measured' ? 'Measured' : 'Predicted';
    return [
      {
        id: `${name}:${found.label}`,
        label: found.label === '' ? side : `${side}, ${found.label}`,
        colour,
        step: true,
        ...(name === 'predicted' ? { dashed: true } : { broad: true }),
        points: fullest(series, ['activeBlocks']).map((i) => ({
          x: series.timeMs[i] ?? 0,
          y: series.activeBlocks[i] ?? null,
        })),
      },
    ];
  };
  const peaks = shown.map(({ label, sides, point }) => {
    const [first] = sides.measured;
    const preempted = first?.summary.preemptions ?? 0;
    const name = label === '' ? '' : `${label}: `;
    return `${name}${formatNumber(first?.summary.peakKvBlocks ?? 0)} of ${formatNumber(point.kvBlocks ?? 0)} blocks at the most, ${formatNumber(preempted)} ${preempted === 1 ? 'preemption' : 'preemptions'}.`;
  });
  const seed = shown[0]?.sides.measured[0]?.seed;
  return {
    id: 'serve_kv_over_time',
    mark: 'line',
    title: 'KV blocks in use over time: measured and predicted',
    x: { label: 'Time', unit: 'ms', scale: 'linear', tight: true },
    y: { label: 'KV blocks', unit: 'blocks', scale: 'linear' },
    series: shown.flatMap((found, colour) => [
      ...line(found, 'measured', colour),
      ...line(found, 'predicted', colour),
    ]),
    definition:
      'Blocks that sequences refer to while a step runs; under a contiguous cache those they reserve.',
    finding: peaks.join(' '),
    ...serveProvenance(run, [
      ...(seed === undefined ? [] : [`Drawn is seed ${seed}.`]),
      ...(left.length === 0 ? [] : [`Not drawn: ${left.join('; ')}.`]),
    ]),
  };
}
