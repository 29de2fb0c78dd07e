/** Two runs of one point each: B against A in every quantity, and whether both had the same requests. */
import { comparePoints, QUANTITIES } from '../core/metrics/serving/compare.ts';
import type { SimPoint, SimRun } from '../core/run/simulation.ts';
import type { ComparedRuns } from './sim-api.ts';

/** @throws RangeError where a side has no result, with its reason */
export function comparedRuns(a: SimRun, b: SimRun): Pick<ComparedRuns, 'differences' | 'sameArrivals'> {
  const [first, second] = [pointOf(a, 'A'), pointOf(b, 'B')];
  const differences = QUANTITIES.map((quantity) => comparePoints(first, second, quantity));
  return { differences, sameArrivals: sameArrivals(first, second) };
}

function pointOf(run: SimRun, name: string): SimPoint {
  const [point] = run.points;
  if (point === undefined || point.repetitions.length === 0) {
    throw new RangeError(`${name} could not be simulated: ${point?.reason ?? 'it has no result.'}`);
  }
  return point;
}

/** As far as the rows show that the runs keep. */
function sameArrivals(a: SimPoint, b: SimPoint): boolean {
  return a.repetitions.every(({ seed, requests }) => {
    const other = b.repetitions.find((repetition) => repetition.seed === seed)?.requests;
    if (other === undefined || other.total !== requests.total) return false;
    const same = (column: 'arrivalMs' | 'promptTokens' | 'outputTokens'): boolean =>
      requests[column].every((value, row) => value === other[column][row]);
    return same('arrivalMs') && same('promptTokens') && same('outputTokens');
  });
}
