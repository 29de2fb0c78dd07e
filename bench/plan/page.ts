/** The planner's bench in a browser: scripts/bench.mjs opens this page and calls `kvlabPlanBench`. */
import { PLAN_CASES, type PlanRowOfCase } from './cases.ts';

function inWorker(index: number): Promise<PlanRowOfCase> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  return new Promise<PlanRowOfCase>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<PlanRowOfCase>) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(index);
  }).finally(() => worker.terminate());
}

async function kvlabPlanBench(): Promise<PlanRowOfCase[]> {
  const rows: PlanRowOfCase[] = [];
  for (const index of PLAN_CASES.keys()) rows.push(await inWorker(index));
  return rows;
}

Object.assign(globalThis, { kvlabPlanBench });
