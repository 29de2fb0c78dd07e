/** One small run of each kind that has figures of requests, with numbers that can be checked by hand. */
import type { LoadRecord, LoadRun, Telemetry, WatchRun } from '../../../src/core/run/load.ts';
import type { Run, ServeRun } from '../../../src/core/run/schema.ts';
import type { ServeRecord } from '../../../src/core/run/serve.ts';
import { DEFAULT_LOAD } from '../../../src/core/scenario/load/defaults.ts';
import { DEFAULT_SERVING } from '../../../src/core/scenario/serve/defaults.ts';
import { importResults } from '../../../src/exchange/read/read-import.ts';
import { autopilotRun } from '../../charts/autopilot-runs.ts';
import { toySimRun } from '../../charts/sim-runs.ts';
import { environment, labRun, point, repetition } from '../../support/runs.ts';
import { VLLM } from '../results/documents.ts';

const CREATED = '2026-09-01T12:00:00.000Z';

export function telemetry(changes: Partial<Telemetry> = {}): Telemetry {
  return {
    atMs: 0,
    running: 1,
    waiting: 0,
    kvUsage: 0.25,
    prefixLookups: 100,
    prefixHits: 40,
    preemptions: 0,
    promptTokens: 100,
    outputTokens: 10,
    ttftMs: null,
    itlMs: null,
    e2eMs: null,
    queueMs: null,
    ...changes,
  };
}

/** Two requests of 20 and 40 prompt tokens, 4 tokens each; the second one fails once. */
export function loadRecord(): LoadRecord {
  return {
    seed: 1,
    requests: {
      arrivalMs: [0, 100],
      sentMs: [0, 110],
      firstTokenMs: [50, 210],
      endMs: [110, 270],
      askedPromptTokens: [20, 40],
      askedOutputTokens: [4, 4],
      promptTokens: [20, 40],
      outputTokens: [4, 4],
      cachedTokens: [null, 16],
      chunks: [4, 4],
      chunkMs: [50, 70, 90, 110, 210, 230, 250, 270],
      attempts: [1, 2],
    },
    faults: [
      {
        row: 1,
        attempt: 1,
        atMs: 150,
        kind: 'server error',
        status: 500,
        sentence: 'The server answers 500.',
        retried: true,
      },
    ],
    heldBack: 0,
    telemetry: [
      telemetry(),
      telemetry({ atMs: 200, kvUsage: 0.75, prefixLookups: 300, prefixHits: 140, preemptions: 2 }),
    ],
  };
}

export function loadRun(): LoadRun {
  return {
    version: 1,
    kind: 'load',
    id: 'load-1',
    title: 'A load',
    createdAt: CREATED,
    origin: 'measured',
    appVersion: '0.1.0',
    command: null,
    scenario: DEFAULT_LOAD,
    model: 'tiny',
    server: {
      kind: 'llama.cpp',
      version: 'b1',
      models: ['tiny'],
      maxModelTokens: 512,
      maxSequences: 4,
      kvTokens: null,
      vocabulary: null,
      metrics: true,
    },
    client: 'test',
    points: [
      {
        settings: { 'workload.arrivals.users': 2 },
        label: '2 users',
        status: 'done',
        reason: null,
        saturated: null,
        fit: null,
        repetitions: [{ measured: loadRecord(), predicted: null }],
        calibration: [],
      },
    ],
    notes: [],
    complete: true,
  };
}

export function watchRun(): WatchRun {
  return {
    version: 1,
    kind: 'watch',
    id: 'watch-1',
    title: 'A watch',
    createdAt: CREATED,
    origin: 'measured',
    appVersion: '0.1.0',
    command: null,
    server: 'vllm',
    intervalSeconds: 5,
    samples: [telemetry(), telemetry({ atMs: 5000, kvUsage: 0.5, prefixLookups: 200, prefixHits: 90 })],
    notes: [],
    complete: true,
  };
}

function serveRecord(): ServeRecord {
  const zeros = [0, 0];
  return {
    seed: 1,
    requests: {
      arrivalMs: [0],
      sentMs: [0],
      startMs: [5],
      firstTokenMs: [20],
      endMs: [40],
      promptTokens: [32],
      outputTokens: [3],
      cachedTokens: [0],
      preemptions: [0],
      tokens: [3],
      tokenMs: [20, 30, 40],
    },
    steps: {
      startMs: [5, 20],
      endMs: [20, 40],
      gpuMs: [null, null],
      decodeSequences: [0, 1],
      decodeContextTokens: [0, 33],
      prefillTokens: [32, 0],
      prefillChunks: [1, 0],
      prefillPairs: [528, 0],
      running: [1, 1],
      waiting: zeros,
      activeBlocks: [2, 3],
      cachedBlocks: zeros,
      wastedSlots: zeros,
      preemptions: zeros,
      recomputedTokens: zeros,
    },
  };
}

export function serveRun(): ServeRun {
  return {
    version: 1,
    kind: 'serve',
    id: 'serve-1',
    title: 'A serving run',
    createdAt: CREATED,
    origin: 'measured',
    command: null,
    scenario: DEFAULT_SERVING,
    model: 'tiny',
    environment,
    points: [
      {
        settings: {},
        backend: 'paged',
        engine: 'KV Lab on SwiftShader',
        status: 'done',
        reason: null,
        kvBlocks: 12,
        blockSize: 16,
        kvBytesPerToken: 256,
        reservedTokens: 0,
        fit: null,
        repetitions: [{ measured: serveRecord(), predicted: null }],
        calibration: [],
      },
    ],
    firstToken: [],
    notes: [],
    complete: true,
  };
}

export function importedVllm(): Run {
  const read = importResults(JSON.stringify({ ...VLLM, mean_e2el_ms: 3915, p99_e2el_ms: 4200 }), {
    id: 'imported-1',
    createdAt: CREATED,
    appVersion: '0.1.0',
    file: 'result.json',
    command: null,
  });
  if (!read.ok) throw new Error(read.sentence);
  return read.value;
}

export const RUNS = {
  simulate: () => toySimRun(),
  serve: serveRun,
  load: loadRun,
  watch: watchRun,
  lab: () => labRun([point({ repetitions: [repetition(), repetition(), repetition()] })]),
  autopilot: () => autopilotRun(),
  imported: importedVllm,
} as const satisfies Record<string, () => Run>;
