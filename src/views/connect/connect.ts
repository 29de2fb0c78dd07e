/** The room's state, made when it is first entered or a kept load is opened in it. */
import type { App } from '../../state/app.svelte.ts';
import { keyValueMemory, tabMemory } from '../../state/browser.ts';
import { ConnectRoom } from '../../state/connect.svelte.ts';
import { lasting } from '../../state/lasting.svelte.ts';
import { createConnectClient } from '../../workers/connect-client.ts';
import { createSimClient } from '../../workers/sim-client.ts';

export function useConnect(app: App): ConnectRoom {
  return (app.connect ??= lasting(
    () =>
      new ConnectRoom({
        api: createConnectClient(),
        traces: createSimClient().api,
        library: app.library,
        memory: { tab: tabMemory(), browser: keyValueMemory() },
      }),
  ));
}
