/** A serving run on a small random model: the real engine through the same driver, records and predictions. */
import { expect, test } from 'vitest';
import { servedPoint } from '../../../src/core/metrics/serving/predicted.ts';
import { shapeOf } from '../../../src/core/metrics/serving/served.ts';
import { parseRun } from '../../../src/core/run/parse.ts';
import type { ServeScenario } from '../../../src/core/scenario/serve/schema.ts';
import type { ModelConfig } from '../../../src/engine/config.ts';
import { randomModel } from '../../../src/engine/weights/random.ts';
import { loadModel } from '../../../src/engine/weights/loader.ts';
import type { GenerationBackend } from '../../../src/lab/serving/backend.ts';
import { runServing } from '../../../src/lab/serving/run.ts';
import type { ModelLabContext } from '../../../src/lab/model/context.ts';
import { kvBytesByFormat, parameterCount } from '../../../src/lab/model/facts.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { servingScenario } from '../../charts/serve-runs.ts';
import { testHost } from '../support.ts';

const CONFIG: ModelConfig = {
  family: 'llama',
  name: 'a random model',
  layers: 2,
  hidden: 64,
  intermediate: 128,
  queryHeads: 4,
  kvHeads: 2,
  headDim: 16,
  vocab: 96,
  maxPositionTokens: 256,
  norm: { kind: 'rms', epsilon: 1e-5 },
  positions: { kind: 'rope', theta: 10_000, layout: 'half', rotaryDim: 16, scaling: null },
  activation: 'silu',
  gated: true,
  parallelBlock: false,
  biases: { qkv: false, output: false, mlp: false, head: false },
  qkNorm: false,
  tiedEmbeddings: true,
  windowTokens: 0,
  bosToken: 1,
  eosTokens: [2],
};

const host = testHost();
/** Compiled kernels stay with their device, so tests share one as long as it lives. */
let shared: Promise<Gpu> | null = null;

async function contextOf(
  onProgress: (fraction: number | null) => void = () => undefined,
  signal = new AbortController().signal,
): Promise<ModelLabContext> {
  const gpu = await (shared ??= host.openGpu());
  const open = () => loadModel(gpu, randomModel(CONFIG, 1), { weightFormat: 'f32', budgetBytes: 1e9 });
  const model = await open();
  return {
    gpu,
    model,
    tokenizer: null,
    host,
    signal,
    onProgress: ({ fraction }) => onProgress(fraction),
    reopened: async () => {
      const next = await (shared = host.openGpu());
      const again = await loadModel(next, randomModel(CONFIG, 1), { weightFormat: 'f32', budgetBytes: 1e9 });
      return { gpu: next, model: again, tokenizer: null };
    },
    facts: {
      source: 'files',
      config: CONFIG,
      parameters: parameterCount(CONFIG),
      weightFormat: 'f32',
      weightBytes: model.weights.bytes,
      kvBytesPerToken: kvBytesByFormat(CONFIG),
      poolBytes: 1e8,
      speaksText: false,
      speaksChat: false,
      adapter: 'test',
      isFallback: true,
      loadMs: 0,
      notes: [],
    },
  };
}

const SMALL: Partial<ServeScenario> = {
  workload: {
    ...servingScenario({}).workload,
    requests: 6,
    arrivals: { kind: 'closed', users: 3, thinkSeconds: 0 },
    promptTokens: { kind: 'uniform', min: 8, max: 40 },
    outputTokens: { kind: 'uniform', min: 4, max: 12 },
  },
  engine: {
    ...servingScenario({}).engine,
    blocks: 16,
    maxSequences: 4,
    tokenBudget: 32,
    maxContextTokens: 64,
  },
  measurement: { repeats: 1, calibrationRepeats: 1, warmupRepeats: 1 },
};

const peer = 'The model has no ONNX files.';

test('pages, reservations and a missing peer: measured, predicted, and readable again', async () => {
  const shares: (number | null)[] = [];
  const context = await contextOf((share) => shares.push(share));
  const run = await runServing(
    servingScenario({ ...SMALL, backends: ['paged', 'contiguous', 'transformers'] }),
    context,
    { peer },
  );
  expect(run.complete).toBe(true);
  expect(run.points.map(({ status, reason }) => ({ status, reason }))).toEqual([
    { status: 'done', reason: null },
    { status: 'done', reason: null },
    { status: 'skipped', reason: peer },
  ]);
  for (const point of run.points.slice(0, 2)) {
    const [repetition] = point.repetitions;
    const { requests, steps } = repetition?.measured ?? { requests: null, steps: null };
    expect(requests?.tokens).toEqual(requests?.outputTokens);
    expect(steps?.endMs.length).toBeGreaterThan(5);
    expect(steps?.decodeContextTokens.some((tokens) => tokens > 0)).toBe(true);
    expect(point.fit?.from.every(({ seed }) => seed !== repetition?.measured.seed)).toBe(true);
    const { pairs } = servedPoint(point, shapeOf(point, run.scenario));
    const tpot = pairs.find(({ metric }) => metric === 'tpotMs.mean');
    expect(tpot?.measured).toBeGreaterThan(0);
    expect(tpot?.errorPercent).not.toBeNull();
  }
  // Four reservations of 64 tokens are all that 16 blocks hold; what is measured and what is simulated agree on it.
  const contiguous = run.points[1]?.repetitions[0];
  expect(Math.max(...(contiguous?.measured.steps.activeBlocks ?? []))).toBe(12);
  expect(Math.max(...(contiguous?.predicted?.steps.activeBlocks ?? []))).toBe(12);
  expect(shares.at(-1)).toBeLessThanOrEqual(1);
  expect(parseRun(JSON.stringify(run))).toEqual({ ok: true, run });
});

