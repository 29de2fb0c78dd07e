/** The tab's state, made when it is first opened, and kept while the page lives. */
import type { App } from '../../state/app.svelte.ts';
import { lasting } from '../../state/lasting.svelte.ts';
import { pageTabs, TransferState } from '../../state/transfer.svelte.ts';
import { createTransferClient } from '../../workers/transfer-client.ts';
import { useModel } from '../model/model.ts';

export function useTransfer(app: App): TransferState {
  const model = useModel(app);
  return (app.transfer ??= lasting(
    () =>
      new TransferState({
        client: createTransferClient,
        tabs: pageTabs,
        model: () =>
          model.source && model.facts
            ? { source: model.source, weightFormat: model.facts.weightFormat, power: app.gpu.power }
            : null,
      }),
  ));
}
