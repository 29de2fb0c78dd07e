/** The lab's host on a platform: its clock, its facts, and a device on the adapter that was asked for. */
import type { Gpu, OpenOptions } from '../gpu/context.ts';
import { NoAdapterError } from '../lab/errors.ts';
import type { LabHost, PowerPreference } from '../lab/index.ts';
import type { GpuPlatform } from './gpu-service.ts';

/** @param open makes the device; it is the caller's, so that the kernels are loaded with the caller's chunk */
export function labHost(
  platform: GpuPlatform,
  power: PowerPreference,
  open: (adapter: GPUAdapter, options: OpenOptions | undefined) => Promise<Gpu>,
): LabHost {
  const { facts, now, date, newId, command } = platform;
  return {
    ...{ facts, power, now, date, newId, command },
    openGpu: async (options) => open(await adapterOf(platform, power), options),
  };
}

/** @throws NoAdapterError */
export async function adapterOf(
  { requestAdapter }: Pick<GpuPlatform, 'requestAdapter'>,
  power: PowerPreference,
): Promise<GPUAdapter> {
  const adapter = await requestAdapter(power);
  if (!adapter) throw new NoAdapterError();
  return adapter;
}
