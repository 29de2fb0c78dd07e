/**
 * Measured serving results beside the planner's prediction, row by row.
 *
 * What a row does not say is taken so, and each is a statement that the rows themselves bear out:
 *  - TensorRT-LLM serves fp8 checkpoints with fp8 KV (its deployment guide of Llama 3.3 70B). With bf16 KV, 32 requests of
 *    up to 9,216 tokens would not have fitted one H200 without a queue, and there was none.
 *  - No more requests decode than the pool of KV holds: with TensorRT-LLM at their longest (it admits a request only when
 *    it is sure to finish), elsewhere at their mean. Rows with more clients have a queue before them.
 *  - Rows of 512 clients are left out: their own times of first and later tokens contradict the other rows of the same
 *    server, so that an unknown limit was set.
 */
import { findGpu } from '../../src/core/hardware/records.ts';
import { findArchitecture } from '../../src/core/model/architecture.ts';
import type { PlanChoice } from '../../src/core/run/plan.ts';
import { DEFAULT_PLAN } from '../../src/core/scenario/plan/defaults.ts';
import { engineTimes, type EngineTimes } from '../../src/plan/calibration/engines.ts';
import { kvTokensOf, overheadsOf } from '../../src/plan/memory/index.ts';
import { createSpeed } from '../../src/plan/speed/index.ts';
import type { Candidate, PlanSubject } from '../../src/plan/types.ts';

/** A row of measured.json: what is read of it. */
export interface MeasuredRow {
  readonly set: string;
  readonly model: string;
  readonly gpu: string;
  readonly engine: string;
  readonly engine_version: string;
  readonly precision?: string;
  readonly kv_precision?: string;
  readonly isl: number;
  readonly osl: number;
  readonly tp: number;
  readonly pp: number;
  readonly num_gpus: number;
  readonly moe_ep?: number;
  readonly concurrency: number | 'max-load';
  readonly ttft_ms?: number;
  readonly tpot_ms?: number;
  readonly output_tok_s_total?: number;
}

export interface PredictedRow {
  readonly row: MeasuredRow;
  /** Name and id of our records. */
  readonly model: string;
  readonly gpu: string;
  readonly experts: boolean;
  readonly choice: PlanChoice;
  /** Requests that decode at once; fewer than the clients where the pool of KV is full. */
  readonly inFlight: number;
  readonly queued: boolean;
  readonly tpotMs: number;
  /** Without a queue. */
  readonly ttftMs: number;
  readonly outputTokensPerSecond: number;
}

/** Ends of names → our records. */
const MODELS: Readonly<Record<string, string>> = {
  'meta-llama/Llama-3.1-8B-Instruct': 'Llama-3.1-8B',
  'meta-llama/Llama-3.1-70B': 'Llama-3.1-70B',
  'openai/gpt-oss-120b': 'gpt-oss-120b',
  'LLaMA v3.1 8B': 'Llama-3.1-8B',
  'LLaMA v3.1 70B': 'Llama-3.1-70B',
  'Mistral 7B': 'Mistral-7B-v0.3',
  'Mixtral 8x7B': 'Mixtral-8x7B',
  'Mixtral 8x22B': 'Mixtral-8x22B',
};
const GPUS: Readonly<Record<string, string>> = {
  h100_sxm: 'h100-sxm',
  h200_sxm: 'h200-sxm',
  'H100 SXM 80GB': 'h100-sxm',
  'A100 SXM4 80GB': 'a100-80-sxm',
};

/** Name of our record; one model has a name in each of the two sources. */
export function recordName({ model }: MeasuredRow): string {
  return MODELS[model] ?? model;
}

/** Most sequences of a step where a row only says that the load was as large as it could be (trtllm-bench's default). */
const MOST_SEQUENCES = 2048;
/** Clients beyond which an unknown limit of the server shows. */
const MOST_CLIENTS = 400;

function weightsOf({ precision }: MeasuredRow, experts: boolean, gptOss: boolean): PlanChoice['weights'] {
  if (gptOss && experts) return 'mxfp4';
  return precision === 'fp8' ? 'fp8' : 'bf16';
}

