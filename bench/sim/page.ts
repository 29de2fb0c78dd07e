/** The simulator's bench in a browser: scripts/bench.mjs opens this page and calls `kvlabSimBench`. */
import { loaded, MILLION, type SimRow } from './cases.ts';
import type { Ask, Tell } from './worker.ts';

export interface BrowserBench extends SimRow {
  readonly progressMessages: number;
  /** From asking for the end to the answer, in milliseconds. */
  readonly cancelMs: number;
}

function start(): { ask: (ask: Ask) => void; told: (listen: (tell: Tell) => void) => void; end: () => void } {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  return {
    ask: (ask) => worker.postMessage(ask),
    told: (listen) => (worker.onmessage = ({ data }: MessageEvent<Tell>) => listen(data)),
    end: () => worker.terminate(),
  };
}

/** How long a cancel takes to be answered, a second into a run. */
function cancelled(scenario: ReturnType<typeof loaded>): Promise<number> {
  return new Promise((resolve, reject) => {
    const { ask, told, end } = start();
    let askedAt = 0;
    told((tell) => {
      if (tell.kind === 'progress' && askedAt === 0) {
        askedAt = performance.now();
        ask({ kind: 'cancel' });
      } else if (tell.kind === 'done') {
        end();
        if (tell.complete) reject(new Error('The run ended before it could be cancelled.'));
        else resolve(performance.now() - askedAt);
      }
    });
    ask({ kind: 'run', scenario });
  });
}

async function kvlabSimBench(): Promise<BrowserBench> {
  const scenario = MILLION.scenario();
  const cancelMs = await cancelled(scenario);
  return new Promise((resolve) => {
    const { ask, told, end } = start();
    let progressMessages = 0;
    const startedAt = performance.now();
    told((tell) => {
      if (tell.kind === 'progress') {
        progressMessages++;
        return;
      }
      end();
      const medianMs = performance.now() - startedAt;
      resolve({
        name: MILLION.name,
        requests: tell.summary?.finished ?? 0,
        steps: tell.summary?.steps ?? 0,
        medianMs,
        minMs: medianMs,
        processorMs: null,
        targetMs: MILLION.targetMs,
        note: '',
        progressMessages,
        cancelMs,
      });
    });
    ask({ kind: 'run', scenario });
  });
}

Object.assign(globalThis, { kvlabSimBench });
