/** Which of several points nobody beats in both of two quantities. */

export interface Traded {
  /** Less is better. */
  readonly cost: number;
  /** More is better. */
  readonly worth: number;
}

/** Indices of the points that no other matches in both and beats in one, by rising cost. n log n. */
export function paretoFront(points: readonly Traded[]): number[] {
  const rising = points.map((point, index) => ({ ...point, index })).sort((a, b) => a.cost - b.cost);
  const front: number[] = [];
  let most = -Infinity;
  for (let from = 0; from < rising.length;) {
    const cost = rising[from]?.cost;
    let to = from;
    while (to < rising.length && rising[to]?.cost === cost) to++;
    const equal = rising.slice(from, to);
    const best = equal.reduce((worth, point) => Math.max(worth, point.worth), -Infinity);
    if (best > most) front.push(...equal.filter(({ worth }) => worth === best).map(({ index }) => index));
    most = Math.max(most, best);
    from = to;
  }
  return front;
}
