/** The autopilot's state, made when the room is first entered or a kept run is opened in it. */
import '../../core/all-records.ts';
import type { App } from '../../state/app.svelte.ts';
import { AutopilotRoom, type AutopilotPort } from '../../state/autopilot.svelte.ts';
import { tabMemory } from '../../state/browser.ts';
import { lasting } from '../../state/lasting.svelte.ts';
import { createAutopilotClient } from '../../workers/autopilot-client.ts';
import type { ModelWorkerApi } from '../../workers/model-api.ts';

export function useAutopilot(app: App): AutopilotRoom {
  return (app.autopilot ??= lasting(
    () =>
      new AutopilotRoom({
        ports: { simulator: createAutopilotClient(), engine: onGpu(app) },
        desk: createAutopilotClient(),
        library: app.library,
        tab: tabMemory(),
      }),
  ));
}

/** On this GPU an autopilot takes its turn with every measurement, in this tab and in others. */
function onGpu(app: App): AutopilotPort {
  const { gpu } = app;
  const tell = (say: (model: ModelWorkerApi) => void): void =>
    void gpu.askModel((model) => {
      say(model);
      return Promise.resolve({ ok: true, value: null });
    });
  return {
    run: async (scenario, { hold }, onNews) => {
      onNews({ fraction: null, message: 'Loading the model' });
      // The shipped one, unless another was asked for before.
      const { useModel } = await import('../model/model.ts');
      await useModel(app).enter(false);
      const { outcome } = await gpu.measureModel('An autopilot', (model) =>
        model.autopilot(scenario, hold, onNews),
      );
      return outcome;
    },
    goOn: () => tell((model) => model.goOn()),
    stop: () => tell((model) => model.stopAutopilot()),
    cancel: () => void gpu.cancel(),
    reset: () => undefined,
  };
}
