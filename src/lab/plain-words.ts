/** What an adapter can and can't do, in sentences for people. */
import type { Environment } from '../core/run/schema.ts';
import type { Gpu } from '../gpu/context.ts';
import { adapterName } from '../core/run/adapter-name.ts';

const MIB = 1_048_576;

/** Adapter, features and limits, one sentence each. */
export function describeInWords(gpu: Gpu, environment: Environment): string[] {
  return [
    adapterSentence(gpu, environment),
    subgroupSentence(gpu),
    f16Sentence(gpu),
    clockSentence(environment.timestampQuantumNs),
    bufferSentence(gpu),
  ];
}

function adapterSentence(gpu: Gpu, { adapter }: Environment): string {
  const name = adapterName(gpu.info);
  if (gpu.isFallback) {
    return `${name} is a software adapter: it computes on the processor, so its times say nothing about a real GPU.`;
  }
  return `${name}, asked for with ${adapter.powerPreference}.`;
}

function subgroupSentence({ features }: Gpu): string {
  if (!features.subgroups) {
    return 'No subgroups: lanes exchange values through shared memory, which is slower (Firefox and Safari 26 are like this).';
  }
  const { subgroupMinSize: least, subgroupMaxSize: most } = features;
  const lanes = least === most ? `${least}` : `${least} to ${most}`;
  return `Subgroups of ${lanes} lanes: lanes exchange values directly, the fastest tier of the kernels.`;
}

function f16Sentence({ features }: Gpu): string {
  return features.f16
    ? 'shader-f16 is there: half-precision arithmetic can be measured.'
    : 'No shader-f16: f16 caches still work, stored as pairs in 32-bit words and computed in f32.';
}

function clockSentence(quantumNs: number | null): string {
  if (quantumNs === null)
    return 'No GPU clock: times are the host’s, from submit to done, and hold the price of the submit.';
  const step = quantumNs >= 1000 ? `${quantumNs / 1000} µs` : `${quantumNs} ns`;
  return `The GPU’s clock runs in steps of ${step}; every sample lasts at least 20 of them.`;
}

function bufferSentence({ limits }: Gpu): string {
  const binding = Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize);
  const shared = limits.maxComputeWorkgroupStorageSize;
  return (
    `One buffer holds at most ${Math.floor(binding / MIB)} MiB, which bounds one layer’s cache; ` +
    `a workgroup has ${limits.maxComputeInvocationsPerWorkgroup} lanes and ${shared / 1024} KiB of shared memory.`
  );
}
