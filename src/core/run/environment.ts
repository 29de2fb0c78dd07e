/** Where measured numbers come from: the machine, the browser and the adapter. */
import * as v from 'valibot';

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const bytes = v.pipe(v.number(), v.minValue(0), v.finite());

export const Environment = v.strictObject({
  appVersion: text(40),
  /** Browser with version, or `Dawn in Node …`. */
  runtime: text(300),
  os: text(120),
  adapter: v.strictObject({
    vendor: text(120),
    architecture: text(120),
    device: text(200),
    description: text(400),
    isFallback: v.boolean(),
    powerPreference: v.picklist(['high-performance', 'low-power']),
    subgroupMinSize: count,
    subgroupMaxSize: count,
  }),
  features: v.pipe(v.array(text(80)), v.maxLength(100)),
  limits: v.record(text(80), v.number()),
  /** Host memory as the browser tells it, rounded by it; null where it is not told. */
  hostMemoryBytes: v.nullable(bytes),
  logicalCores: v.nullable(count),
  /** Step of the GPU clock in nanoseconds; null without timestamp queries. */
  timestampQuantumNs: v.nullable(v.number()),
});
export type Environment = v.InferOutput<typeof Environment>;
