/** Lanes for stretches of time: two that overlap never share one, and there are as few as can be. */

/** The lane of each stretch, by its order of start. Input: [start, end) of each, in any order. */
export function lanesOf(stretches: readonly (readonly [number, number])[]): number[] {
  const order = stretches.map((_, at) => at).sort((a, b) => startOf(a) - startOf(b) || a - b);
  const free: number[] = [];
  const lanes = new Array<number>(stretches.length).fill(0);
  function startOf(at: number): number {
    return stretches[at]?.[0] ?? 0;
  }
  for (const at of order) {
    const [start, end] = stretches[at] ?? [0, 0];
    const found = free.findIndex((until) => until <= start);
    const lane = found < 0 ? free.length : found;
    free[lane] = end;
    lanes[at] = lane;
  }
  return lanes;
}
