/** The environment that a run carries: where its numbers come from. */
import type { Environment } from '../core/run/schema.ts';
import type { Gpu } from '../gpu/context.ts';
import type { LabHost } from './host.ts';

/** Limits that say what a device can hold and run; the rest are about drawing. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxUniformBufferBindingSize',
  'maxBindingsPerBindGroup',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
  'minStorageBufferOffsetAlignment',
  'minUniformBufferOffsetAlignment',
] as const satisfies readonly (keyof GPUSupportedLimits)[];

/** The adapter as it stands, or the device as it was opened. */
export interface DescribedAdapter {
  readonly info: GPUAdapterInfo;
  readonly isFallback: boolean;
  readonly features: Iterable<string>;
  readonly limits: GPUSupportedLimits;
}

type Asked = Pick<LabHost, 'facts' | 'power'>;

export function describeAdapter(
  { info, isFallback, features, limits }: DescribedAdapter,
  { facts, power }: Asked,
  timestampQuantumNs: number | null,
): Environment {
  return {
    appVersion: facts.appVersion.slice(0, 40),
    runtime: facts.runtime.slice(0, 300),
    os: facts.os.slice(0, 120),
    adapter: {
      vendor: info.vendor.slice(0, 120),
      architecture: info.architecture.slice(0, 120),
      device: info.device.slice(0, 200),
      description: info.description.slice(0, 400),
      isFallback,
      powerPreference: power,
      subgroupMinSize: info.subgroupMinSize ?? 0,
      subgroupMaxSize: info.subgroupMaxSize ?? 0,
    },
    features: [...features]
      .map((name) => name.slice(0, 80))
      .sort()
      .slice(0, 100),
    limits: Object.fromEntries(LIMITS.flatMap((name) => limitOf(limits, name))),
    hostMemoryBytes: facts.hostMemoryBytes,
    logicalCores: facts.logicalCores,
    timestampQuantumNs,
  };
}

/** The environment of everything that is measured on this device. */
export function describeEnvironment(gpu: Gpu, asked: Asked, timestampQuantumNs: number | null): Environment {
  const { info, isFallback, limits, device } = gpu;
  return describeAdapter({ info, isFallback, features: device.features, limits }, asked, timestampQuantumNs);
}

function limitOf(limits: GPUSupportedLimits, name: (typeof LIMITS)[number]): [string, number][] {
  const value: unknown = limits[name];
  return typeof value === 'number' ? [[name, value]] : [];
}
