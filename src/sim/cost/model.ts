/**
 * The cost model: how long a step takes. One interface; each model is a file beside this one.
 *
 * A model is created once for a scenario and asked once a step, some million times a run: `stepMs` allocates nothing.
 * It also counts how its answers came about, so that a run can say of its times what they rest on.
 */
import type { StepWork } from '../../core/schedule/work.ts';

/** How many steps rested on what. The sum is the number of `stepMs` calls since the model was made. */
export interface CostBasis {
  /** At a measured point of a table. */
  measured: number;
  /** Between measured points. */
  interpolated: number;
  /** Outside of what was measured. */
  extrapolated: number;
  /** From published rates and named efficiencies: no measurement at all. */
  assumed: number;
}

export interface CostModel {
  /** For the run's face: "roofline, H100 SXM, Llama-3.1-8B". */
  readonly name: string;
  /** A sentence that names the inputs and their origins. */
  readonly about: string;
  /** Milliseconds of one step, the host's overhead included. */
  stepMs(work: StepWork): number;
  readonly basis: CostBasis;
}

export function emptyBasis(): CostBasis {
  return { measured: 0, interpolated: 0, extrapolated: 0, assumed: 0 };
}