function kvFormatOf(row: MeasuredRow, weights: PlanChoice['weights']): PlanChoice['kvFormat'] {
  if (row.kv_precision !== undefined) return row.kv_precision === 'fp8' ? 'fp8' : 'bf16';
  return weights === 'fp8' ? 'fp8' : 'bf16';
}

const SUBJECTS = new WeakMap<MeasuredRow, Subject | null>();

/** The row as a candidate, made once. */
function subjectOf(row: MeasuredRow): Subject | null {
  let known = SUBJECTS.get(row);
  if (known === undefined) SUBJECTS.set(row, (known = makeSubject(row)));
  return known;
}

interface Subject {
  readonly candidate: Candidate;
  readonly subject: PlanSubject;
  /** Tokens of the pool of KV. */
  readonly kvTokens: number;
}

/** The row as a candidate. Null: a row that is left out, or of something that we have no record of. */
function makeSubject(row: MeasuredRow): Subject | null {
  const model = findArchitecture(recordName(row));
  const gpu = findGpu(GPUS[row.gpu] ?? row.gpu);
  if (!model || !gpu) return null;
  if (row.concurrency !== 'max-load' && row.concurrency > MOST_CLIENTS) return null;
  const experts = model.kinds.some(({ mlp }) => mlp.kind === 'experts');
  const weights = weightsOf(row, experts, row.model.includes('gpt-oss'));
  const engine = row.engine === 'trtllm' ? 'tensorrt-llm' : 'vllm';
  const overheads = overheadsOf(engine, null);
  const scenario: PlanSubject['scenario'] = { ...DEFAULT_PLAN, model: model.id };
  const choice: PlanChoice = {
    model: model.id,
    gpu: gpu.id,
    gpuName: gpu.name,
    gpus: row.tp * row.pp,
    replicas: 1,
    tensorParallel: row.tp,
    pipelineParallel: row.pp,
    expertParallel: (row.moe_ep ?? 1) > 1,
    engine,
    engineVersion: overheads.version,
    weights,
    kvFormat: kvFormatOf(row, weights),
    blockSize: 16,
    memoryUtilization: overheads.memoryUtilization ?? 0.9,
    tokenBudget: 8192,
    maxSequences: row.concurrency === 'max-load' ? MOST_SEQUENCES : row.concurrency,
    maxModelTokens: row.isl + row.osl,
    prefixCaching: false,
    offloadGB: 0,
    speculation: null,
    disaggregated: null,
  };
  const made = { candidate: { choice, gpu }, subject: { scenario, model } };
  return { ...made, kvTokens: kvTokensOf(made.candidate, made.subject) };
}

/** @returns null for rows that are left out: see the file's head. @param timesOf an engine's own times */
export function predictRow(
  row: MeasuredRow,
  timesOf: (engine: PlanChoice['engine']) => EngineTimes = engineTimes,
): PredictedRow | null {
  const made = subjectOf(row);
  if (made === null) return null;
  const { candidate, subject, kvTokens } = made;
  const { choice } = candidate;
  const { isl, osl } = row;
  const each = choice.engine === 'tensorrt-llm' ? isl + osl : isl + osl / 2;
  const room = Math.floor(kvTokens / each);
  const inFlight = Math.max(1, Math.min(choice.maxSequences, room));
  const speed = createSpeed(candidate, subject.model, { host: timesOf(choice.engine) });
  const load = { promptTokens: isl, outputTokens: osl, cachedTokens: 0 };
  const tpotMs = speed.steadyTpotMs(inFlight, load);
  const ttftMs = speed.steadyTtftMs(inFlight, load);
  return {
    row,
    model: subject.model.name,
    gpu: candidate.gpu.id,
    experts: subject.model.kinds.some(({ mlp }) => mlp.kind === 'experts'),
    choice,
    inFlight,
    queued: row.concurrency === 'max-load' || room < choice.maxSequences,
    tpotMs,
    ttftMs,
    outputTokensPerSecond: (1000 * inFlight * osl) / (ttftMs + (osl - 1) * tpotMs),
  };
}
