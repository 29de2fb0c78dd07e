/**
 * Power, energy of a token and carbon of a deployment at a load.
 *
 * Power as a share of the published maximum, by requests in flight on a GPU, between measured points: H100 idle 75 W and
 * 380 W at one token stream of 700 W (Splitwise, arXiv:2311.18677), and Llama-3.1-8B on one H100 under vLLM at 8, 32, 128
 * and 512 sequences (ML.ENERGY leaderboard v3: 486, 560, 669, 688 W). On every other GPU the same shares are assumed.
 */
import { log2 } from '../core/math.ts';
import type { GpuRecord } from '../core/hardware/records.ts';
import type { PlanEnergy } from '../core/run/plan.ts';

/** Requests in flight on one GPU, and the share of the published power. */
const POWER_SHARES: readonly (readonly [batch: number, share: number])[] = [
  [1, 380 / 700],
  [8, 486.4 / 700],
  [32, 559.7 / 700],
  [128, 669.2 / 700],
  [512, 688.3 / 700],
];
const IDLE_SHARE = 75 / 700;

/** Share of the published power with so many requests in flight on each GPU; below one it is idle for part of the time. */
export function powerShare(batch: number): number {
  const [first] = POWER_SHARES;
  if (!first) return 1;
  if (batch <= 1) return IDLE_SHARE + Math.max(0, batch) * (first[1] - IDLE_SHARE);
  for (let i = 1; i < POWER_SHARES.length; i++) {
    const [before, after] = [POWER_SHARES[i - 1] ?? first, POWER_SHARES[i] ?? first];
    if (batch > after[0]) continue;
    const along = log2(batch / before[0]) / log2(after[0] / before[0]);
    return before[1] + along * (after[1] - before[1]);
  }
  return POWER_SHARES.at(-1)?.[1] ?? 1;
}

export interface EnergyLoad {
  readonly gpus: number;
  /** Requests in flight on a replica, below 1 where it is idle between them, and the GPUs of one. */
  readonly batch: number;
  readonly group: number;
  readonly outputTokensPerSecond: number;
  readonly pue: number;
}

/** Null where nobody publishes the GPU's power. @param grid grams of CO₂e of a kWh, and whose figure that is */
export function energyOf(
  gpu: GpuRecord,
  { gpus, batch, group, outputTokensPerSecond, pue }: EnergyLoad,
  grid: { readonly gramsPerKwh: number; readonly source: string },
): PlanEnergy | null {
  if (gpu.tdpW === null || outputTokensPerSecond <= 0) return null;
  const wattsPerGpu = gpu.tdpW * powerShare(batch / group);
  const joules = (wattsPerGpu * pue * gpus) / outputTokensPerSecond;
  return {
    wattsPerGpu,
    joulesPerOutputToken: joules,
    // 1 kWh = 3.6e6 J, and a million tokens.
    gramsCo2PerMillionOutputTokens: (joules * 1e6 * grid.gramsPerKwh) / 3.6e6,
    source:
      `Power by load as measured on H100 (Splitwise, ML.ENERGY), of ${gpu.tdpW} W, PUE ${pue}; grid: ${grid.source}`.slice(
        0,
        400,
      ),
  };
}
