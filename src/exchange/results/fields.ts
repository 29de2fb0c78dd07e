/** Numbers and names out of a document that somebody else wrote: what is not there or of another kind is null. */
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import { NO_DISTRIBUTION, type MeasuredDistribution } from '../../core/run/measured.ts';

/** The value at a dotted path; undefined where the path ends early. */
export function at(document: Json | undefined, path: string): Json | undefined {
  let value = document;
  for (const key of path.split('.')) {
    if (!isJsonObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** A number that is not negative; numbers in text count, as some tools write them so. */
export function numberAt(document: Json | undefined, path: string): number | null {
  const value = at(document, path);
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) && number >= 0 ? number : null;
}

export function textAt(document: Json | undefined, path: string, longest = 300): string | null {
  const value = at(document, path);
  return typeof value === 'string' && value !== '' ? value.slice(0, longest) : null;
}

export function objectAt(document: Json | undefined, path: string): JsonObject | null {
  const value = at(document, path);
  return isJsonObject(value) ? value : null;
}

export function listAt(document: Json | undefined, path: string): readonly Json[] | null {
  const value = at(document, path);
  return Array.isArray(value) ? value : null;
}

/** @param pathOf where a statistic stands; the first path with a number counts */
export function distribution(
  document: Json | undefined,
  pathsOf: (statistic: keyof MeasuredDistribution) => readonly string[],
  scale = 1,
): MeasuredDistribution {
  const read = (statistic: keyof MeasuredDistribution): number | null => {
    for (const path of pathsOf(statistic)) {
      const value = numberAt(document, path);
      if (value !== null) return value * scale;
    }
    return null;
  };
  return { mean: read('mean'), p50: read('p50'), p90: read('p90'), p95: read('p95'), p99: read('p99') };
}

export function isEmpty(values: MeasuredDistribution): boolean {
  return Object.values(values).every((value) => value === null);
}

/** Only the mean, where a tool's own percentiles are of another quantity. */
export function meanOnly(mean: number | null): MeasuredDistribution {
  return { ...NO_DISTRIBUTION, mean };
}

/** (end to end − TTFT) / (output tokens − 1) of means, for tools that have no such number; null where it can't be had. */
export function tpotOfMeans(
  e2eMs: number | null,
  ttftMs: number | null,
  outputTokens: number | null,
): number | null {
  if (e2eMs === null || ttftMs === null || outputTokens === null || outputTokens <= 1) return null;
  return e2eMs >= ttftMs ? (e2eMs - ttftMs) / (outputTokens - 1) : null;
}

export function ratio(a: number | null, b: number | null): number | null {
  return a === null || b === null || b <= 0 ? null : a / b;
}

/** `8 in flight`, `4 requests/s`, or the place in the file. */
export function loadLabel(rate: number | null, concurrency: number | null, index: number): string {
  if (rate !== null) return `${Number(rate.toPrecision(4))} requests/s`;
  if (concurrency !== null) return `${Number(concurrency.toPrecision(4))} in flight`;
  return `point ${index + 1}`;
}
