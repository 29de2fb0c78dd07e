/**
 * What engines take beside weights and KV, by engine and version: overheads.json, one row a version with its source.
 *
 * A version takes the newest row that is not newer than itself; one older than the oldest row takes that. How each number
 * is used is said where it is declared; what it is multiplied with is in terms.ts.
 */
import * as v from 'valibot';
import { PLAN_ENGINES, type PlanEngineName } from '../../core/scenario/plan/schema.ts';
import rows from './overheads.json' with { type: 'json' };

const amount = v.pipe(v.number(), v.minValue(0), v.maxValue(1000));

export const EngineOverheads = v.strictObject({
  engine: v.picklist(PLAN_ENGINES),
  /** From this version on. */
  version: v.pipe(v.string(), v.maxLength(20)),
  /** The engine's own share of the memory; null: it follows from the GPU (defaultUtilization). */
  memoryUtilization: v.nullable(amount),
  /** Peak of sampling: bytes for each sequence and word, hidden states of each token of the step, and a constant. */
  samplingBytesPerWord: amount,
  samplingHidden: amount,
  samplingGiB: amount,
  /** Outside of the engine's allocator on one GPU: context, libraries. */
  runtimeGiB: amount,
  /** Between ranks, on GPUs that hang on a switch (NVLS buffers), and on others. */
  switchedGiB: amount,
  linkedGiB: amount,
  /** Graphs are captured (terms.ts says what they take). */
  graphs: v.boolean(),
  /** Graphs are taken from the engine's share; else from what it leaves free. */
  graphsCounted: v.boolean(),
  /** Tokens that are printed: blocks of the pool, or the sequences of the longest length that it holds times that. */
  reports: v.picklist(['blocks', 'concurrency']),
  origin: v.picklist(['published', 'assumed']),
  source: v.pipe(v.string(), v.minLength(10), v.maxLength(400)),
});
export type EngineOverheads = v.InferOutput<typeof EngineOverheads>;

/** Oldest first in each engine. */
export const ENGINE_OVERHEADS: readonly EngineOverheads[] = v.parse(v.array(EngineOverheads), rows);

/** Numbers of a version, so that 0.9 is older than 0.19. */
function versionNumbers(version: string): number[] {
  return (version.match(/\d+/g) ?? []).map(Number);
}

/** Whether version `a` is `b` or newer. */
export function versionAtLeast(a: string, b: string): boolean {
  const [left, right] = [versionNumbers(a), versionNumbers(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

const found = new Map<string, EngineOverheads>();

/** The row of an engine's version; null: the newest. */
export function overheadsOf(engine: PlanEngineName, version: string | null): EngineOverheads {
  const key = `${engine} ${version ?? ''}`;
  const known = found.get(key);
  if (known) return known;
  const own = ENGINE_OVERHEADS.filter((row) => row.engine === engine);
  const row =
    version === null
      ? own.at(-1)
      : (own.findLast((candidate) => versionAtLeast(version, candidate.version)) ?? own[0]);
  if (!row) throw new RangeError(`Nothing is known of what ${engine} takes.`);
  found.set(key, row);
  return row;
}
