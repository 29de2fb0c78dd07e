/**
 * A load on a backend that serves one request at a time: first come, first served, times counted from when each was due,
 * as drive.ts counts them. What others of the field do without batching; it tells no steps and no blocks.
 */
import type { ServeRecord } from '../../core/run/serve.ts';
import type { GenerationBackend } from './backend.ts';
import { DueLine, firstOnes, followersOf, type DriveOptions } from './drive.ts';
import { ServeRecorder } from './record.ts';

export interface SerialClock {
  now(): number;
  idleUntil(ms: number, signal: AbortSignal): Promise<void>;
}

/** @throws Error of the backend; the signal's reason when aborted */
export async function driveSerially(
  backend: GenerationBackend,
  clock: SerialClock,
  { requests, prompts, seed, signal, onProgress }: DriveOptions,
): Promise<ServeRecord> {
  const startMs = clock.now();
  const recorder = new ServeRecorder(requests, startMs);
  const followers = followersOf(requests);
  const line = new DueLine(firstOnes(requests, startMs));
  for (let done = 0; done < requests.size;) {
    signal.throwIfAborted();
    const due = line.take(clock.now());
    if (!due) {
      await clock.idleUntil(line.nextMs, signal);
      continue;
    }
    const { row, dueMs } = due;
    const calledMs = clock.now();
    recorder.sent(row, dueMs, calledMs);
    recorder.started(row, calledMs, 0);
    const wanted = requests.outputTokens[row] ?? 1;
    const options = { signal, ignoreEnd: true };
    const { tokenTimesMs, tokens } = await backend.generate(prompts.prompt(row), wanted, undefined, options);
    tokenTimesMs.forEach((ms, i) => {
      recorder.token(row, calledMs + ms, i + 1 === tokenTimesMs.length);
      prompts.generated(row, tokens[i] ?? 0);
    });
    done++;
    onProgress?.(done / requests.size);
    for (const follower of followers.get(row) ?? []) {
      line.add({ row: follower, dueMs: clock.now() + (requests.arrivalMs[follower] ?? 0) });
    }
  }
  return recorder.record(seed);
}
