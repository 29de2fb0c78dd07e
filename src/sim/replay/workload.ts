/**
 * The recorded workload as a request table.
 *
 * Requests come when the workload says, not when the recording's engine took them: when an engine takes a request depends
 * on the step that it is in, and that is a prediction. (The recordings agree: `arrival_time` follows the workload's
 * timestamps to a millisecond; only the first request, which warms the engine up, comes some 20–40 ms late.)
 */
import { requestTable, type RequestTable } from '../../core/schedule/requests.ts';
import type { Trace } from '../../core/workload/traces/trace.ts';
import { RecordedError, type RecordedRequest } from './recorded.ts';

/**
 * Ids of the prompts' blocks as the trace has them, and one more for each further full block of prompt and output: text
 * that only this request has, and finds again after a preemption.
 * @throws RecordedError for a trace whose blocks are of another size
 */
export function tableOf(trace: Trace, blockSize: number): RequestTable {
  if (trace.blockTokens !== null && trace.blockTokens !== blockSize) {
    throw new RecordedError(
      `The workload's ids stand for ${trace.blockTokens} tokens each; the engine's blocks have ${blockSize}.`,
    );
  }
  const known = new Map<number, number>();
  let next = 0;
  const idOf = (id: number): number => {
    const seen = known.get(id);
    if (seen !== undefined) return seen;
    known.set(id, next);
    return next++;
  };
  return requestTable(
    trace.requests.map(({ arrivalSeconds, promptTokens, outputTokens, blockIds }) => {
      const full = Math.floor((promptTokens + outputTokens) / blockSize);
      const shared = blockIds.slice(0, Math.floor(promptTokens / blockSize)).map(idOf);
      const own = Array.from({ length: Math.max(0, full - shared.length) }, () => next++);
      return { arrivalMs: arrivalSeconds * 1000, promptTokens, outputTokens, blockIds: [...shared, ...own] };
    }),
  );
}

/**
 * The requests that were recorded: the workload's first ones, as many as the recording has.
 * @throws RecordedError when the recording is not of this workload
 */
export function recordedPart(workload: Trace, recorded: readonly RecordedRequest[]): Trace {
  const count = workload.requests.length;
  if (recorded.length > count) {
    throw new RecordedError(
      `The workload has ${count} requests and the recording ${recorded.length}; name the one that was recorded.`,
    );
  }
  const trace = { ...workload, requests: workload.requests.slice(0, recorded.length) };
  trace.requests.forEach(({ promptTokens, outputTokens }, row) => {
    const seen = recorded[row];
    if (seen?.promptTokens === promptTokens && seen.outputTokens === outputTokens) return;
    throw new RecordedError(
      `Request ${row} has ${promptTokens} + ${outputTokens} tokens in the workload and ` +
        `${seen?.promptTokens} + ${seen?.outputTokens} in the recording; name the workload that was recorded.`,
    );
  });
  return trace;
}
