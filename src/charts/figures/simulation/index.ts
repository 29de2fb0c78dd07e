/** The table of a simulation's figures. One that does not apply to a run returns nothing and is not offered. */
import type { SimRun } from '../../../core/run/simulation.ts';
import type { FigureSpec } from '../../figure.ts';
import { SERIES_COLOURS } from '../../theme.ts';
import { compareFigures, type Named } from '../compare.ts';
import { goodput } from './goodput.ts';
import { hitRateBySetting, hitRateOverTime } from './hit-rate.ts';
import { kvOverTime } from './kv-over-time.ts';
import { e2eBySetting, itlBySetting, tpotBySetting, ttftBySetting } from './latency-by-setting.ts';
import { e2eCdf, itlCdf, tpotCdf, ttftCdf } from './latency-cdf.ts';
import { runningWaiting } from './running-waiting.ts';
import { tierTraffic } from './tier-traffic.ts';

type Builder = (run: SimRun) => FigureSpec | readonly FigureSpec[] | null;

/** In the order of reading: what the memory did, who waited, how long it took, what it was worth. */
const BUILDERS: readonly Builder[] = [
  kvOverTime,
  runningWaiting,
  ttftBySetting,
  tpotBySetting,
  itlBySetting,
  e2eBySetting,
  ttftCdf,
  tpotCdf,
  itlCdf,
  e2eCdf,
  goodput,
  hitRateBySetting,
  hitRateOverTime,
  tierTraffic,
];

function limited(spec: FigureSpec): FigureSpec {
  const left = spec.series.length - SERIES_COLOURS;
  if (left <= 0) return spec;
  const note = `${left} further series are not drawn; the run’s file holds them.`;
  return { ...spec, series: spec.series.slice(0, SERIES_COLOURS), notes: [...(spec.notes ?? []), note] };
}

export function simFigures(run: SimRun): FigureSpec[] {
  return BUILDERS.flatMap((build) => build(run) ?? []).map(limited);
}

/** Short names of two runs: A and B where their titles say so or nothing else. */
function namesOf(first: string, second: string): [string, string] {
  const bare = (title: string) => title.replace(/ · [AB]$/, '');
  return bare(first) === bare(second) ? ['A', 'B'] : [first, second];
}

/** Both runs in every figure that both offer alike; else each its own, one below the other, and why. */
export function simFiguresFor(run: SimRun, other?: SimRun): FigureSpec[] {
  const figures = simFigures(run);
  if (other === undefined) return figures;
  const others = simFigures(other);
  const [name, otherName] = namesOf(run.title, other.title);
  const both = figures.flatMap((spec) => {
    const second = others.find(({ id }) => id === spec.id);
    if (second === undefined) return [alone({ name, spec }, otherName)];
    const [ours, theirs] = [
      { name, spec },
      { name: otherName, spec: second },
    ];
    return spec.mark !== 'stack' && sameAxis(spec, second)
      ? [besideOther(ours, theirs)]
      : below(ours, theirs);
  });
  const further = others.filter(({ id }) => figures.every((spec) => spec.id !== id));
  return [...both, ...further.map((spec) => alone({ name: otherName, spec }, name))];
}

function sameAxis(first: FigureSpec, second: FigureSpec): boolean {
  return first.mark === second.mark && first.x.label === second.x.label && first.x.unit === second.x.unit;
}

/** Parts of a whole cannot share one stack, nor points of different settings one axis. */
function below(first: Named, second: Named): FigureSpec[] {
  return [
    { ...first.spec, title: `${first.spec.title}, ${first.name}` },
    { ...second.spec, id: `${second.spec.id}_other`, title: `${second.spec.title}, ${second.name}` },
  ];
}

function alone({ name, spec }: Named, missing: string): FigureSpec {
  const note = `Only ${name} is drawn: ${missing} has no such figure.`;
  return { ...spec, title: `${spec.title}, ${name}`, notes: [...(spec.notes ?? []), note] };
}

const PAIRED =
  'Whether the two differ is judged on the same arrivals, pair by pair; the intervals drawn are of each side by itself.';

function besideOther(first: Named, second: Named): FigureSpec {
  // One line a side: a colour of its own tells the second better than dashes alone.
  const single = first.spec.series.length === 1 && second.spec.series.length === 1;
  const coloured = single
    ? {
        ...second.spec,
        series: second.spec.series.map((series) => ({ ...series, colour: series.colour + 1 })),
      }
    : second.spec;
  const both = compareFigures(first, { ...second, spec: coloured }, true);
  const hasIntervals = both.series.some(({ points }) => points.some(({ low }) => low !== undefined));
  const spec = hasIntervals ? { ...both, notes: [...(both.notes ?? []), PAIRED] } : both;
  if (first.spec.mark !== 'line' || first.spec.x.label !== 'Time') return spec;
  // Moments of two runs are not the same points: each side keeps its own sentence.
  return { ...spec, finding: `${first.name}: ${first.spec.finding} ${second.name}: ${second.spec.finding}` };
}
