/**
 * How long one replica of a candidate takes: the step-time roofline of the simulator (sim/cost) in closed form.
 *
 * Made once for a candidate, then asked for batches and lengths: nothing is allocated by the questions, so that a search
 * can ask tens of thousands of times. Times are milliseconds.
 *
 *   decode step      step(B decodes of the mean context)
 *   prompt step      max(step with a chunk, launching its kernels)
 *   TPOT, steady     decode step + (B − 1)/output · Σ over a prompt's chunks (step with the chunk − step without)
 *   TPOT, alone      decode step: prompts run on GPUs of their own (disaggregated), or there are none
 *   speculation      a step verifies γ drafts beside each token and yields (1 − α^(γ+1))/(1 − α) tokens of a sequence
 *
 * Queueing for a place in the batch is not in it: that is the simulator's, and plan/queue's.
 */
import type { GpuRecord } from '../../core/hardware/records.ts';
import type { Architecture } from '../../core/model/architecture.ts';
import type { PlanCalibration } from '../../core/run/calibration.ts';
import { createStepWork, type StepWork } from '../../core/schedule/work.ts';
import { ratesOfRecord, type StepRates } from '../../sim/cost/rates.ts';
import { stepShapeOf } from '../../sim/cost/roofline.ts';
import { StepTime } from '../../sim/cost/step-time.ts';
import { delayedAllReduce, sendSeconds } from '../../sim/cost/comm.ts';
import { engineTimes, type EngineTimes } from '../calibration/engines.ts';
import type { Candidate } from '../types.ts';
import {
  appliesTo,
  attentionOf,
  tokensPerStep,
  type SpeedChoice,
  type SpeedOptions,
  type SteadyLoad,
} from './settings.ts';

const ROOFLINE = {
  kind: 'roofline',
  computeEfficiency: null,
  memoryEfficiency: null,
  overheadMs: 0,
} as const;

/** Whole prompts of one step that are told apart; more than this many cost as much each. */
const MOST_TOGETHER = 64;
/** Chunks of one prompt that are added up one by one; of more, the first and the last stand for all. */
const MOST_CHUNKS = 32;

/**
 * One replica's times; see the file's head. A calibration multiplies all but `stepMs`, which stays the roofline's.
 */
export class Speed {
  readonly choice: SpeedChoice;
  readonly time: StepTime;
  readonly host: EngineTimes;
  /** Null: none, or one of another GPU, engine or model. */
  readonly calibration: PlanCalibration | null;
  #decode: number;
  #prefill: number;
  #gpu: GpuRecord;
  #kvBytesPerToken: number;
  #layers: number;
  #work: StepWork = createStepWork(MOST_TOGETHER);

  constructor(
    choice: SpeedChoice,
    gpu: GpuRecord,
    model: Architecture,
    { host = engineTimes(choice.engine), calibration }: SpeedOptions = {},
  ) {
    const { weights, kvFormat, tensorParallel, pipelineParallel, expertParallel } = choice;
    const attention = attentionOf(choice.engine, gpu);
    const rates: StepRates = ratesOfRecord(gpu, weights, ROOFLINE, kvFormat, attention);
    const fusedQuantising = choice.engine === 'tensorrt-llm';
    const sharding = { tensorParallel, pipelineParallel, expertParallel, fusedQuantising };
    const shape = stepShapeOf(model, gpu, { weights, kvFormat, ...sharding }, attention);
    this.choice = choice;
    this.calibration = calibration && appliesTo(calibration, choice, gpu, model) ? calibration : null;
    const requestMs = this.calibration?.requestMs ?? host.requestMs;
    this.host = { ...host, requestMs };
    this.#decode = this.calibration?.decode ?? 1;
    this.#prefill = this.calibration?.prefill ?? 1;
    const reduce = delayedAllReduce(shape.reduce, this.host.reduceUs * 1e-6);
    this.time = new StepTime({ ...shape, reduce }, rates);
    this.#gpu = gpu;
    this.#layers = shape.shards.reduce((sum, { layers }) => sum + layers, 0);
    this.#kvBytesPerToken = shape.shards.reduce((sum, shard) => sum + shard.layers * shard.kvBytes, 0);
  }

  /** One step of `batch` decodes beside one chunk of `chunk` tokens with `before` ones in the cache; drafts included. */
  stepMs(batch: number, meanContext: number, chunk = 0, before = 0, lastChunk = true): number {
    const work = this.#workOf(batch, meanContext);
    if (chunk > 0) this.#addPrompts(work, 1, chunk, before, lastChunk);
    return this.#timeOf(work, batch, meanContext);
  }

