/**
 * The GPU as the rest of the house sees it: one device with its features, limits, pipelines and allocations.
 *
 * Takes a `GPUAdapter` or a ready `GPUDevice`, knows no DOM, and so runs under Dawn in Node as well.
 */
import { Bindings } from './bindings.ts';
import { Buffers } from './buffers.ts';
import { Pipelines } from './pipelines.ts';
import { isSoftwareAdapter } from './software.ts';

export { isSoftwareAdapter } from './software.ts';

export interface GpuFeatures {
  /** False without the feature, or when the no-subgroup tier is forced. */
  readonly subgroups: boolean;
  /** Smallest and largest subgroup the device may run; 0 without subgroups. */
  readonly subgroupMinSize: number;
  readonly subgroupMaxSize: number;
  readonly f16: boolean;
  readonly timestamps: boolean;
}

export interface Gpu {
  readonly device: GPUDevice;
  readonly info: GPUAdapterInfo;
  /** True on a CPU adapter such as SwiftShader. */
  readonly isFallback: boolean;
  readonly features: GpuFeatures;
  readonly limits: GPUSupportedLimits;
  readonly pipelines: Pipelines;
  readonly buffers: Buffers;
  readonly bindings: Bindings;
}

export interface OpenOptions {
  /** False requests a device without the subgroups feature: the tier of Firefox and Safari 26. */
  readonly subgroups?: boolean;
  readonly f16?: boolean;
}

const WANTED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBuffersPerShaderStage',
] as const;

/** Requests a device with the adapter's own limits, not the defaults. */
export async function openGpu(adapter: GPUAdapter, options: OpenOptions = {}): Promise<Gpu> {
  const subgroups = options.subgroups !== false && adapter.features.has('subgroups');
  const f16 = options.f16 !== false && adapter.features.has('shader-f16');
  const requiredFeatures: GPUFeatureName[] = [];
  if (adapter.features.has('timestamp-query')) requiredFeatures.push('timestamp-query');
  if (subgroups) requiredFeatures.push('subgroups');
  if (f16) requiredFeatures.push('shader-f16');
  const requiredLimits: Record<string, number> = {};
  for (const name of WANTED_LIMITS) requiredLimits[name] = adapter.limits[name];
  const device = await adapter.requestDevice({ label: 'Gpu.device', requiredFeatures, requiredLimits });
  return wrapDevice(device, adapter.info);
}

/** Wraps a device that somebody else made; for the library's users. */
export function wrapDevice(device: GPUDevice, info: GPUAdapterInfo = device.adapterInfo): Gpu {
  const subgroups = device.features.has('subgroups');
  return {
    device,
    info,
    isFallback: isSoftwareAdapter(info),
    features: {
      subgroups,
      subgroupMinSize: subgroups ? (info.subgroupMinSize ?? 4) : 0,
      subgroupMaxSize: subgroups ? (info.subgroupMaxSize ?? 128) : 0,
      f16: device.features.has('shader-f16'),
      timestamps: device.features.has('timestamp-query'),
    },
    limits: device.limits,
    pipelines: new Pipelines(device),
    buffers: new Buffers(device),
    bindings: new Bindings(device),
  };
}
