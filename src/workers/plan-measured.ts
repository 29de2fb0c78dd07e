/** A plan beside the results of benchmarks: all files are read, or none is. */
import type { MeasuredResult } from '../core/run/measured.ts';
import { readResults } from '../exchange/results/read.ts';
import { recalibrate, validatePlan, type RecalibrationStamp } from '../plan/index.ts';
import type { MeasuredPlan, MeasuredWish, Recalibrated, ResultFile } from './plan-api.ts';

/** @throws Error with the sentence of a file that does not read, or of a plan that has nothing in common with it */
export function measuredPlan({ run, files, tolerancePercent, aids }: MeasuredWish): MeasuredPlan {
  const read = files.map(resultsOf);
  const results = read.flatMap((file) => file.results);
  return {
    validation: validatePlan(run, results, tolerancePercent, aids.calibration ?? undefined),
    read: read.map(({ name, results: own }) => ({
      name,
      tool: own[0]?.tool ?? 'none',
      points: own.length,
    })),
  };
}

/** @throws Error as measuredPlan, and where nothing was measured that a calibration could be made of */
export function recalibrated({ run, files }: MeasuredWish, stamp: RecalibrationStamp): Recalibrated {
  const results = files.flatMap((file) => resultsOf(file).results);
  const { calibration, beforePercent, afterPercent } = recalibrate(run, results, stamp);
  return { calibration, beforePercent, afterPercent };
}

function resultsOf({ name, text }: ResultFile): { name: string; results: readonly MeasuredResult[] } {
  const read = readResults(text);
  if (!read.ok) throw new Error(`${name}: ${read.sentence}`);
  return { name, results: read.value };
}
