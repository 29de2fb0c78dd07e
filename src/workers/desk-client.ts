/** Starts the desk on the first question and hands out its facade. */
import { wrap } from 'comlink';
import type { DeskApi } from './desk-api.ts';

export function connectDesk(): () => DeskApi {
  let desk: DeskApi | null = null;
  return () => {
    desk ??= wrap<DeskApi>(
      new Worker(new URL('./desk.worker.ts', import.meta.url), { type: 'module', name: 'kvlab-desk' }),
    );
    return desk;
  };
}
