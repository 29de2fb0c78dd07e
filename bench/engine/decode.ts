/** Times the engine's decode at batch 1 and 8 by turns, and the prefill of one prompt. */
import { median } from '../../src/core/metrics/percentiles.ts';
import { createRandom } from '../../src/core/random.ts';
import { createEngine, type Engine } from '../../src/engine/engine.ts';
import type { EngineSettings, StepReport } from '../../src/engine/engine-types.ts';
import type { LoadedModel } from '../../src/engine/weights-types.ts';
import type { Gpu } from '../../src/gpu/context.ts';
import { BATCHES, PROMPT_TOKENS } from './cases.ts';

const GREEDY = { temperature: 0, topP: 1, topK: 0, seed: 0 };
const now = (): number => performance.now();

export interface DecodeRow {
  readonly batch: number;
  /** Medians over rounds. */
  readonly tokensPerSecond: number;
  readonly stepMs: number;
  /** GPU time of a step over the time from its end to the next one's; null without timestamps. */
  readonly kernelShare: number | null;
}

export interface DecodeResult {
  readonly rows: readonly DecodeRow[];
  /** Throughput of batch 8 over that of batch 1 in the same round; median. */
  readonly batchRatio: number;
}

export interface Round {
  readonly tokensPerSecond: number;
  readonly stepMs: number;
  readonly kernelShare: number | null;
}

/** @param outputTokens of each sequence; the first steps are not counted */
export async function timeDecode(
  gpu: Gpu,
  model: LoadedModel,
  settings: EngineSettings,
  options: { readonly rounds: number; readonly outputTokens: number },
): Promise<DecodeResult> {
  const engine = await createEngine(gpu, model, settings, { now, timed: true });
  try {
    const rounds: Round[][] = BATCHES.map(() => []);
    // The first round compiles and warms up, and is dropped.
    for (let round = 0; round <= options.rounds; round++) {
      for (const [at, batch] of BATCHES.entries()) {
        const timed = await decodeRound(engine, batch, options.outputTokens);
        if (round > 0) rounds[at]?.push(timed);
      }
    }
    const rows = BATCHES.map((batch, at) => rowOf(batch, rounds[at] ?? []));
    const [ones = [], eights = []] = rounds;
    const ratios = ones.map((one, i) => (eights[i]?.tokensPerSecond ?? NaN) / one.tokensPerSecond);
    return { rows, batchRatio: median(ratios) };
  } finally {
    engine.destroy();
  }
}

function rowOf(batch: number, rounds: readonly Round[]): DecodeRow {
  const shares = rounds.flatMap(({ kernelShare }) => kernelShare ?? []);
  return {
    batch,
    tokensPerSecond: median(rounds.map(({ tokensPerSecond }) => tokensPerSecond)),
    stepMs: median(rounds.map(({ stepMs }) => stepMs)),
    kernelShare: shares.length === 0 ? null : median(shares),
  };
}

function promptOf(engine: Engine, tokens: number, seed: number): number[] {
  const random = createRandom(seed);
  return Array.from({ length: tokens }, () => random.below(engine.config.vocab));
}

/** Steps in which all sequences decode and nothing else happens, without the first two of them. */
async function decodeRound(engine: Engine, batch: number, outputTokens: number): Promise<Round> {
  await engine.reset();
  for (let i = 0; i < batch; i++) {
    const promptIds = promptOf(engine, PROMPT_TOKENS, i);
    engine.submit({ promptIds, maxTokens: outputTokens, sampling: GREEDY, stopTokens: [] });
  }
  const pure: StepReport[] = [];
  for (let report = await engine.step(); report; report = await engine.step()) {
    if (report.decodeSequences === batch && report.prefillTokens === 0) pure.push(report);
  }
  return roundOf(batch, pure);
}

/** @param pure steps that did nothing but decode, in order; the first two do not count, because the pipeline fills */
export function roundOf(batch: number, pure: readonly Pick<StepReport, 'endMs' | 'gpuMs'>[]): Round {
  const [, first] = pure;
  const counted = pure.slice(2);
  const last = counted.at(-1);
  if (!first || !last) throw new Error('No step decoded all sequences; ask for more output tokens.');
  const wallMs = last.endMs - first.endMs;
  const gpuMs = counted.reduce<number | null>(
    (sum, report) => (sum === null || report.gpuMs === null ? null : sum + report.gpuMs),
    0,
  );
  return {
    tokensPerSecond: (1000 * batch * counted.length) / wallMs,
    stepMs: wallMs / counted.length,
    kernelShare: gpuMs === null ? null : gpuMs / wallMs,
  };
}

/** Milliseconds of one prompt's prefill in one step, submit to known; median of rounds. */
export async function timePrefill(
  gpu: Gpu,
  model: LoadedModel,
  settings: EngineSettings,
  tokens: number,
  rounds: number,
): Promise<number> {
  const engine = await createEngine(gpu, model, settings, { now, timed: true });
  try {
    const times: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      await engine.reset();
      const promptIds = promptOf(engine, tokens, round);
      engine.submit({ promptIds, maxTokens: 1, sampling: GREEDY, stopTokens: [] });
      for (let report = await engine.step(); report; report = await engine.step()) {
        if (round > 0 && report.prefillTokens === tokens)
          times.push(report.gpuMs ?? report.endMs - report.startMs);
      }
    }
    return median(times);
  } finally {
    engine.destroy();
  }
}
