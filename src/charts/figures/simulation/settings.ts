/** A quantity by the settings of the run: lines over a swept number, bars over names. */
import type { SimRun } from '../../../core/run/simulation.ts';
import type { FigureAxis, FigurePoint, FigureSeries } from '../../figure.ts';
import { seedPoint } from './seeds.ts';
import { casesOf, failuresOf, simPointLabel, simSettingLabel, type SimCase } from './subject.ts';

/** One line or colour of bars: a name and the values that the repetitions of a point gave. */
export interface Quantity {
  readonly id: string;
  readonly label: string;
  readonly valuesOf: (found: SimCase) => readonly number[];
  /** Why a point may have none. */
  readonly missing: string;
}

export interface BySetting {
  readonly mark: 'line' | 'bar';
  readonly x: FigureAxis;
  readonly series: readonly FigureSeries[];
}

const AXIS_WORDS: Readonly<Record<string, readonly [label: string, unit: string]>> = {
  'workload.arrivals.rate': ['Offered rate', 'req/s'],
  'workload.arrivals.meanRate': ['Offered rate in the mean', 'req/s'],
  'workload.arrivals.users': ['Users at once', ''],
  'workload.trace.speed': ['Speed of the trace', '×'],
  'engine.tokenBudget': ['Token budget of a step', 'tokens'],
  'engine.blockSize': ['Block size', 'tokens'],
  'engine.maxSequences': ['Largest batch', 'requests'],
  'hardware.kvBlocks': ['KV blocks', 'blocks'],
  'cluster.replicas': ['Replicas', ''],
};

/** The swept setting that is a number at every point; null where names are compared, or nothing is. */
export function numericAxis(run: SimRun): string | null {
  const paths = [...new Set(run.points.flatMap(({ settings }) => Object.keys(settings)))];
  const numeric = paths.filter((path) => {
    const values = run.points.map(({ settings }) => settings[path]);
    return new Set(values).size > 2 && values.every((value) => typeof value === 'number');
  });
  return numeric[0] ?? null;
}

export function axisOf(path: string): FigureAxis {
  const [label, unit] = AXIS_WORDS[path] ?? [path.split('.').at(-1) ?? path, ''];
  return { label, unit, scale: 'linear' };
}

/** Lines over the numeric axis, one for each quantity and each value of the other settings; else bars over points. */
export function bySetting(run: SimRun, quantities: readonly Quantity[]): BySetting {
  const path = numericAxis(run);
  return path === null ? bars(run, quantities) : lines(run, quantities, path);
}

function bars(run: SimRun, quantities: readonly Quantity[]): BySetting {
  const cases = casesOf(run);
  const failed = failuresOf(run);
  const paths = Object.keys(run.points[0]?.settings ?? {});
  const label = paths.length === 1 ? axisOf(paths[0] ?? '').label : 'Setting';
  const series = quantities.map(({ id, label: name, valuesOf, missing }, colour): FigureSeries => ({
    id,
    label: quantities.length === 1 ? '' : name,
    ...(quantities.length === 1 ? {} : { quantity: name }),
    colour,
    points: [
      ...cases.map((found) => seedPoint(found.label || 'this scenario', valuesOf(found), missing)),
      ...failed.map(({ label: x, reason }): FigurePoint => ({ x, y: null, reason })),
    ],
  }));
  return { mark: 'bar', x: { label, unit: '', scale: 'category' }, series };
}

function lines(run: SimRun, quantities: readonly Quantity[], path: string): BySetting {
  const cases = casesOf(run);
  const others = [...new Set(cases.map(({ settings }) => otherLabel(settings, path)))];
  const series = others.flatMap((other, index) =>
    quantities.map(({ id, label, valuesOf, missing }, q): FigureSeries => ({
      id: other === '' ? id : `${id}:${other}`,
      label: [quantities.length > 1 ? label : '', other].filter((text) => text !== '').join(', '),
      ...(quantities.length === 1 ? {} : { quantity: label }),
      colour: index * quantities.length + q,
      points: run.points
        .filter(({ settings }) => otherLabel(settings, path) === other)
        .map((point) =>
          linePoint(
            point.settings[path],
            cases.find((c) => c.point === point),
            valuesOf,
            missing,
          ),
        )
        .toSorted((a, b) => Number(a.x) - Number(b.x)),
    })),
  );
  return { mark: 'line', x: { ...axisOf(path), scale: scaleOf(run, path) }, series };
}

/** Values over more than this ratio stand on a log axis, or the small ones would stand on each other. */
const WIDE = 30;

function scaleOf(run: SimRun, path: string): FigureAxis['scale'] {
  const values = run.points.map(({ settings }) => Number(settings[path]));
  const least = Math.min(...values);
  return least > 0 && Math.max(...values) / least > WIDE ? 'log' : 'linear';
}

function linePoint(
  x: number | string | undefined,
  found: SimCase | undefined,
  valuesOf: Quantity['valuesOf'],
  missing: string,
): FigurePoint {
  return seedPoint(x ?? 0, found === undefined ? [] : valuesOf(found), missing);
}

function otherLabel(settings: SimCase['settings'], path: string): string {
  return simPointLabel(Object.fromEntries(Object.entries(settings).filter(([name]) => name !== path)));
}

/** The point where a quantity is best, in words: `at budget 2,048`. */
export function placeOf({ settings, label }: SimCase, path: string | null): string {
  const value = path === null ? undefined : settings[path];
  return path === null || value === undefined ? label : simSettingLabel(path, value);
}
