/** How much CPU the page's main thread spends in one task: thread time in a trace, so that a busy machine changes nothing. */
import type { Browser, Page } from 'playwright';

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** Thread duration in microseconds. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

interface Trace {
  readonly traceEvents: readonly TraceEvent[];
}

/** @returns the longest task in milliseconds of CPU. @throws Error when the trace holds no task of the main thread. */
export async function longestTaskMs(
  browser: Browser,
  page: Page,
  work: () => Promise<void>,
): Promise<number> {
  await browser.startTracing(page, { categories: ['toplevel', 'devtools.timeline', '__metadata'] });
  await work();
  const buffer = await browser.stopTracing();
  const { traceEvents } = JSON.parse(buffer.toString()) as Trace;
  const mains = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid}.${tid}`),
  );
  const tasks = traceEvents.filter(
    ({ name, ph, pid, tid, tdur }) =>
      ph === 'X' && tdur !== undefined && /RunTask$/.test(name) && mains.has(`${pid}.${tid}`),
  );
  if (tasks.length === 0)
    throw new Error('The trace holds no task of a main thread; its categories have changed.');
  return Math.max(...tasks.map(({ tdur }) => (tdur ?? 0) / 1000));
}
