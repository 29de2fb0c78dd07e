/** The planner's state, made by whichever view of the room is opened first. */
import type { App } from '../../state/app.svelte.ts';
import { keyValueMemory, tabMemory } from '../../state/browser.ts';
import { lasting } from '../../state/lasting.svelte.ts';
import { PlanRoom } from '../../state/plan-room.svelte.ts';
import { createPlanClient } from '../../workers/plan-client.ts';

export function usePlan(app: App): PlanRoom {
  return (app.plan ??= lasting(
    () =>
      new PlanRoom({
        client: createPlanClient(),
        library: app.library,
        tab: tabMemory(),
        memory: keyValueMemory(),
      }),
  ));
}
