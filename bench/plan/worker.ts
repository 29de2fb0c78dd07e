/** A search in a worker, as the page runs it: one fresh worker a case. */
import { PLAN_CASES, timed } from './cases.ts';

onmessage = ({ data }: MessageEvent<number>) => {
  const found = PLAN_CASES[data];
  if (found) postMessage(timed(found));
};
