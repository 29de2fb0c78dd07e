/**
 * How heavy a scenario's load is, and the same scenario under another load. Where a rate changes with time, the load is its
 * mean, and another load has the same course of all rates in proportion.
 */
import type { JsonObject } from '../core/json.ts';
import type { ArrivalSettings, SimScenario } from '../core/scenario/simulate/schema.ts';

export interface Load {
  /** Name of the quantity: the setting that carries it, where one number does. */
  readonly path:
    | 'workload.arrivals.rate'
    | 'workload.arrivals.users'
    | 'workload.trace.speed'
    | 'workload.arrivals.meanRate';
  readonly unit: string;
  readonly value: number;
  /** Users come whole. */
  readonly whole: boolean;
  /** The scenario with another load. */
  readonly at: (value: number) => SimScenario;
  /** Loads as an axis of the scenario that can be run again. */
  readonly axis: (values: readonly number[]) => SimScenario['sweep'][number];
}

type Changing = Extract<ArrivalSettings, { kind: 'mmpp' | 'series' }>;

/** Requests a second in the long run; of a series over its time. */
function meanRate(arrivals: Changing): number {
  if (arrivals.kind === 'mmpp') {
    const { rates, leave } = arrivals;
    return (rates[0] * leave[1] + rates[1] * leave[0]) / (leave[0] + leave[1]);
  }
  let [area, seconds] = [0, 0];
  arrivals.points.forEach(([at, rate], i) => {
    const [before, rateBefore] = arrivals.points[i - 1] ?? [at, rate];
    area += ((rate + rateBefore) / 2) * (at - before);
    seconds += at - before;
  });
  return seconds > 0 ? area / seconds : 0;
}

/** The same course with all rates `factor` times as high. */
function scaled(arrivals: Changing, factor: number): Changing {
  if (arrivals.kind === 'mmpp') {
    const [first, second] = arrivals.rates;
    return { ...arrivals, rates: [first * factor, second * factor] };
  }
  return { ...arrivals, points: arrivals.points.map(([at, rate]) => [at, rate * factor]) };
}

function arrivalsJson(arrivals: Changing): JsonObject {
  return arrivals.kind === 'mmpp'
    ? { kind: arrivals.kind, rates: [...arrivals.rates], leave: [...arrivals.leave] }
    : { kind: arrivals.kind, points: arrivals.points.map((point) => [...point]) };
}

function changingLoad(scenario: SimScenario, arrivals: Changing): Load {
  const value = meanRate(arrivals);
  if (value <= 0) {
    throw new RangeError('No requests come at the rates of workload.arrivals; raise one of them above 0.');
  }
  const of = (load: number): Changing => scaled(arrivals, load / value);
  return {
    path: 'workload.arrivals.meanRate',
    unit: 'req/s',
    value,
    whole: false,
    at: (load) => ({ ...scenario, workload: { ...scenario.workload, arrivals: of(load) } }),
    axis: (values) => ({
      path: 'workload.arrivals',
      values: values.map((load) => arrivalsJson(of(load))),
      labels: values.map((load) => `${load} req/s in the mean`),
    }),
  };
}

/** @throws RangeError where nobody ever comes */
export function loadOf(scenario: SimScenario): Load {
  const { workload } = scenario;
  const { arrivals, trace } = workload;
  if (trace !== null) {
    return {
      path: 'workload.trace.speed',
      unit: 'times the recorded rate',
      value: trace.speed,
      whole: false,
      at: (speed) => ({ ...scenario, workload: { ...workload, trace: { ...trace, speed } } }),
      axis: (values) => ({ path: 'workload.trace.speed', values: [...values] }),
    };
  }
  switch (arrivals.kind) {
    case 'constant':
    case 'poisson':
    case 'gamma':
    case 'on-off':
      return {
        path: 'workload.arrivals.rate',
        unit: 'req/s',
        value: arrivals.rate,
        whole: false,
        at: (rate) => ({ ...scenario, workload: { ...workload, arrivals: { ...arrivals, rate } } }),
        axis: (values) => ({ path: 'workload.arrivals.rate', values: [...values] }),
      };
    case 'closed':
      return {
        path: 'workload.arrivals.users',
        unit: 'users',
        value: arrivals.users,
        whole: true,
        at: (users) => ({ ...scenario, workload: { ...workload, arrivals: { ...arrivals, users } } }),
        axis: (values) => ({ path: 'workload.arrivals.users', values: [...values] }),
      };
    case 'mmpp':
    case 'series':
      return changingLoad(scenario, arrivals);
    default:
      return arrivals satisfies never;
  }
}
