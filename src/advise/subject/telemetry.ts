/** What samples of a server's own metrics say over a time. */
import { mean } from '../../core/metrics/percentiles.ts';
import type { Telemetry } from '../../core/run/load.ts';

export type TelemetryCounter =
  'prefixLookups' | 'prefixHits' | 'preemptions' | 'promptTokens' | 'outputTokens';
export type TelemetryGauge = 'running' | 'waiting' | 'kvUsage' | 'ttftMs' | 'itlMs' | 'e2eMs' | 'queueMs';

/** What a counter grew by; null where it is missing, or the server was started anew in between. */
export function grown(samples: readonly Telemetry[], name: TelemetryCounter): number | null {
  const values = samples.flatMap((sample) => sample[name] ?? []);
  const [first, last] = [values[0], values.at(-1)];
  return first === undefined || last === undefined || values.length < 2 || last < first ? null : last - first;
}

export function telemetryMean(samples: readonly Telemetry[], name: TelemetryGauge): number | null {
  const values = samples.flatMap((sample) => sample[name] ?? []);
  return values.length === 0 ? null : mean(values);
}

/** Share of the samples that say so, of those that say anything. */
export function sampleShare(
  samples: readonly Telemetry[],
  is: (sample: Telemetry) => boolean | null,
): number | null {
  const told = samples.flatMap((sample) => is(sample) ?? []);
  return told.length === 0 ? null : told.filter(Boolean).length / told.length;
}
