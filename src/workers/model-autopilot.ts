/** The autopilot over the real engine as the model's service loads it: on the loaded model, one run at a time. */
import { createEnginePlant } from '../autopilot/engine/create.ts';
import type { AutopilotRun } from '../core/run/autopilot.ts';
import type { AutopilotScenario } from '../core/scenario/autopilot/schema.ts';
import { describeEnvironment } from '../lab/environment.ts';
import type { ModelLabContext } from '../lab/model/context.ts';
import type { OnAutopilotNews } from './autopilot-api.ts';
import { steer, type Going } from './autopilot-service.ts';

export { Going } from './autopilot-service.ts';

/** @param hold waits before each plan until `going.goOn` */
export function steerEngine(
  scenario: AutopilotScenario,
  context: ModelLabContext,
  {
    going,
    hold,
    onNews,
  }: { readonly going: Going; readonly hold: boolean; readonly onNews: OnAutopilotNews },
): Promise<AutopilotRun> {
  const { host, signal, gpu } = context;
  const { now, date, newId, facts } = host;
  const cancel = (): void => going.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  const platform = {
    ...{ now, date, newId, appVersion: facts.appVersion },
    sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
  };
  return steer(platform, going, scenario, { speed: null, hold }, onNews, {
    createPlant: (asked, { autopilot }) => createEnginePlant(context, asked, { autopilot, now, signal }),
    environment: describeEnvironment(gpu, host, null),
  }).finally(() => signal.removeEventListener('abort', cancel));
}
