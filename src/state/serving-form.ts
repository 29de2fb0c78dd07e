/**
 * The form of a serving run, read off its schema as the simulator's is (sim-form.ts), in this lab's words and with
 * starts that a model of 512 tokens of context can serve.
 *
 * Boundary: what is not in a group keeps the scenario's value, and can be changed as JSON.
 */
import type { Json } from '../core/json.ts';
import { ServeScenario } from '../core/scenario/serve/schema.ts';
import type { AnySchema, Field, Words } from './form.ts';
import { partsUnder, type FormGroup, type FormKind, type FormPart } from './sim-form.ts';
import { startOf } from './sim-starts.ts';
import { SIM_WORDS } from './sim-words.ts';

const SERVE_WORDS: Words = {
  ...SIM_WORDS,
  'workload.requests': ['Requests', 'Of one repetition of one point.'],
  'engine.kvFormat': ['KV format', 'How K and V are stored.'],
  'engine.blocks': ['KV blocks', 'Of the pool; a contiguous cache gets as many bytes.'],
  'engine.maxContextTokens': [
    'Longest request',
    'Prompt and output together, which a contiguous cache reserves for each sequence; 0: what the model allows.',
  ],
  'engine.prefixCaching': ['Prefix cache', 'Keeps blocks of ended requests for prompts that begin the same.'],
  'engine.tier': ['Kernels', 'With subgroups or without; auto takes what the GPU has.'],
  'engine.residualTokens': ['Residual tokens', 'Newest tokens that int2 keeps in f16, as KIVI does.'],
  'engine.offload': ['Offload', 'Where KV goes that has to leave the GPU.'],
  'engine.hostMegabytes': ['Host memory, MB', 'For the KV that is offloaded.'],
  ttft: [
    'First token: cold, warm, fetched back',
    'The same prompt three times: computed, found in the prefix cache, and fetched back from host memory.',
  ],
  'ttft.promptTokens': ['Its prompt tokens', 'Length of that prompt.'],
  'ttft.repeats': ['Its repetitions', 'Each with a prompt of its own.'],
  'measurement.repeats': [
    'Kept repetitions',
    'Each with a seed of its own; predictions are compared with these.',
  ],
  'measurement.calibrationRepeats': [
    'Calibration',
    'Repetitions with other seeds that the prediction is fitted on, by turns with the kept ones; 0: no prediction.',
  ],
  'measurement.warmupRepeats': ['Warm-up', 'Repetitions before all others, dropped.'],
};

const SERVING: FormKind = { schema: ServeScenario as unknown as AnySchema, words: SERVE_WORDS };

export const SERVE_GROUPS: readonly FormGroup[] = [
  {
    title: 'Load',
    paths: [
      'workload.requests',
      'workload.arrivals',
      'workload.promptTokens',
      'workload.outputTokens',
      'workload.sharing',
    ],
    open: true,
  },
  {
    title: 'Engine',
    paths: [
      'engine.maxSequences',
      'engine.tokenBudget',
      'engine.longPrefillTokens',
      'engine.maxContextTokens',
      'engine.tier',
    ],
  },
  {
    title: 'KV cache',
    paths: [
      'engine.kvFormat',
      'engine.residualTokens',
      'engine.blockSize',
      'engine.blocks',
      'engine.prefixCaching',
      'engine.offload',
      'engine.hostMegabytes',
    ],
  },
  { title: 'First token', paths: ['ttft'] },
  { title: 'Repetitions, seed and objectives', paths: ['measurement', 'seed', 'objectives'] },
  { title: 'Words', paths: ['title', 'about'] },
];

export function servingParts(document: Json, path: string): readonly FormPart[] {
  return partsUnder(document, path, SERVING);
}

/** Settings that a sweep can have as an axis. */
export function sweepFields(document: Json): readonly Field[] {
  return SERVE_GROUPS.flatMap(({ paths }) => paths)
    .filter((path) => /^(workload|engine)\./.test(path))
    .flatMap((path) => servingParts(document, path))
    .filter((part): part is Field => !['variant', 'optional', 'list', 'record'].includes(part.kind));
}

const LENGTH_STARTS: Readonly<Record<string, Json>> = {
  fixed: { kind: 'fixed', tokens: 64 },
  uniform: { kind: 'uniform', min: 16, max: 128 },
  lognormal: { kind: 'lognormal', mu: 3.5, sigma: 0.8, min: 4, max: 256 },
  zipf: { kind: 'zipf', exponent: 1, min: 4, max: 256 },
  quantiles: {
    kind: 'quantiles',
    points: [
      [0, 8],
      [0.5, 48],
      [1, 192],
    ],
  },
  mixture: {
    kind: 'mixture',
    parts: [
      { weight: 3, tokens: 24 },
      { weight: 1, tokens: 192 },
    ],
  },
};

const STARTS: Readonly<Record<string, Readonly<Record<string, Json>>>> = {
  'workload.arrivals': {
    constant: { kind: 'constant', rate: 4 },
    poisson: { kind: 'poisson', rate: 4 },
    gamma: { kind: 'gamma', rate: 4, cv: 2 },
    'on-off': { kind: 'on-off', rate: 8, onSeconds: 2, offSeconds: 2 },
    mmpp: { kind: 'mmpp', rates: [1, 8], leave: [0.5, 1] },
    closed: { kind: 'closed', users: 4, thinkSeconds: 0 },
    series: {
      kind: 'series',
      points: [
        [0, 1],
        [5, 8],
        [10, 1],
      ],
    },
  },
  'workload.promptTokens': LENGTH_STARTS,
  'workload.outputTokens': LENGTH_STARTS,
  'workload.sharing': {
    none: { kind: 'none' },
    system: { kind: 'system', prompts: 2, systemTokens: 64, exponent: 1 },
    sessions: { kind: 'sessions', systemTokens: 32, turns: 2, thinkSeconds: 0 },
    agents: { kind: 'agents', systemTokens: 32, branching: 2, depth: 2 },
  },
};

/** What a part starts with when its kind is chosen or it is switched on. */
export function servingStart(path: string, kind: string | null): Json {
  if (kind === null) return path === 'ttft' ? { promptTokens: 256, repeats: 5 } : startOf(path, kind);
  return STARTS[path]?.[kind] ?? startOf(path, kind);
}
