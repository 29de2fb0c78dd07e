/**
 * How far measured times may be from predicted ones: the factors between which four of five measured points lay, from
 * measured-errors.json. A band holds for what is like the points that it comes from; what is further away gets the wider
 * of two.
 */
import type { GpuRecord } from '../../core/hardware/records.ts';
import type { PlanCalibration } from '../../core/run/calibration.ts';
import type { Architecture } from '../../core/model/architecture.ts';
import { MEASURED_ERRORS } from './measured-errors.ts';

/** Measured over predicted, lower and upper end of the 80 % band. */
export type BandFactors = readonly [low: number, high: number];

export interface SpeedBands {
  readonly ttft: BandFactors;
  readonly tpot: BandFactors;
  readonly throughput: BandFactors;
  /** What the band rests on, a sentence. */
  readonly source: string;
}

const around = (factor: number): BandFactors => [1 / factor, factor];

/** The bands of a model on a GPU. @param calibration that the times are multiplied by; null: none */
export function speedBands(
  model: Architecture,
  gpu: GpuRecord,
  calibration: PlanCalibration | null = null,
): SpeedBands {
  const { dense, experts, unmeasured } = MEASURED_ERRORS.bands;
  const mixture = model.kinds.some(({ mlp }) => mlp.kind === 'experts');
  const like = mixture ? experts : dense;
  const known = gpu.serving.efficiency !== null;
  const other = known ? like : unmeasured;
  const wider = (metric: 'tpot' | 'throughput' | 'ttft') => around(Math.max(like[metric], other[metric]));
  const what = mixture ? 'mixtures of experts' : 'dense models';
  const where = known
    ? ''
    : '; wider by how far GPUs with timed kernels are apart, as none was timed on this one';
  if (calibration !== null) {
    const { band, name, points } = calibration;
    const own = around(band);
    return {
      ttft: own,
      tpot: own,
      throughput: own,
      source: `80 % of the ${points} results behind “${name}” lie in the band.`,
    };
  }
  return {
    ttft: wider('ttft'),
    tpot: wider('tpot'),
    throughput: wider('throughput'),
    source: `80 % of ${like.points} measured serving results of ${what} on A100, H100 and H200 lie in the band${where}.`,
  };
}
