/** How far measured times are from predicted ones: the factors between which four of five measured points lie. */

/** Measured over predicted, lower and upper end of the 80 % band. */
export type BandFactors = readonly [low: number, high: number];

export interface SpeedBands {
  readonly ttft: BandFactors;
  readonly tpot: BandFactors;
  readonly throughput: BandFactors;
  /** What the band rests on, a sentence. */
  readonly source: string;
}

export function speedBands(): SpeedBands {
  return {
    ttft: [0.7, 1.6],
    tpot: [0.8, 1.3],
    throughput: [0.77, 1.25],
    source: 'Assumed from the spread of earlier comparisons; not measured yet.',
  };
}
