/** The numbers of a policy that have a slider: in the unit that people say them, with the bounds of their track. */
import { AutopilotPolicy } from '../core/scenario/autopilot/policy.ts';
import { fieldsOf, readField, type FieldInput, type NumberField } from './form.ts';

export interface PolicyTarget {
  readonly path: string;
  readonly label: string;
  readonly unit: string;
  /** The policy's number × scale is what is shown. */
  readonly scale: number;
  /** Ends of the track, as shown. */
  readonly min: number;
  readonly max: number;
  readonly whole: boolean;
}

const target = (
  field: keyof AutopilotPolicy,
  label: string,
  unit: string,
  track: readonly [min: number, max: number],
  own: { readonly scale?: number; readonly whole?: boolean } = {},
): PolicyTarget => ({
  path: `policy.${field}`,
  label,
  unit,
  scale: own.scale ?? 1,
  min: track[0],
  max: track[1],
  whole: own.whole ?? false,
});

export const POLICY_TARGETS: readonly PolicyTarget[] = [
  target('kvUseTarget', 'KV use to hold', '%', [20, 100], { scale: 100 }),
  target('latencyP95Ms', 'p95 latency to keep', 'ms', [50, 60_000], { whole: true }),
  target('maxQualityDelta', 'Quality that may be lost', '', [0.001, 1]),
  target('keepRecentTokens', 'Newest tokens left alone', 'tokens', [16, 65_536], { whole: true }),
  target('minSequenceTokens', 'Sequences left alone below', 'tokens', [16, 65_536], { whole: true }),
  target('offloadGBps', 'Link to lower tiers', 'GB/s', [1, 1000]),
];

const FIELDS: ReadonlyMap<string, NumberField> = new Map(
  fieldsOf(AutopilotPolicy).flatMap((field) =>
    field.kind === 'number' ? [[`policy.${field.path}`, field] as const] : [],
  ),
);

/** The policy's number as it is said: 0.57 is 57 %, whatever the floats make of it. */
export function shownTarget({ scale }: PolicyTarget, value: number): number {
  return Number((value * scale).toPrecision(6));
}

/** What was typed, as the policy's number; an empty text is no target where the policy allows none. */
export function readTarget({ path, label, scale }: PolicyTarget, text: string): FieldInput {
  const field = FIELDS.get(path);
  if (field === undefined) return { ok: false, sentence: `${label} is not a number of a policy.` };
  const shown = { ...field, label, min: field.min * scale, max: field.max * scale };
  const read = readField(shown, text);
  return read.ok && typeof read.value === 'number' ? { ok: true, value: read.value / scale } : read;
}
