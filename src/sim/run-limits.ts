/** How much of each repetition a run keeps, so that a run of many points is still a document that can be read. */
import type { SimScenario } from '../core/scenario/simulate/schema.ts';

export interface KeepLimits {
  /** Samples of the series. */
  readonly samples: number;
  /** Rows of the requests. */
  readonly rows: number;
  /** Steps of the quantiles of a distribution. */
  readonly cdfSteps: number;
}

const ALL_SAMPLES = 48_000;
const ALL_ROWS = 150_000;

function between(low: number, value: number, high: number): number {
  return Math.min(high, Math.max(low, Math.floor(value)));
}

export function keepLimits({ sweep, repeats }: Pick<SimScenario, 'sweep' | 'repeats'>): KeepLimits {
  const repetitions = sweep.reduce((product, { values }) => product * values.length, repeats);
  return {
    samples: between(64, ALL_SAMPLES / repetitions, 3000),
    rows: between(50, ALL_ROWS / repetitions, 50_000),
    cdfSteps: repetitions > 400 ? 100 : 200,
  };
}
