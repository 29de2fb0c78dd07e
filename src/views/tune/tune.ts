/** The tuner's state, made when the room is first entered or a kept tuning is opened in it. */
import '../../core/all-records.ts';
import type { App } from '../../state/app.svelte.ts';
import { tabMemory } from '../../state/browser.ts';
import { lasting } from '../../state/lasting.svelte.ts';
import { TuneRoom, type TunePort } from '../../state/tune.svelte.ts';
import { createTuneClient } from '../../workers/tune-client.ts';

/** On this GPU a tuning takes its turn with every other measurement, in this tab and in others. */
function onGpu(app: App): TunePort {
  const { gpu } = app;
  return {
    run: async (scenario, resume, onNews) => {
      if (scenario.executor === 'engine') {
        onNews({ fraction: null, message: 'Loading the model' });
        // The shipped one, unless another was asked for before.
        const { useModel } = await import('../model/model.ts');
        await useModel(app).enter(false);
      }
      const { outcome } = await gpu.measureModel('A tuning', (model) => model.tune(scenario, resume, onNews));
      return outcome;
    },
    cancel: () => void gpu.cancel(),
    // Whoever asks the GPU's worker to stop ends it by itself where it does not answer.
    reset: () => undefined,
  };
}

/** Through the server that the room Connect names. */
function onServer(app: App): TunePort {
  return {
    run: async (scenario, resume, onNews) => {
      const { useConnect } = await import('../connect/connect.ts');
      const { server, tuner } = useConnect(app);
      return tuner.tune(server.target, scenario, resume, onNews);
    },
    cancel: () => app.connect?.tuner.cancel(),
    // Requests in flight are given up at once.
    reset: () => undefined,
  };
}

export function useTune(app: App): TuneRoom {
  return (app.tune ??= lasting(() => {
    const gpu = onGpu(app);
    const client = createTuneClient();
    return new TuneRoom({
      ports: { simulator: client, kernels: gpu, engine: gpu, endpoint: onServer(app) },
      texts: client,
      library: app.library,
      tab: tabMemory(),
      now: () => performance.now(),
    });
  }));
}
