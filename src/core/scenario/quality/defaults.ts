/** The quality experiment under every other; scenario files, links and forms are partial layers over it. */
import { SCENARIO_VERSION } from '../schema.ts';
import type { QualityScenario } from './schema.ts';

export const DEFAULT_QUALITY: QualityScenario = {
  version: SCENARIO_VERSION,
  kind: 'quality',
  title: 'Untitled quality experiment',
  about: '',
  seed: 1,
  model: 'shipped',
  hardware: { adapter: 'high-performance' },
  engine: { blockSize: 16, residualTokens: 32, sequences: 16, tier: 'auto' },
  cache: {
    kFormats: ['f16', 'int8', 'int4', 'int2'],
    vFormats: [],
    policies: ['none'],
    budgets: [],
    crossed: false,
    variants: { bits: [], axes: ['token', 'channel'], rotation: [false], outlierGains: [1] },
  },
  tasks: {
    recall: {
      distances: [32, 128, 384],
      depths: [0, 0.5, 1],
      samples: 16,
      contextTokens: 480,
      question: 'behind',
    },
    text: { sequences: 8, promptTokens: 128, scoredTokens: 48 },
    attentionSequences: 4,
    speed: { sequences: 4, tokens: 32 },
  },
  softwareAdapter: {
    'tasks.recall.samples': 4,
    'tasks.text.sequences': 6,
    'tasks.text.scoredTokens': 24,
    // An interval needs three.
    'tasks.attentionSequences': 3,
    'tasks.speed.tokens': 24,
  },
};
