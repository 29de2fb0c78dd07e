/**
 * What the simulated engine's memory is made of: its formats and blocks in bytes, and the tiers below it with their links.
 *
 * Tiers come from the scenario's cluster by their kind. Where the policy names one that the cluster lacks, ASSUMED_TIERS
 * stands in, and the run says so.
 */
import { findGpu } from '../../core/hardware/records.ts';
import { KV_FORMATS, type KvFormat } from '../../core/kv/formats.ts';
import type { KVTier } from '../../core/kv/kv-pool-types.ts';
import { modelBytesPerToken, type ServedKvFormat } from '../../core/kv/layers.ts';
import { findArchitecture, layerCount } from '../../core/model/architecture.ts';
import { scenarioGroups } from '../../core/scenario/simulate/fit.ts';
import type { SimScenario } from '../../core/scenario/simulate/schema.ts';
import type { AutopilotScenario } from '../../core/scenario/autopilot/schema.ts';
import type { LinkSettings } from '../../sim/link.ts';

/** The served formats by the names of the block pool; f32 is none of them. */
const FORMATS: Readonly<Partial<Record<KvFormat, ServedKvFormat>>> = {
  f16: 'bf16',
  'fp8-e4m3': 'fp8',
  int8: 'int8',
  int4: 'int4',
  int2: 'int2',
};

export type LowerTier = Exclude<KVTier, 'hbm'>;

export interface TierShape extends LinkSettings {
  readonly tier: LowerTier;
  readonly capacityBytes: number;
  readonly assumed: boolean;
}

/** Capacity, link and latency where neither the scenario nor the GPU's record says. Assumed. */
const ASSUMED_TIERS: Readonly<Record<LowerTier, LinkSettings & { readonly capacityGB: number }>> = {
  host: { capacityGB: 256, bandwidthGBps: 32, latencyUs: 10 },
  cxl: { capacityGB: 512, bandwidthGBps: 28, latencyUs: 12 },
  nvme: { capacityGB: 2000, bandwidthGBps: 7, latencyUs: 100 },
  remote: { capacityGB: 2000, bandwidthGBps: 12.5, latencyUs: 50 },
};

export interface SimulatedShape {
  readonly native: KvFormat;
  readonly bytesPerToken: (format: KvFormat) => number | null;
  readonly blockSize: number;
  /** Of one block of native tokens. */
  readonly blockBytes: number;
  readonly layers: number;
  /** Of the GPU's own memory, all ranks together. */
  readonly memoryBytesPerMs: number;
  readonly tiers: readonly TierShape[];
  /** Where copies for the way back go: the first tier, or the host's memory where the policy names none. */
  readonly copies: TierShape;
}

function tierShape(tier: LowerTier, { simulation, policy }: AutopilotScenario): TierShape {
  const own = simulation.cluster.tiers.find(({ kind }) => kind === tier);
  const assumed = ASSUMED_TIERS[tier];
  const hostGBps = tier === 'host' ? findGpu(simulation.hardware.gpu)?.serving?.hostGBps : null;
  const { capacityGB, bandwidthGBps, latencyUs } =
    own ?? (hostGBps == null ? assumed : { ...assumed, bandwidthGBps: hostGBps });
  return {
    tier,
    capacityBytes: capacityGB * 1e9,
    bandwidthGBps: Math.min(policy.offloadGBps, bandwidthGBps),
    latencyUs,
    assumed: own === undefined,
  };
}

/** What the simulated engine cannot be steered with, in a sentence; null where it can. */
export function notSteered({ engine }: SimScenario): string | null {
  if (engine.scheduler !== 'vllm')
    return `engine.scheduler is ${engine.scheduler}; an autopilot steers the vllm scheduler.`;
  if (engine.speculation !== null)
    return 'engine.speculation is on; an autopilot steers an engine without it: set it to null.';
  return engine.preemption === 'recompute'
    ? null
    : `engine.preemption is ${engine.preemption}; under an autopilot it is recompute.`;
}

/** @throws RangeError in one sentence for an engine that can't be steered */
export function simulatedShape(scenario: AutopilotScenario): SimulatedShape {
  const { simulation, policy } = scenario;
  const refusal = notSteered(simulation);
  if (refusal !== null) throw new RangeError(refusal);
  const model = findArchitecture(simulation.model);
  const gpu = findGpu(simulation.hardware.gpu);
  if (!model) throw new RangeError(`The model “${simulation.model}” is not known; choose another one.`);
  if (!gpu) throw new RangeError(`The GPU “${simulation.hardware.gpu}” is not known; choose another one.`);
  const groups = scenarioGroups(withoutTiers(simulation));
  if (groups.length !== 1 || groups[0]?.keeps.kind !== 'all')
    throw new RangeError(
      `Layers of ${simulation.model} keep different tokens; an autopilot acts on models whose layers keep all, such as Llama-3.1-8B.`,
    );
  const { kvFormat, blockSize } = simulation.engine;
  const native = KV_FORMATS.find((format) => FORMATS[format] === kvFormat) ?? 'f16';
  const bytes = new Map(
    KV_FORMATS.map((format) => {
      const served = FORMATS[format];
      return [format, served === undefined ? null : modelBytesPerToken(model, { format: served })] as const;
    }),
  );
  const bytesPerToken = (format: KvFormat): number | null => bytes.get(format) ?? null;
  const tiers = policy.tiers.flatMap((tier) => (tier === 'hbm' ? [] : [tierShape(tier, scenario)]));
  return {
    native,
    bytesPerToken,
    blockSize,
    blockBytes: (bytesPerToken(native) ?? 0) * blockSize,
    layers: layerCount(model),
    memoryBytesPerMs: gpu.bandwidthGBps * 1e6 * simulation.hardware.tensorParallel,
    tiers,
    copies: tiers[0] ?? tierShape('host', scenario),
  };
}

/** The simulation as it is run: tiers belong to the autopilot then, and not to the prefix cache. */
export function withoutTiers(simulation: SimScenario): SimScenario {
  return { ...simulation, cluster: { ...simulation.cluster, tiers: [] } };
}
