/** Small runs for tests, with numbers that can be checked by hand. */
import type {
  CheckRun,
  Environment,
  LabRun,
  Point,
  Repetition,
  RequestRow,
  StepSample,
} from '../../src/core/run/schema.ts';
import { DEFAULT_SCENARIO } from '../../src/core/scenario/defaults.ts';
import type { Scenario } from '../../src/core/scenario/schema.ts';

export const environment: Environment = {
  appVersion: '0.1.0',
  runtime: 'Chromium 140',
  os: 'Linux',
  adapter: {
    vendor: 'google',
    architecture: 'swiftshader',
    device: '',
    description: 'SwiftShader',
    isFallback: true,
    powerPreference: 'high-performance',
    subgroupMinSize: 4,
    subgroupMaxSize: 4,
  },
  features: ['subgroups', 'timestamp-query'],
  limits: { maxBufferSize: 268435456, maxBindGroups: 4 },
  hostMemoryBytes: 8e9,
  logicalCores: 2,
  timestampQuantumNs: 100,
};

export function request(changes: Partial<RequestRow> = {}): RequestRow {
  return {
    id: 0,
    group: 'all',
    promptTokens: 100,
    outputTokens: 11,
    queuedMs: 0,
    startMs: 5,
    firstTokenMs: 20,
    endMs: 120,
    peakKvBytes: 1000,
    backend: 'subgroups',
    error: null,
    ...changes,
  };
}

export function step(changes: Partial<StepSample> = {}): StepSample {
  return {
    phase: 'decode',
    sequences: 1,
    tokens: 1,
    contextTokens: 101,
    kvReadBytes: 1_000_000,
    startMs: 20,
    wallMs: 10,
    gpuMs: 5,
    ...changes,
  };
}

export function repetition(changes: Partial<Repetition> = {}): Repetition {
  return {
    requests: [request()],
    steps: [
      step({ phase: 'prefill', tokens: 100, startMs: 5, wallMs: 15, gpuMs: 12 }),
      step(),
      step({ startMs: 30 }),
    ],
    peakMemory: { usedBytes: 1000, reservedBytes: 1600, allocatedBytes: 4096 },
    startedMs: 0,
    ...changes,
  };
}

export function point(changes: Partial<Point> = {}): Point {
  return {
    settings: { 'workload.concurrency': 1 },
    status: 'done',
    reason: null,
    variant: 'subgroups',
    repetitions: [repetition()],
    ...changes,
  };
}

export function labRun(
  points: Point[],
  changes: Partial<LabRun> = {},
  scenario: Scenario = DEFAULT_SCENARIO,
): LabRun {
  return {
    version: 1,
    kind: 'lab',
    id: 'run-1',
    title: 'A run',
    createdAt: '2026-09-01T12:00:00Z',
    origin: 'measured',
    command: null,
    scenario,
    environment,
    points,
    notes: [],
    complete: true,
    ...changes,
  };
}

export function checkRun(changes: Partial<CheckRun> = {}): CheckRun {
  const measurement = { unit: 'GB/s', percentOfPeak: null, note: '' };
  return {
    version: 1,
    kind: 'check',
    id: 'check-1',
    title: 'Hardware check',
    createdAt: '2026-09-01T12:00:00Z',
    origin: 'measured',
    command: null,
    environment,
    measurements: [
      {
        ...measurement,
        id: 'read',
        label: 'Read bandwidth',
        value: 2.0123456789,
        samples: [2, 2.0123456789, 2.1],
      },
      {
        ...measurement,
        id: 'fma-f16',
        label: 'FMA in f16',
        value: null,
        samples: [],
        note: 'shader-f16 is missing.',
      },
    ],
    notes: ['Measured on a software adapter.'],
    complete: true,
    ...changes,
  };
}