  #timeOf(work: StepWork, batch: number, meanContext: number): number {
    const { speculation } = this.choice;
    const gpuMs = this.time.stepMs(work);
    const ms = gpuMs + this.hostMs(work, gpuMs);
    if (speculation === null || batch === 0) return ms;
    return ms + speculation.draftTokens * speculation.draftCost * this.#plainMs(batch, meanContext);
  }

  /** Any step, as the simulator asks for it: launching and calibration included, drafts' own time not. */
  workMs(work: StepWork): number {
    const gpuMs = this.time.stepMs(work);
    const factor = work.prefillCount > 0 ? this.#prefill : this.#decode;
    return factor * (gpuMs + this.hostMs(work, gpuMs));
  }

  /** How much longer a step takes than its work on the GPU: launching a prompt's kernels one by one. */
  hostMs(work: StepWork, gpuMs: number): number {
    if (work.prefillCount === 0) return 0;
    return Math.max(0, this.host.promptLayerMs * this.#layers - gpuMs);
  }

  /** The work of a step of decodes. One object, overwritten by each question. */
  decodeWork(batch: number, meanContext: number): StepWork {
    return this.#workOf(batch, meanContext);
  }

  /** The work of a prompt's last step, alone. */
  prefillWork(promptTokens: number, cachedTokens = 0): StepWork {
    const computed = Math.max(1, promptTokens - cachedTokens);
    const chunk = Math.min(computed, this.chunkTokens(0));
    const work = this.#workOf(0, 0);
    this.#addPrompts(work, 1, chunk, promptTokens - chunk, true);
    return work;
  }

  #workOf(batch: number, context: number): StepWork {
    const work = this.#work;
    work.draftTokens = batch > 0 ? (this.choice.speculation?.draftTokens ?? 0) : 0;
    work.decodeSequences = batch;
    work.decodeContextTokens = batch * context;
    work.decodeMaxContextTokens = batch > 0 ? context : 0;
    work.decodeSquaredContextTokens = batch * context * context;
    work.prefillCount = 0;
    work.sampledSequences = batch;
    return work;
  }

  #addPrompts(work: StepWork, prompts: number, chunk: number, before: number, lastChunk: boolean): void {
    work.prefillCount = prompts;
    for (let i = 0; i < prompts; i++) {
      work.prefillTokens[i] = chunk;
      work.prefillContextTokens[i] = before;
    }
    if (lastChunk) work.sampledSequences += prompts;
  }

  /** Decodes without drafts, which a draft's time is a share of. */
  #plainMs(batch: number, meanContext: number): number {
    const work = this.#work;
    work.draftTokens = 0;
    work.prefillCount = 0;
    work.sampledSequences = batch;
    work.decodeContextTokens = batch * meanContext;
    return this.time.stepMs(work);
  }

  /** Time of an output token while `batch` sequences decode and nothing else runs. */
  tpotMs(batch: number, meanContext: number): number {
    return (this.#decode * this.stepMs(batch, meanContext)) / tokensPerStep(this.choice.speculation);
  }

  /** Time to compute a prompt alone, in chunks of the token budget, up to its first token. */
  prefillMs(promptTokens: number, cachedTokens = 0): number {
    return this.#prefill * this.#chunksMs(0, 0, promptTokens, cachedTokens);
  }

  /** Time to compute a prompt beside `batch` decodes, whose tokens come out of the same budget. */
  mixedPrefillMs(batch: number, meanContext: number, promptTokens: number, cachedTokens = 0): number {
    return this.#prefill * this.#chunksMs(batch, meanContext, promptTokens, cachedTokens);
  }

  /** Sum of the steps with a prompt's chunks. */
  #chunksMs(batch: number, meanContext: number, promptTokens: number, cachedTokens: number): number {
    // The last token is always computed: it gives the first output.
    let before = Math.min(cachedTokens, Math.max(0, promptTokens - 1));
    const size = this.chunkTokens(batch);
    const steps = Math.ceil((promptTokens - before) / size);
    if (steps > MOST_CHUNKS) {
      // A chunk's time grows evenly with what is before it.
      const first = this.stepMs(batch, meanContext, size, before, false);
      return (steps * (first + this.stepMs(batch, meanContext, size, promptTokens - size, false))) / 2;
    }
    let ms = 0;
    while (before < promptTokens) {
      const chunk = Math.min(size, promptTokens - before);
      ms += this.stepMs(batch, meanContext, chunk, before, before + chunk >= promptTokens);
      before += chunk;
    }
    return ms;
  }

  /** Prompt tokens that a step has room for beside `batch` decodes. */
  chunkTokens(batch: number): number {
    const drafts = 1 + (this.choice.speculation?.draftTokens ?? 0);
    return Math.max(1, this.choice.tokenBudget - batch * drafts);
  }

  /** Time of an output token with `batch` requests in flight all the time, whose prompts run between the decodes. */
  steadyTpotMs(batch: number, load: SteadyLoad): number {
    const context = load.promptTokens + load.outputTokens / 2;
    const alone = this.tpotMs(batch, context);
    if (this.choice.disaggregated !== null || batch <= 1) return alone;
    return (
      alone + ((batch - 1) / Math.max(1, load.outputTokens)) * this.promptCostMs(batch - 1, context, load)
    );
  }

  /** What one prompt adds to the steps of `batch` decodes; prompts that come in the same step share it. */
  promptCostMs(batch: number, meanContext: number, load: SteadyLoad): number {
    const { promptTokens, cachedTokens, outputTokens } = load;
    const computed = Math.max(1, promptTokens - cachedTokens);
    const room = this.chunkTokens(batch) / computed;
    const coming = ((batch + 1) * tokensPerStep(this.choice.speculation)) / Math.max(1, outputTokens);
    const together = Math.max(1, Math.min(MOST_TOGETHER, coming, room));
    const fewer = Math.floor(together);
    const cost = this.#sharedCostMs(fewer, batch, meanContext, load);
    const rest = together - fewer;
    // Between two whole numbers both happen, so that a search finds no step in it.
    if (rest === 0 || fewer + 1 > room) return this.#prefill * cost;
    const more = this.#sharedCostMs(fewer + 1, batch, meanContext, load);
    return this.#prefill * (cost + rest * (more - cost));
  }

  /** What each of `together` prompts of one step adds to it; one alone in as many steps as it takes. */
  #sharedCostMs(together: number, batch: number, meanContext: number, load: SteadyLoad): number {
    const { promptTokens, cachedTokens } = load;
    const computed = Math.max(1, promptTokens - cachedTokens);
    const alone = this.stepMs(batch, meanContext);
    if (together > 1) {
      const work = this.#workOf(batch, meanContext);
      this.#addPrompts(work, together, computed, promptTokens - computed, true);
      return (this.#timeOf(work, batch, meanContext) - alone) / together;
    }
    const steps = Math.ceil(computed / this.chunkTokens(batch));
    return this.#chunksMs(batch, meanContext, promptTokens, cachedTokens) - steps * alone;
  }

  /** First token of a request that finds a place at once: it waits for half a step, then runs beside the decodes. */
  steadyTtftMs(batch: number, load: SteadyLoad): number {
    const { promptTokens, outputTokens, cachedTokens } = load;
    const context = promptTokens + outputTokens / 2;
    const { requestMs } = this.host;
    if (this.choice.disaggregated !== null) {
      return requestMs + this.prefillMs(promptTokens, cachedTokens) + this.kvShipMs(promptTokens);
    }
    const others = Math.max(0, batch - 1);
    const wait = others > 0 ? (this.#decode * this.stepMs(others, context)) / 2 : 0;
    return requestMs + wait + this.mixedPrefillMs(others, context, promptTokens, cachedTokens);
  }

  /** What the times rest on, a sentence or two. */
  about(): string {
    const { efficiency } = this.#gpu.serving;
    const from = efficiency ? `measured (${efficiency.source})` : 'assumed: no kernel was measured on it';
    return (
      `Roofline of each kind of operation over the published rates of ${this.#gpu.name}; shares of them that kernels ` +
      `reach: ${from}.${this.#launched()}${this.#calibrated()}`
    );
  }

  #launched(): string {
    const { promptLayerMs, promptLayerSource } = this.host;
    if (promptLayerMs === 0) return '';
    const ms = (promptLayerMs * this.#layers).toFixed(0);
    return ` A step with a prompt takes ${ms} ms at the least (${promptLayerSource}).`;
  }

  #calibrated(): string {
    if (this.calibration === null) return '';
    const { name, decode, prefill, points } = this.calibration;
    return ` Calibrated by “${name}” (${points} results): decodes × ${decode.toFixed(2)}, prompts × ${prefill.toFixed(2)}.`;
  }

  /** Time to hand a prompt's KV to the GPUs that decode, rank by rank; all but the last layer's overlaps with computing. */
  kvShipMs(tokens: number): number {
    return 1000 * sendSeconds((tokens * this.#kvBytesPerToken) / Math.max(1, this.#layers), this.#gpu);
  }
}

export function createSpeed(candidate: Candidate, model: Architecture, options?: SpeedOptions): Speed {
  return new Speed(candidate.choice, candidate.gpu, model, options);
}
