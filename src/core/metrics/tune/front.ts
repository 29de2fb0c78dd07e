/** Which settings nobody beats in time to the first token, throughput and memory together. */
import type { Gains } from './gains.ts';

function beats(a: Gains, b: Gains): boolean {
  const asGood = a.ttft >= b.ttft && a.throughput >= b.throughput && a.memory >= b.memory;
  return asGood && (a.ttft > b.ttft || a.throughput > b.throughput || a.memory > b.memory);
}

/** Entry for entry whether a point is on the front; false for one that was not measured. Gains, so cells may differ. */
export function onFront(points: readonly (Gains | null)[]): boolean[] {
  return points.map(
    (point) => point !== null && !points.some((other) => other !== null && beats(other, point)),
  );
}
