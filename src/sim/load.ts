/** How heavy a scenario's load is, and the same scenario under another load. */
import type { SimScenario } from '../core/scenario/simulate/schema.ts';

export interface Load {
  /** Setting that carries it. */
  readonly path: 'workload.arrivals.rate' | 'workload.arrivals.users' | 'workload.trace.speed';
  readonly unit: string;
  readonly value: number;
  /** Users come whole. */
  readonly whole: boolean;
  /** The scenario with another load. */
  readonly at: (value: number) => SimScenario;
}

/** @throws RangeError for loads that are no single number */
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
      };
    case 'closed':
      return {
        path: 'workload.arrivals.users',
        unit: 'users',
        value: arrivals.users,
        whole: true,
        at: (users) => ({ ...scenario, workload: { ...workload, arrivals: { ...arrivals, users } } }),
      };
    case 'mmpp':
    case 'series':
      throw new RangeError(
        `Arrivals of kind ${arrivals.kind} have no single rate that could be searched; use poisson, gamma or on-off.`,
      );
    default:
      return arrivals satisfies never;
  }
}
