/** Policies to begin with, a sentence each; layers over the defaults. */
import { DEFAULT_POLICY, type AutopilotPolicy } from '../../core/scenario/autopilot/policy.ts';

export interface PolicyPreset {
  readonly name: string;
  readonly about: string;
  readonly policy: AutopilotPolicy;
}

function preset(name: string, about: string, layer: Partial<AutopilotPolicy> = {}): PolicyPreset {
  return { name, about, policy: { ...DEFAULT_POLICY, ...layer } };
}

export const POLICY_PRESETS: readonly PolicyPreset[] = [
  preset(
    'balanced',
    'Holds 85 % of the KV budget by whatever risks least: int8 and int4, offload, eviction.',
  ),
  preset(
    'lossless',
    'Changes no value: cold KV moves to the host, and no sequence starts above the target.',
    {
      actionPriority: ['prefixCache', 'offload', 'admission', 'fetch'],
      maxQualityDelta: 0,
    },
  ),
  preset('careful', 'int8 alone, tried on a quarter of the sequences first and spread in three steps.', {
    actionPriority: ['quantize'],
    quantizationScales: [0.5],
    shadowFraction: 0.25,
    maxQualityDelta: 0.02,
    canarySteps: [0.1, 0.5, 1],
    priority: 'low',
  }),
  preset('memory', 'Keeps 5 % below the target with every means, int2 included, and larger plans.', {
    priority: 'high',
    quantizationScales: [0.5, 0.25, 0.125],
    actionPriority: ['prefixCache', 'quantize', 'offload', 'evict', 'admission'],
    keepRecentTokens: 256,
    maxActions: 40,
  }),
  preset(
    'latency',
    'Answers p95 with fewer sequences at once and smaller steps, and fetches what was offloaded.',
    {
      actionPriority: ['fetch', 'chunk', 'concurrency', 'quantize'],
      maxLatencyRatio: 1.1,
    },
  ),
];
