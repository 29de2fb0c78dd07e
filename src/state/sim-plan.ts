/** What a simulation is about to do, in words, before it runs. */
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import { expandSweep } from '../core/scenario/sweep.ts';

export interface PlannedSimulation {
  readonly points: readonly string[];
  /** Where the requests come from, in one clause. */
  readonly workload: string;
}

export function expandSimulation(scenario: SimScenario): PlannedSimulation {
  return { points: expandSweep(scenario).map(({ label }) => label), workload: workloadWords(scenario) };
}

function workloadWords({ workload }: SimScenario): string {
  const { requests, trace, arrivals } = workload;
  const count = requests.toLocaleString('en');
  if (trace !== null)
    return `${requests === 0 ? 'all requests' : `the first ${count} requests`} of ${trace.name}`;
  switch (arrivals.kind) {
    case 'closed':
      return `${count} requests of ${arrivals.users} users`;
    case 'mmpp':
      return `${count} requests at rates that switch between ${arrivals.rates.join(' and ')} a second`;
    case 'series':
      return `${count} requests at a rate that follows a series`;
    case 'constant':
    case 'poisson':
    case 'gamma':
    case 'on-off':
      return `${count} requests at ${arrivals.rate} a second, ${arrivals.kind}`;
    default:
      return arrivals satisfies never;
  }
}
