/** A plan beside the results of benchmarks: all files are read, or none is. */
import type { MeasuredResult } from '../core/run/measured.ts';
import { readResults } from '../exchange/results/read.ts';
import { validatePlan } from '../plan/index.ts';
import type { MeasuredPlan, MeasuredWish, ResultFile } from './plan-api.ts';

/** @throws Error with the sentence of a file that does not read, or of a plan that has nothing in common with it */
export function measuredPlan({ run, files, tolerancePercent }: MeasuredWish): MeasuredPlan {
  const read = files.map(resultsOf);
  const results = read.flatMap((file) => file.results);
  return {
    validation: validatePlan(run, results, tolerancePercent),
    read: read.map(({ name, results: own }) => ({
      name,
      tool: own[0]?.tool ?? 'none',
      points: own.length,
    })),
  };
}

function resultsOf({ name, text }: ResultFile): { name: string; results: readonly MeasuredResult[] } {
  const read = readResults(text);
  if (!read.ok) throw new Error(`${name}: ${read.sentence}`);
  return { name, results: read.value };
}
