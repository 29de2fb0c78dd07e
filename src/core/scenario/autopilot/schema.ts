/**
 * The scenario of an autopilot: what runs, which policy steers it, and how often it looks.
 *
 * Two backends: the simulated engine (`simulation`), and the real engine on the visitor's GPU (`serving`). Only the one that
 * `backend` names is run; the other stays as it is, so that a person can switch between them.
 */
import * as v from 'valibot';
import { SCENARIO_VERSION } from '../schema.ts';
import { ServeScenario } from '../serve/schema.ts';
import { SimScenario } from '../simulate/schema.ts';
import { AutopilotPolicy } from './policy.ts';

const int = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const real = (min: number, max: number) => v.pipe(v.number(), v.finite(), v.minValue(min), v.maxValue(max));
const text = (max: number) => v.pipe(v.string(), v.maxLength(max));

export const AUTOPILOT_BACKENDS = ['simulator', 'engine'] as const;
export type AutopilotBackend = (typeof AUTOPILOT_BACKENDS)[number];

export const AutopilotScenario = v.strictObject({
  version: v.literal(SCENARIO_VERSION),
  kind: v.literal('autopilot'),
  title: text(120),
  about: text(1200),
  seed: int(0, 4_294_967_295),
  backend: v.picklist(AUTOPILOT_BACKENDS),
  simulation: SimScenario,
  serving: ServeScenario,
  policy: AutopilotPolicy,
  /** Between two looks at the cache. */
  controlMs: real(1, 1e7),
  /** Runs the same requests without the autopilot too. */
  compare: v.boolean(),
  /** Plans, and shows what it would do; nothing is touched. */
  dryRun: v.boolean(),
  /**
   * Simulated engine only: loss of quality of each format and of eviction that the shadow meets, in the units of
   * maxQualityDelta; null: what the laboratory measured on the shipped model.
   */
  simulatedLoss: v.nullable(
    v.strictObject({ int8: real(0, 10), int4: real(0, 10), int2: real(0, 10), evict: real(0, 10) }),
  ),
});
export type AutopilotScenario = v.InferOutput<typeof AutopilotScenario>;
