/**
 * The scenario under every other: files in `scenarios/`, links and forms are partial layers over it.
 *
 * Links hold differences only, so a changed value here changes what old links mean: a change needs a new
 * SCENARIO_VERSION and a migration, and a test pins the values.
 */
import { SCENARIO_VERSION, type Scenario } from './schema.ts';

export const DEFAULT_SCENARIO: Scenario = {
  version: SCENARIO_VERSION,
  kind: 'lab',
  title: 'Untitled experiment',
  about: '',
  seed: 1,
  model: { name: 'Llama-3.2-1B', layers: 16, queryHeads: 32, kvHeads: 8, headDim: 64 },
  hardware: { adapter: 'high-performance' },
  engine: {
    layout: 'paged',
    blockSize: 16,
    kvFormat: 'f16',
    residualTokens: 128,
    prefillChunkTokens: 512,
    maxContextTokens: 0,
    tier: 'auto',
    windowTokens: 0,
    sinkTokens: 0,
    eviction: { policy: 'none', budgetTokens: 1024 },
  },
  workload: { concurrency: 4, promptTokens: 512, outputTokens: 64, sharedPrefixTokens: 0, groups: [] },
  sweep: [],
  // Six repetitions are the fewest whose range holds the median 95 times of 100.
  measurement: { repeats: 7, warmupRepeats: 1 },
  objectives: { ttftMs: null, tpotMs: null },
  softwareAdapter: {},
};
