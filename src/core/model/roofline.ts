/**
 * The roofline of a dense model: arithmetic and bytes of one decode step and of one prefill, and the time that a device
 * can't go below. Sources: REFERENCE of each formula in the tests' vectors (roof/*, calib/*).
 */
import type { ModelRecord } from './records.ts';
import { kvBytesPerToken, paramCount } from './weights.ts';

export interface DeviceRates {
  readonly flopsPerSecond: number;
  readonly bytesPerSecond: number;
}

export interface Roofline {
  readonly flops: number;
  readonly bytes: number;
  readonly computeSeconds: number;
  readonly memorySeconds: number;
  /** Arithmetic and reading overlap in full. */
  readonly maxSeconds: number;
  /** They do not overlap at all. */
  readonly sumSeconds: number;
  readonly bound: 'compute' | 'memory';
}

function roofline(flops: number, bytes: number, { flopsPerSecond, bytesPerSecond }: DeviceRates): Roofline {
  const computeSeconds = flops / flopsPerSecond;
  const memorySeconds = bytes / bytesPerSecond;
  return {
    flops,
    bytes,
    computeSeconds,
    memorySeconds,
    maxSeconds: Math.max(computeSeconds, memorySeconds),
    sumSeconds: computeSeconds + memorySeconds,
    bound: computeSeconds > memorySeconds ? 'compute' : 'memory',
  };
}

/** FLOP of attention for one pair of query and key, over all layers: QKᵀ and PV. */
export function attentionFlopsPerPair({ layers, queryHeads, headDim }: ModelRecord): number {
  return 4 * layers * queryHeads * headDim;
}

/** FLOP of one token for each of `batch` sequences of `context` tokens, the output layer included. */
export function decodeFlops(model: ModelRecord, batch: number, context: number): number {
  const { layerMatmul, embedding } = paramCount(model);
  return batch * (2 * (layerMatmul * model.layers + embedding) + attentionFlopsPerPair(model) * context);
}

/** FLOP of a causal prefill of one prompt; the output layer runs for its last token only. */
export function prefillFlops(model: ModelRecord, tokens: number): number {
  const { layerMatmul, embedding } = paramCount(model);
  const pairs = (tokens * (tokens + 1)) / 2;
  return 2 * layerMatmul * model.layers * tokens + 2 * embedding + attentionFlopsPerPair(model) * pairs;
}

/** Shares of a device's rates that some work used: MFU and MBU. */
export function utilization(
  work: { readonly flops: number; readonly bytes: number; readonly seconds: number },
  { flopsPerSecond, bytesPerSecond }: DeviceRates,
): { readonly mfu: number; readonly mbu: number } {
  const { flops, bytes, seconds } = work;
  return { mfu: flops / (seconds * flopsPerSecond), mbu: bytes / (seconds * bytesPerSecond) };
}

/** One token for each of `batch` sequences of `context` tokens. */
export function decodeStepRoofline(
  model: ModelRecord,
  rates: DeviceRates,
  { batch, context, bytesPerElement }: { batch: number; context: number; bytesPerElement: number },
): Roofline {
  const { layerMatmul, embedding } = paramCount(model);
  const weights = layerMatmul * model.layers + embedding;
  const bytes = weights * bytesPerElement + batch * context * kvBytesPerToken(model, bytesPerElement);
  return roofline(decodeFlops(model, batch, context), bytes, rates);
}

/** Causal prefill of one prompt; the output layer runs for the last token only, K and V are written once. */
export function prefillRoofline(
  model: ModelRecord,
  rates: DeviceRates,
  tokens: number,
  bytesPerElement = 2,
): Roofline {
  const { layerMatmul, embedding } = paramCount(model);
  const weights = (layerMatmul * model.layers + embedding) * bytesPerElement;
  return roofline(
    prefillFlops(model, tokens),
    weights + tokens * kvBytesPerToken(model, bytesPerElement),
    rates,
  );
}

/** FLOP a byte above which a device is bound by arithmetic. */
export function ridgePoint({ flopsPerSecond, bytesPerSecond }: DeviceRates): number {
  return flopsPerSecond / bytesPerSecond;
}

/** Tokens in a step from which linear layers are bound by arithmetic. */
export function criticalBatch(rates: DeviceRates, bytesPerWeight: number): number {
  return (ridgePoint(rates) * bytesPerWeight) / 2;
}

/** FLOP a byte of decode attention, 2g/b: batching does not change it. */
export function decodeAttentionIntensity(groupSize: number, bytesPerElement: number): number {
  return (2 * groupSize) / bytesPerElement;
}

/** Tokens a second of decode when every step reads the weights once and the KV of each sequence. */
export function decodeTokensPerSecond(input: {
  readonly weightBytes: number;
  readonly kvBytesPerToken: number;
  readonly context: number;
  readonly bytesPerSecond: number;
  readonly batch: number;
}): number {
  const { weightBytes, kvBytesPerToken, context, bytesPerSecond, batch } = input;
  return (batch * bytesPerSecond) / (weightBytes + batch * context * kvBytesPerToken);
}
