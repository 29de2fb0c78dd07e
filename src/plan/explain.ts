/** Why this one: five sentences with the runner-up and what would change the decision. */
import type { PlanSubject } from './types.ts';
import type { Ranked } from './search.ts';
import type { Sized } from './size.ts';

function nameOf({ candidate: { choice } }: Sized): string {
  const ranks = choice.tensorParallel > 1 ? `, tensor parallel ${choice.tensorParallel}` : '';
  return `${choice.gpus} × ${choice.gpuName} with ${choice.weights} weights and ${choice.kvFormat} KV${ranks}`;
}

export function explain(
  { scenario, model }: PlanSubject,
  ranked: readonly Ranked[],
  searched: { readonly candidates: number; readonly infeasible: number },
): string[] {
  const [first, second] = ranked;
  if (!first) return [];
  return [
    `${nameOf(first.sized)} serves ${model.name} best for the goal ${scenario.goal.kind}, of ${searched.candidates} settings of which ${searched.infeasible} can't.`,
    ...(second ? [`The runner-up is ${nameOf(second.sized)}.`] : []),
  ];
}
