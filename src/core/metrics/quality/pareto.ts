/** Which of several points nobody beats in both of two quantities. */

export interface Traded {
  /** Less is better. */
  readonly cost: number;
  /** More is better. */
  readonly worth: number;
}

/** Indices of the points that no other matches in both and beats in one, by rising cost. */
export function paretoFront(points: readonly Traded[]): number[] {
  const beaten = (mine: Traded): boolean =>
    points.some(
      ({ cost, worth }) =>
        cost <= mine.cost && worth >= mine.worth && (cost < mine.cost || worth > mine.worth),
    );
  return points
    .map((point, index) => ({ ...point, index }))
    .filter((point) => !beaten(point))
    .sort((a, b) => a.cost - b.cost)
    .map(({ index }) => index);
}
