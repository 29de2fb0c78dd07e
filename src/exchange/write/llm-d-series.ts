/** What a server said of itself over time, as the series of a benchmark report. Times are from the run's own stamp. */
import type { JsonObject } from '../../core/json.ts';
import type { Telemetry } from '../../core/run/load.ts';
import type { Run } from '../../core/run/schema.ts';
import type { RunFact } from '../facts/fact.ts';

const SERIES = [
  ['kvUsage', 'kv_cache_usage', 'fraction'],
  ['running', 'num_requests_running', 'count'],
  ['waiting', 'num_requests_waiting', 'count'],
  ['preemptions', 'num_preemptions', 'count'],
  ['prefixLookups', 'prefix_cache_queries', 'count'],
  ['prefixHits', 'prefix_cache_hits', 'count'],
  ['promptTokens', 'prompt_tokens', 'count'],
  ['outputTokens', 'generation_tokens', 'count'],
] as const satisfies readonly (readonly [keyof Telemetry, string, string])[];

function samplesOf(run: Run, { point, repetition }: RunFact): readonly Telemetry[] {
  if (run.kind === 'watch') return run.samples;
  if (run.kind !== 'load') return [];
  return run.points[point]?.repetitions[repetition]?.measured.telemetry ?? [];
}

/** undefined for a run without samples, or without a time to count them from. */
export function telemetrySeries(run: Run, fact: RunFact): JsonObject | undefined {
  const samples = samplesOf(run, fact);
  const start = Date.parse(run.createdAt);
  if (samples.length === 0 || !Number.isFinite(start)) return undefined;
  const entries = SERIES.flatMap(([field, name, units]) => {
    const series = samples.flatMap((sample) => {
      const value = sample[field];
      return value === null ? [] : [{ ts: new Date(start + sample.atMs).toISOString(), value }];
    });
    return series.length === 0 ? [] : [[name, { units, series }] as const];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
