/** How many GPUs of a kind stand beside each other. */
import type { GpuRecord } from '../core/hardware/records.ts';

/** Ranks of one replica that a GPU of a kind is put together in: a server has eight, a laptop one. */
export function mostRanks({ kind }: GpuRecord): number {
  if (kind === 'datacenter') return 8;
  return kind === 'workstation' || kind === 'desktop' ? 4 : 1;
}
