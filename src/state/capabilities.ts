/** Features and limits of an adapter in plain words; what has no words here is not shown as a sentence. */
import type { Environment } from '../core/run/schema.ts';

export interface Capability {
  /** The name WebGPU uses. */
  readonly name: string;
  readonly words: string;
  readonly meaning: string;
}

const FEATURES: readonly (Capability & { readonly without: string })[] = [
  {
    name: 'subgroups',
    words: 'Neighbouring threads share values without memory',
    meaning: 'The fastest attention kernels sum over a subgroup directly.',
    without: 'Attention runs the tier that sums through workgroup memory instead.',
  },
  {
    name: 'shader-f16',
    words: 'Calculates in 16-bit floats',
    meaning: 'Halves the arithmetic cost of f16; storing f16 works either way.',
    without: 'f16 is stored packed and calculated in f32.',
  },
  {
    name: 'timestamp-query',
    words: 'Lets kernels be timed on its own clock',
    meaning: 'Kernel times come from the GPU, not from the host that waits for it.',
    without: 'Times come from the host’s clock, submit to done, and include its overhead.',
  },
];

export interface FeatureState extends Capability {
  readonly present: boolean;
}

export function featuresOf({ features }: Environment): readonly FeatureState[] {
  return FEATURES.map(({ name, words, meaning, without }) => {
    const present = features.includes(name);
    return { name, words, meaning: present ? meaning : without, present };
  });
}

export interface LimitState extends Capability {
  readonly value: number;
  readonly unit: 'bytes' | 'threads' | 'groups' | 'buffers';
}

const LIMITS: readonly (Capability & { readonly unit: LimitState['unit'] })[] = [
  {
    name: 'maxBufferSize',
    words: 'Largest single buffer',
    meaning: 'One layer’s KV pool is one buffer and must fit.',
    unit: 'bytes',
  },
  {
    name: 'maxStorageBufferBindingSize',
    words: 'Most a kernel sees of one buffer',
    meaning: 'One layer’s KV pool is bound whole.',
    unit: 'bytes',
  },
  {
    name: 'maxComputeWorkgroupStorageSize',
    words: 'Memory shared by a workgroup',
    meaning: 'Where a workgroup keeps the query and its partial sums.',
    unit: 'bytes',
  },
  {
    name: 'maxComputeInvocationsPerWorkgroup',
    words: 'Threads in a workgroup',
    meaning: 'How many threads work on one piece of a sequence together.',
    unit: 'threads',
  },
  {
    name: 'maxComputeWorkgroupsPerDimension',
    words: 'Workgroups in one dispatch and dimension',
    meaning: 'Bounds batch and splits of one dispatch.',
    unit: 'groups',
  },
  {
    name: 'maxStorageBuffersPerShaderStage',
    words: 'Buffers a kernel binds at once',
    meaning: 'Query, pool, table, lengths and output each take one.',
    unit: 'buffers',
  },
];

export function limitsOf({ limits }: Environment): readonly LimitState[] {
  return LIMITS.flatMap((limit) => {
    const value = limits[limit.name];
    return value === undefined ? [] : [{ ...limit, value }];
  });
}
