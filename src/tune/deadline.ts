/** A measurement that may take so long and no longer. */
import { InfeasibleError } from './executor.ts';

/** Runs work under the caller's signal and a limit of time. @throws InfeasibleError when the time is over */
export async function withDeadline<T>(
  signal: AbortSignal,
  seconds: number | null,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (seconds === null) return work(signal);
  const stop = new AbortController();
  const forward = (): void => stop.abort(signal.reason);
  signal.addEventListener('abort', forward, { once: true });
  if (signal.aborted) forward();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    stop.abort(new Error('too late'));
  }, 1000 * seconds);
  try {
    return await work(stop.signal);
  } catch (error) {
    if (!late || signal.aborted) throw error;
    throw new InfeasibleError(`A measurement took more than the ${seconds} s of budget.measurementSeconds.`);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', forward);
  }
}
