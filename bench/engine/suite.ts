/**
 * The engine on one GPU: small trained models on any adapter; on a real one also a Llama-shaped model with random weights
 * that is large enough for its reading to be the time of a step, and a long prefill.
 */
import { median } from '../../src/core/metrics/percentiles.ts';
import { memorySource } from '../../src/engine/files/byte-source.ts';
import { loadModel } from '../../src/engine/weights/loader.ts';
import { openModelFolder } from '../../src/engine/weights/open.ts';
import { randomModel } from '../../src/engine/weights/random.ts';
import { GpuOutOfMemoryError } from '../../src/gpu/buffers.ts';
import type { Gpu } from '../../src/gpu/context.ts';
import { measureFmaRate } from '../../src/gpu/microbench/fma-rate.ts';
import { measureReadBandwidth } from '../../src/gpu/microbench/read-bandwidth.ts';
import { createTimer } from '../../src/gpu/timing.ts';
import {
  engineSettings,
  llamaShaped,
  PREFILL_TOKENS,
  prefillFlops,
  WEIGHTS_MS,
  type BenchModel,
} from './cases.ts';
import { timeDecode, timePrefill } from './decode.ts';
import type { EngineBench, EngineCase, LargeCase } from './report.ts';

export interface EngineSuiteOptions {
  readonly models: readonly BenchModel[];
  /** Why a model is not there, in words. */
  readonly skipped: readonly string[];
  readonly rounds: number;
  readonly runtime: string;
  readonly date: string;
  /** The large model on a software adapter too: a rehearsal, with a small one. */
  readonly large: boolean;
  readonly say: (text: string) => void;
}

const SMALL_CONTEXT = 256;
const SMALL_OUTPUT = 64;
const LARGE_OUTPUT = 48;
/** Weights of the random model at the most: what a large adapter takes without a long wait. */
const MOST_WEIGHT_BYTES = 24e9;

export async function runEngineSuite(gpu: Gpu, options: EngineSuiteOptions): Promise<EngineBench> {
  const cases: EngineCase[] = [];
  for (const model of options.models) {
    options.say(`${model.name}: decode at batch 1 and 8…`);
    cases.push(await smallCase(gpu, model, options.rounds));
  }
  const { large, why } = await maybeLarge(gpu, options);
  const { vendor, architecture, description } = gpu.info;
  return {
    date: options.date,
    device: [vendor, architecture, description].filter((text) => text !== '').join(' '),
    runtime: options.runtime,
    isFallback: gpu.isFallback,
    cases,
    large,
    skipped: [...options.skipped, ...why],
  };
}

async function maybeLarge(
  gpu: Gpu,
  options: EngineSuiteOptions,
): Promise<{ readonly large: LargeCase | null; readonly why: readonly string[] }> {
  if (gpu.isFallback && !options.large) {
    const why =
      'Llama-shaped model with random weights: skipped, it is for real GPUs and this adapter is software.';
    return { large: null, why: [why] };
  }
  try {
    return { large: await largeCase(gpu, options), why: [] };
  } catch (error) {
    if (!(error instanceof GpuOutOfMemoryError)) throw error;
    return { large: null, why: [`Llama-shaped model with random weights: skipped. ${error.message}`] };
  }
}

async function smallCase(gpu: Gpu, { name, files }: BenchModel, rounds: number): Promise<EngineCase> {
  const sources = new Map(
    Object.entries(files).map(([file, bytes]) => [file, memorySource(file, bytes.buffer)]),
  );
  const folder = { name, file: (file: string) => Promise.resolve(sources.get(file) ?? null) };
  const model = await loadModel(gpu, await openModelFolder(folder), {
    weightFormat: 'f32',
    budgetBytes: 2 ** 30,
  });
  try {
    const settings = engineSettings(SMALL_CONTEXT, 128, 'f32');
    const decode = await timeDecode(gpu, model, settings, { rounds, outputTokens: SMALL_OUTPUT });
    return { name, weightBytes: model.weights.bytes, ...decode };
  } finally {
    model.weights.destroy();
  }
}

async function largeCase(gpu: Gpu, { rounds, say }: EngineSuiteOptions): Promise<LargeCase> {
  say('Measuring the peaks of this adapter…');
  const timer = await createTimer(gpu);
  const readGbps = median((await measureReadBandwidth(gpu, timer)).gbpsSamples);
  const fmaGflops = median((await measureFmaRate(gpu, timer, 'f32')).gflopsSamples);
  timer.destroy();
  const config = llamaShaped(Math.min(MOST_WEIGHT_BYTES, readGbps * 1e6 * WEIGHTS_MS * 1.05));
  say(`${config.name}: writing its weights…`);
  const model = await loadModel(gpu, randomModel(config, 1), {
    weightFormat: 'f16',
    budgetBytes: 2 * MOST_WEIGHT_BYTES,
  });
  try {
    say(`${config.name}: decode at batch 1 and 8…`);
    const kvFormat = gpu.features.f16 ? 'f16' : 'f32';
    const settings = engineSettings(SMALL_CONTEXT, 128, kvFormat);
    const decode = await timeDecode(gpu, model, settings, { rounds, outputTokens: LARGE_OUTPUT });
    say(`${config.name}: prefill of ${PREFILL_TOKENS} tokens…`);
    const long = { ...engineSettings(PREFILL_TOKENS + 16, PREFILL_TOKENS, kvFormat), numBlocks: 160 };
    const prefillMs = await timePrefill(gpu, model, long, PREFILL_TOKENS, Math.min(5, rounds));
    // Weights that a step reads: all matrices; of the tied embedding the head is that matrix.
    const weightReadMs = model.weights.bytes / readGbps / 1e6;
    return {
      name: config.name,
      weightBytes: model.weights.bytes,
      ...decode,
      readGbps,
      fmaGflops,
      weightReadMs,
      prefillTokens: PREFILL_TOKENS,
      prefillMs,
      prefillFlops: prefillFlops(config, PREFILL_TOKENS),
    };
  } finally {
    model.weights.destroy();
  }
}