test('the same steps are scheduled as the simulator says, while the load leaves no choice', async () => {
  const together = {
    ...SMALL,
    workload: {
      ...servingScenario(SMALL).workload,
      arrivals: { kind: 'closed', users: 6, thinkSeconds: 0 } as const,
    },
  };
  const run = await runServing(servingScenario(together), await contextOf(), { peer });
  const [repetition] = run.points[0]?.repetitions ?? [];
  const shape = (steps: { prefillTokens: number[]; decodeSequences: number[]; activeBlocks: number[] }) =>
    steps.prefillTokens.map((tokens, i) => [tokens, steps.decodeSequences[i], steps.activeBlocks[i]]);
  const [measured, predicted] = [repetition?.measured.steps, repetition?.predicted?.steps];
  if (!measured || !predicted) throw new Error('A side is missing.');
  expect(shape(measured)).toEqual(shape(predicted));
});

test('the first token: nothing found, found in the pool, fetched back from the host', async () => {
  const scenario = servingScenario({
    ...SMALL,
    ttft: { promptTokens: 56, repeats: 2 },
    measurement: { repeats: 1, calibrationRepeats: 0, warmupRepeats: 0 },
  });
  const run = await runServing(scenario, await contextOf(), { peer });
  expect(run.notes).toEqual([expect.stringMatching(/^Kernels: \S.*\.$/)]);
  expect(run.firstToken.map(({ from, cachedTokens, reason }) => ({ from, cachedTokens, reason }))).toEqual([
    { from: 'computed', cachedTokens: [0, 0], reason: null },
    { from: 'prefix cache', cachedTokens: [48, 48], reason: null },
    { from: 'host memory', cachedTokens: [48, 48], reason: null },
  ]);
  // Without calibration there is no prediction, and nobody invents one.
  expect(run.points[0]?.fit).toBeNull();
  expect(run.points[0]?.repetitions[0]?.predicted).toBeNull();
});

test('another engine serves the same requests one by one', async () => {
  let under = 0;
  const double: GenerationBackend = {
    name: 'a double',
    kvBytes: null,
    load: () => Promise.resolve(),
    generate: async (_prompt, maxTokens) => {
      expect(++under).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 1));
      under--;
      const tokens = Array.from({ length: maxTokens }, () => 5);
      const tokenTimesMs = tokens.map((_, i) => (i + 1) / tokens.length);
      return { ttftMs: tokenTimesMs[0] ?? 0, tokens, tokenTimesMs };
    },
    dispose: () => Promise.resolve(),
  };
  const run = await runServing(servingScenario({ ...SMALL, backends: ['transformers'] }), await contextOf(), {
    peer: () => Promise.resolve(double),
  });
  const [point] = run.points;
  expect(point).toMatchObject({ status: 'done', engine: 'a double', kvBlocks: null, fit: null });
  expect(point?.repetitions[0]?.measured.requests.tokens).toEqual(
    point?.repetitions[0]?.measured.requests.outputTokens,
  );
});

test('a cancel keeps what was finished; a lost device is opened again', async () => {
  const cancel = new AbortController();
  const context = await contextOf((share) => {
    if ((share ?? 0) > 0.5) cancel.abort();
  }, cancel.signal);
  const cut = await runServing(
    servingScenario({ ...SMALL, measurement: { repeats: 4, calibrationRepeats: 0, warmupRepeats: 0 } }),
    context,
    { peer },
  );
  expect(cut.complete).toBe(false);
  expect(cut.points[0]?.repetitions.length).toBeGreaterThan(0);
  expect(cut.points[0]?.repetitions.length).toBeLessThan(4);

  const kills: { kill: () => void } = { kill: () => undefined };
  const lost = await contextOf((share) => {
    if ((share ?? 0) > 0.4) kills.kill();
  });
  kills.kill = () => {
    kills.kill = () => undefined;
    lost.gpu.device.destroy();
  };
  const run = await runServing(servingScenario(SMALL), lost, { peer });
  expect(run.points[0]).toMatchObject({ status: 'done', reason: null });
  expect(run.notes.join(' ')).toContain('The GPU device was lost during');
});
