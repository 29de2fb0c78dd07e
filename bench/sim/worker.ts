/** A million requests in a worker, as a page would simulate them: progress on the way, and an end when it is asked. */
import { runSimulationAsync, type SimRun } from '../../src/sim/index.ts';
import type { SimScenario } from '../../src/index.ts';

export type Ask = { readonly kind: 'run'; readonly scenario: SimScenario } | { readonly kind: 'cancel' };
export type Tell =
  | { readonly kind: 'progress'; readonly fraction: number }
  | { readonly kind: 'done'; readonly complete: boolean; readonly summary: Summary | null };
type Summary = NonNullable<SimRun['points'][number]['repetitions'][number]>['summary'];

const PAUSE_EVERY_MS = 16;
let stopped = false;

/** Lets messages in; a channel's message is not held back as a timer is. */
function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

async function run(scenario: SimScenario): Promise<void> {
  stopped = false;
  let [pausedAt, toldAt] = [performance.now(), 0];
  const { complete, points } = await runSimulationAsync(scenario, {
    shouldStop: () => stopped,
    onProgress: ({ fraction }) => {
      if (performance.now() - toldAt < 100) return;
      toldAt = performance.now();
      postMessage({ kind: 'progress', fraction } satisfies Tell);
    },
    pause: () => {
      if (performance.now() - pausedAt < PAUSE_EVERY_MS) return undefined;
      pausedAt = performance.now();
      return turnOfTheLoop();
    },
  });
  postMessage({
    kind: 'done',
    complete,
    summary: points[0]?.repetitions[0]?.summary ?? null,
  } satisfies Tell);
}

onmessage = ({ data }: MessageEvent<Ask>) => {
  if (data.kind === 'cancel') stopped = true;
  else void run(data.scenario);
};
