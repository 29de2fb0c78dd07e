/**
 * How many measurements each rung of successive halving gives, and to how many candidates: all of them a few, the best of
 * them more, the last ones all. (Jamieson and Talwalkar 2016, arXiv:1502.07943; here rungs are cells and repetitions.)
 */
import type { TuneCell } from '../core/scenario/tune/profiles.ts';

/** One cell, once: what everybody of a rung measures, one after the other. */
export interface Block {
  readonly index: number;
  readonly cell: number;
  readonly repetition: number;
}

export interface Rung {
  /** Blocks of the rung, by their place in the order of all blocks: from, to (not included). */
  readonly from: number;
  readonly to: number;
  /** Candidates that measure them, at the most. */
  readonly candidates: number;
}

function logOf(value: number): number {
  // Only an order of distances comes of it, so the number of halvings will do.
  return Math.log2(Math.max(1, value));
}

/** Cells so that the first few stand for all: the middle one, then each time the one that is farthest from those taken. */
export function representativeOrder(cells: readonly TuneCell[]): number[] {
  const models = [...new Set(cells.map(({ model }) => model))];
  const places = cells.map(({ model, context, output }) => [
    2 * models.indexOf(model),
    logOf(context),
    logOf(output),
  ]);
  const far = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? 0)), 0);
  const total = places.map((place) => places.reduce((sum, other) => sum + far(place, other), 0));
  const order: number[] = [];
  while (order.length < cells.length) {
    let best = -1;
    let farthest = -Infinity;
    places.forEach((place, at) => {
      if (order.includes(at)) return;
      const distance =
        order.length === 0
          ? -(total[at] ?? 0)
          : Math.min(...order.map((taken) => far(place, places[taken] ?? [])));
      if (distance > farthest) [best, farthest] = [at, distance];
    });
    order.push(best);
  }
  return order;
}

/** All cells once, then all again. */
export function blocksOf(cells: readonly TuneCell[], repeats: number): Block[] {
  const order = representativeOrder(cells);
  return Array.from({ length: repeats }, (_, repetition) =>
    order.map((cell, at) => ({ index: repetition * order.length + at, cell, repetition })),
  ).flat();
}

function rungsFrom(first: number, candidates: number, blocks: number, eta: number): Rung[] {
  const rungs: Rung[] = [];
  let [from, to, left] = [0, Math.min(first, blocks), candidates];
  for (;;) {
    rungs.push({ from, to, candidates: left });
    if (to >= blocks) return rungs;
    from = to;
    to = Math.min(blocks, to * eta);
    left = Math.min(left, Math.max(2, Math.ceil(left / eta)));
  }
}

export function costOf(rungs: readonly Rung[]): number {
  return rungs.reduce((sum, { from, to, candidates }) => sum + candidates * (to - from), 0);
}

/** Of what a search may spend, so much is kept for telling the first from the second. */
const KEPT_FOR_SEPARATION = 0.1;
const MOST_ETA = 16;

/**
 * The rungs that spend the most of what may be spent: as many blocks for everybody as that allows. Where not even one block
 * for each is affordable, more are left at each rung.
 * @param share of all measurements that may be taken
 */
export function planRungs(candidates: number, blocks: number, eta: number, share: number): Rung[] {
  const most = (1 - KEPT_FOR_SEPARATION) * share * candidates * blocks;
  for (let first = blocks; first >= 1; first--) {
    const rungs = rungsFrom(first, candidates, blocks, eta);
    if (costOf(rungs) <= most) return rungs;
  }
  for (let steeper = eta + 1; steeper <= MOST_ETA; steeper++) {
    const rungs = rungsFrom(1, candidates, blocks, steeper);
    if (costOf(rungs) <= most) return rungs;
  }
  return rungsFrom(1, candidates, blocks, MOST_ETA);
}
