/** The tuner's state, made when the room is first entered or a kept tuning is opened in it. */
import type { App } from '../../state/app.svelte.ts';
import { tabMemory } from '../../state/browser.ts';
import { lasting } from '../../state/lasting.svelte.ts';
import { TuneRoom } from '../../state/tune.svelte.ts';
import { createTuneClient } from '../../workers/tune-client.ts';

export function useTune(app: App): TuneRoom {
  return (app.tune ??= lasting(
    () =>
      new TuneRoom({
        ports: { simulator: createTuneClient() },
        library: app.library,
        tab: tabMemory(),
        now: () => performance.now(),
      }),
  ));
}
