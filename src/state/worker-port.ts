/** The GPU worker, started on the first question. */
import type { WorkerPort } from './gpu.svelte.ts';

export function workerPort(): WorkerPort {
  return { api: () => Promise.reject(new Error('not yet')), reset: () => undefined };
}
