/** The autopilot's state, made when the room is first entered or a kept run is opened in it. */
import '../../core/all-records.ts';
import type { App } from '../../state/app.svelte.ts';
import { AutopilotRoom, type AutopilotPort } from '../../state/autopilot.svelte.ts';
import { tabMemory } from '../../state/browser.ts';
import { lasting } from '../../state/lasting.svelte.ts';
import { createAutopilotClient } from '../../workers/autopilot-client.ts';

export function useAutopilot(app: App): AutopilotRoom {
  return (app.autopilot ??= lasting(
    () =>
      new AutopilotRoom({
        ports: { simulator: createAutopilotClient(), engine: onGpu(app) },
        library: app.library,
        tab: tabMemory(),
      }),
  ));
}

/** On this GPU an autopilot takes its turn with every measurement, in this tab and in others. */
function onGpu({ gpu }: App): AutopilotPort {
  return {
    run: () =>
      Promise.resolve({
        ok: false,
        error: { code: 'absent', message: 'The real engine can’t be steered yet.', data: null },
      }),
    goOn: () => undefined,
    stop: () => undefined,
    cancel: () => void gpu.cancel(),
    reset: () => undefined,
  };
}
