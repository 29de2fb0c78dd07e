/** What a colouring needs of the run besides the state it colours. Pure. */
import type { BlockWalk } from '../../../state/walk.svelte.ts';
import { AGE_STEPS, type ColourContext } from './colouring.ts';

/** First event of each age class at the step that is shown. */
export function colourContext({ reader, step }: BlockWalk): ColourContext {
  return {
    // Class i holds what happened in the last AGE_STEPS[i] steps and this one.
    ageFrom: AGE_STEPS.map((steps) => reader.momentOf(step - steps - 1)),
    tierNames: reader.history.tiers,
    tiersOf: (id) => reader.stores.tiersOf(id, step),
  };
}
