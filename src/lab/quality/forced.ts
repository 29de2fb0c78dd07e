/**
 * Teacher forcing: sequences run in batches through an engine that is told every token, and the logits are heard at the
 * positions that count.
 */
import type { StepReport } from '../../engine/engine-types.ts';
import type { QualityEngine } from './engine-port.ts';

export interface ForcedJob {
  readonly promptIds: readonly number[];
  /** The tokens behind the prompt; the first is predicted by the prompt itself, the others in decode steps. */
  readonly forced: readonly number[];
  /** `index`: the token of `forced` that these logits predict. Valid during the call. */
  readonly onLogits?: (index: number, logits: Float32Array) => void;
}

export const GREEDY = { temperature: 0, topP: 1, topK: 0, seed: 0 } as const;

export interface Watch {
  readonly signal: AbortSignal;
  /** Share of the tokens that have come. */
  readonly onShare?: (share: number) => void;
  readonly onStep?: (report: StepReport) => void;
}

/** Steps until nothing is left. @returns tokens by request, in the order of submission */
export async function drain(engine: QualityEngine, expected: number, watch: Watch): Promise<number[][]> {
  const outputs = new Map<number, number[]>();
  let come = 0;
  for (let report = await engine.step(); report !== null; report = await engine.step()) {
    for (const { request, token } of report.events) {
      const output = outputs.get(request) ?? [];
      output.push(token);
      outputs.set(request, output);
      come++;
    }
    watch.onStep?.(report);
    watch.onShare?.(Math.min(1, come / Math.max(1, expected)));
    watch.signal.throwIfAborted();
  }
  return [...outputs.entries()].sort(([a], [b]) => a - b).map(([, output]) => output);
}

/** Runs all jobs to their ends. @returns the engine's number of each job */
export async function runForced(
  engine: QualityEngine,
  jobs: readonly ForcedJob[],
  watch: Watch,
): Promise<number[]> {
  const requests = jobs.map(({ promptIds, forced, onLogits }) =>
    engine.submit({
      promptIds,
      forced,
      maxTokens: forced.length,
      sampling: GREEDY,
      stopTokens: [],
      ...(onLogits && { onLogits }),
    }),
  );
  await drain(
    engine,
    jobs.reduce((sum, { forced }) => sum + forced.length, 0),
    watch,
  );
  return requests;
}
