/** A hardware check as a card in a link: values without samples, and always marked as its sender's word. */
import type { JsonObject, Read } from '../json.ts';
import { parsedRun, readRunDocument } from './document.ts';
import { EagerRun, type CheckRun } from './schema.ts';

/** First note of every check that came in a link. */
export const LINK_NOTE =
  'From a link: these numbers are as its sender wrote them; nothing was measured here.';

/** Limits that say what fits; the rest of the sender's limits stay with the sender. */
const KEPT_LIMITS = new Set([
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
]);

/** The check without raw samples, and without notes of numbers that need no explanation. */
export function toCheckCard(run: CheckRun): CheckRun {
  const limits = Object.entries(run.environment.limits).filter(([name]) => KEPT_LIMITS.has(name));
  return {
    ...run,
    environment: { ...run.environment, limits: Object.fromEntries(limits) },
    measurements: run.measurements.map((measurement) => ({
      ...measurement,
      value: measurement.value === null ? null : Number(measurement.value.toPrecision(6)),
      samples: [],
    })),
    notes: run.notes.filter((note) => note !== LINK_NOTE),
  };
}

const NO_CARD = { ok: false, sentence: 'This link holds no check card; ask for it again.' } as const;

/** Reads a card and marks it. */
export function parseCheckCard(value: JsonObject): Read<CheckRun> {
  const read = readRunDocument(value);
  if (!read.ok) return read;
  if (read.value['kind'] !== 'check') return NO_CARD;
  const parsed = parsedRun(EagerRun, read.value);
  if (!parsed.ok) return parsed;
  if (parsed.run.kind !== 'check') return NO_CARD;
  const notes = [LINK_NOTE, ...parsed.run.notes.filter((note) => note !== LINK_NOTE)].slice(0, 50);
  return { ok: true, value: { ...parsed.run, received: 'link', notes } };
}
