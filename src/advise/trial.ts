/** Trials: the run's scenario and a changed one through the simulator, on the same arrivals, with an interval over seeds. */
import type { Json } from '../core/json.ts';
import { comparePoints, type PairedComparison, type Quantity } from '../core/metrics/serving/compare.ts';
import type { SimPoint } from '../core/run/simulation.ts';
import { withValueAt } from '../core/scenario/layer.ts';
import { validateSimulation } from '../core/scenario/parse.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import { runSimulation } from '../sim/run.ts';
import type { SimInputs } from '../sim/repetition.ts';

export const TRIAL_SEEDS = 5;
export const TRIAL_REQUESTS = 500;
const MAX_TITLE = 116;

export interface TrialSize {
  readonly seeds: number;
  readonly requests: number;
}

/** The scenario as it is tried: shorter where it is long, with seeds for an interval. A trace is the same for every seed. */
export function trialScenario(scenario: SimScenario, { seeds, requests }: TrialSize): SimScenario {
  const { workload } = scenario;
  const asked = workload.requests === 0 ? Infinity : workload.requests;
  return {
    ...scenario,
    sweep: [],
    repeats: workload.trace === null ? seeds : 1,
    workload: { ...workload, requests: Math.min(asked, requests) },
  };
}

function titled(scenario: SimScenario, side: 'A' | 'B'): SimScenario {
  return { ...scenario, title: `${scenario.title.replace(/ · [AB]$/, '').slice(0, MAX_TITLE)} · ${side}` };
}

/** null where the changed scenario contradicts itself, such as one that does not fit into memory. */
export function changed(scenario: SimScenario, settings: Readonly<Record<string, Json>>): SimScenario | null {
  let document: Json = scenario;
  for (const [path, value] of Object.entries(settings)) {
    const next = withValueAt(document, path, value);
    if (next === null) return null;
    document = next;
  }
  const parsed = validateSimulation(document);
  return parsed.ok ? parsed.scenario : null;
}

/** Runs sides once each, however often they are compared. */
export class Trials {
  readonly #inputs: SimInputs;
  readonly #size: TrialSize;
  readonly #known = new Map<string, SimPoint | null>();

  constructor(inputs: SimInputs, size: TrialSize) {
    this.#inputs = inputs;
    this.#size = size;
  }

  /** Both sides to be tried by hand. */
  sides(a: SimScenario, b: SimScenario): { readonly a: SimScenario; readonly b: SimScenario } {
    return { a: titled(trialScenario(a, this.#size), 'A'), b: titled(trialScenario(b, this.#size), 'B') };
  }

  /** By all seeds; null where the scenario can't be simulated. */
  point(scenario: SimScenario): SimPoint | null {
    return this.#run(trialScenario(scenario, this.#size));
  }

  /** By one seed: enough to see which of several changes deserve a trial. */
  glance(scenario: SimScenario): SimPoint | null {
    return this.#run(trialScenario(scenario, { ...this.#size, seeds: 1 }));
  }

  #run(scenario: SimScenario): SimPoint | null {
    const tried = { ...scenario, title: '', about: '' };
    const key = JSON.stringify(tried);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const [point] = runSimulation(tried, this.#inputs).points;
    const done = point?.status === 'done' ? point : null;
    this.#known.set(key, done);
    return done;
  }

  compare(a: SimPoint, b: SimPoint, quantity: Quantity): PairedComparison {
    return comparePoints(a, b, quantity, { b: 'the changed run' });
  }
}
