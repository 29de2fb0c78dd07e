/**
 * What is wanted of a deployment, as one number to make small, and which of many no other beats.
 *
 *   cost        $ of a million output tokens        latency   ms of a whole answer
 *   throughput  GPU-seconds of a request at the most that the GPUs carry
 *   quality     percent lost, then cost             energy    J of an output token
 *   balanced    Σ weight · log₂(value / best value found); one percent of quality weighs as much as ten of the others
 *
 * Logarithms, so that twice as dear weighs the same wherever one starts, and no score saturates.
 */
import { log2 } from '../core/math.ts';
import type { PlanScenario } from '../core/scenario/plan/schema.ts';
import type { Sized } from './size.ts';

/** Each less is better; null where nobody knows. */
export interface Merits {
  readonly cost: number | null;
  readonly latency: number;
  readonly throughput: number;
  readonly quality: number | null;
  readonly energy: number | null;
}

export function meritsOf(sized: Sized): Merits {
  return {
    cost: sized.costPerMillionOutput,
    latency: sized.served.e2eMs,
    throughput: sized.gpus / sized.maxRequestsPerSecond,
    quality: sized.quality.lossPercent,
    energy: sized.joulesPerOutputToken,
  };
}

/** Percent of quality that weigh as much as ten percent of cost or time. */
const QUALITY_WEIGHT = 10;

function qualityFactor(loss: number): number {
  return 1 + (QUALITY_WEIGHT * loss) / 100;
}

/** The least of each merit over the feasible ones; 1 where nobody knows any. */
export function bestOf(all: readonly Merits[]): Record<keyof Merits, number> {
  const least = (pick: (merits: Merits) => number | null): number => {
    let best = Infinity;
    for (const merits of all) {
      const value = pick(merits);
      if (value !== null && value < best) best = value;
    }
    return Number.isFinite(best) && best > 0 ? best : 1;
  };
  return {
    cost: least((m) => m.cost),
    latency: least((m) => m.latency),
    throughput: least((m) => m.throughput),
    quality: least((m) => m.quality),
    energy: least((m) => m.energy),
  };
}

/** Worse than anything known: nobody published what it would take to compare it. */
const UNKNOWN = 1e6;

/** The number to make small. Unknown values come after all known ones, not outside. */
export function scoreOf(
  goal: PlanScenario['goal'],
  merits: Merits,
  best: Record<keyof Merits, number>,
): number {
  const ratio = (value: number | null, least: number): number =>
    value === null ? UNKNOWN : log2(Math.max(value, 1e-12) / least);
  // Little differences in what is not asked for settle ties: the cheaper, then the faster.
  const tie = 1e-3 * ratio(merits.cost, best.cost) + 1e-6 * ratio(merits.latency, best.latency);
  switch (goal.kind) {
    case 'cost':
      return ratio(merits.cost, best.cost) + 1e-3 * ratio(merits.latency, best.latency);
    case 'latency':
      return ratio(merits.latency, best.latency) + 1e-3 * Math.min(20, ratio(merits.cost, best.cost));
    case 'throughput':
      return ratio(merits.throughput, best.throughput) + Math.min(0.1, tie);
    case 'quality':
      return merits.quality === null
        ? UNKNOWN
        : merits.quality + 1e-3 * Math.min(20, ratio(merits.cost, best.cost));
    case 'energy':
      return ratio(merits.energy, best.energy) + Math.min(0.1, tie);
    case 'balanced':
      return balanced(goal.weights, merits, best);
    default:
      return goal.kind satisfies never;
  }
}

/** What nobody measured weighs as much as losing two percent. */
const UNKNOWN_LOSS = 2;
/** A price or a power that nobody publishes weighs as much as eight times the least. */
const UNKNOWN_DOUBLINGS = 3;

function balanced(
  weights: PlanScenario['goal']['weights'],
  merits: Merits,
  best: Record<keyof Merits, number>,
): number {
  const sum = weights.cost + weights.latency + weights.throughput + weights.quality + weights.energy;
  const part = (weight: number, value: number | null, least: number): number =>
    weight * (value === null ? UNKNOWN_DOUBLINGS : log2(Math.max(value, 1e-12) / least));
  return (
    (part(weights.cost, merits.cost, best.cost) +
      part(weights.latency, merits.latency, best.latency) +
      part(weights.throughput, merits.throughput, best.throughput) +
      weights.quality * log2(qualityFactor(merits.quality ?? UNKNOWN_LOSS)) +
      part(weights.energy, merits.energy, best.energy)) /
    sum
  );
}

/** Cost, latency, throughput, quality: unknown values are as bad as can be. */
function axes({ cost, latency, throughput, quality }: Merits): readonly [number, number, number, number] {
  return [cost ?? Infinity, latency, throughput, quality ?? Infinity];
}

/** Which of several nobody matches in all four and beats in one. */
export function paretoFront(all: readonly Merits[]): boolean[] {
  const points = all.map(axes);
  const order = points
    .map((_, i) => i)
    .sort(
      (a, b) =>
        (points[a]?.[0] ?? 0) - (points[b]?.[0] ?? 0) || (points[a]?.[1] ?? 0) - (points[b]?.[1] ?? 0),
    );
  const front: (readonly [number, number, number, number])[] = [];
  const on = new Array<boolean>(all.length).fill(false);
  for (const i of order) {
    const point = points[i];
    if (!point) continue;
    // Sorted by cost, whoever beats a point comes before it, equal costs aside.
    const beaten = front.some((other) => beats(other, point));
    if (beaten) continue;
    on[i] = true;
    front.push(point);
  }
  // Of equal cost and latency, a later one may beat an earlier one in the other two.
  return on.map((is, i) => {
    const point = points[i];
    return is && point !== undefined && !front.some((other) => beats(other, point));
  });
}

function beats(a: readonly number[], b: readonly number[]): boolean {
  let less = false;
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] ?? 0, b[i] ?? 0];
    if (x > y) return false;
    if (x < y) less = true;
  }
  return less;
}
