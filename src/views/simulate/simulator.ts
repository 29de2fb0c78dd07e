/** The simulator's state, made by whichever view of the room is opened first. */
import '../../core/all-records.ts';
import type { App } from '../../state/app.svelte.ts';
import { tabMemory } from '../../state/browser.ts';
import { lasting } from '../../state/lasting.svelte.ts';
import { Simulator } from '../../state/simulator.svelte.ts';
import { createSimClient } from '../../workers/sim-client.ts';

export function useSimulator(app: App): Simulator {
  return (app.sim ??= lasting(
    () => new Simulator({ client: createSimClient, library: app.library, tab: tabMemory() }),
  ));
}
