/**
 * Canary steps: which actions each step does. A step takes a growing share of the planned sequences, drawn by the seed and
 * not by the planner's order, so that the first ones are no better than the rest; limits come with the last.
 */
import type { PlannedAction } from '../../core/run/autopilot.ts';
import type { KvAction } from '../../core/scenario/autopilot/action.ts';
import { createRandom } from '../../core/random.ts';

function sequenceOf(action: KvAction): string | null {
  return 'sequence' in action ? action.sequence : null;
}

/**
 * The actions of each step, all of them once; steps that would do nothing are left out.
 * @param shares growing, the last 1
 */
export function canaryGroups(
  actions: readonly PlannedAction[],
  shares: readonly number[],
  seed: number,
): PlannedAction[][] {
  const names = [...new Set(actions.flatMap(({ action }) => sequenceOf(action) ?? []))];
  const drawn = createRandom(seed).fork('canary').shuffled(names);
  const stepOf = new Map<string, number>();
  shares.forEach((share, step) => {
    // At least one sequence with the first step.
    const count = Math.max(1, Math.ceil(share * drawn.length));
    for (const name of drawn.slice(0, count)) if (!stepOf.has(name)) stepOf.set(name, step);
  });
  const last = shares.length - 1;
  const groups = shares.map((_, step) =>
    actions.filter(({ action }) => (stepOf.get(sequenceOf(action) ?? '') ?? last) === step),
  );
  return groups.filter((group) => group.length > 0);
}
