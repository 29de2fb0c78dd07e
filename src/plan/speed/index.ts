/** The planner's speed: times of one replica, what they consist of, and how far they are from measurement. */
export { speedBands, type BandFactors, type SpeedBands } from '../calibration/bands.ts';
export { MEASURED_ERRORS, type MeasuredErrors } from '../calibration/measured-errors.ts';
export { ENGINE_TIMES, engineTimes, type EngineTimes } from '../calibration/engines.ts';
export { estimateOf, planSpeed, steadyLoad, type SpeedEstimate } from './estimate.ts';
export { stepOperations } from './operations.ts';
export { phaseOf, ridgeOf } from './phases.ts';
export { quantizationTable, type QuantizationRow } from './quantization.ts';
export { tokensPerStep, type SpeedChoice, type SpeedOptions, type SteadyLoad } from './settings.ts';
export { createSpeed, Speed } from './speed.ts';
