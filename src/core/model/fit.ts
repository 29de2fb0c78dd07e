/**
 * What a device could serve: does a model fit, how many KV tokens remain, which decode rate the bandwidth allows.
 *
 *   usable bytes  = memory × 0.92                        vLLM's default gpu_memory_utilization: assumed
 *   activations   = 2 · 512 tokens · hidden · 10         aiconfigurator's rule for one device: assumed
 *   KV tokens     = (usable − weights − activations) / KV bytes of a token
 *   decode tok/s  = bandwidth / (matrices read + context · KV bytes of a token), one sequence
 *
 * The rate is a ceiling: a step can't be faster than reading what it needs. Each input keeps its origin.
 */
import type { GpuRecord } from '../hardware/records.ts';
import type { KvFormat } from '../kv/formats.ts';
import type { CheckRun, Origin } from '../run/schema.ts';
import { MODELS, type ModelRecord } from './records.ts';
import { decodeTokensPerSecond } from './roofline.ts';
import { kvFormatBytesPerToken, weightBytes, weightReadBytes, type WeightFormat } from './weights.ts';

export interface KnownNumber {
  readonly value: number;
  readonly origin: Origin;
}

export interface DeviceMemory {
  /** Bytes that weights and KV can take together. */
  readonly memoryBytes: KnownNumber;
  /** null: no decode rate is given. */
  readonly readBytesPerSecond: KnownNumber | null;
}

export interface FitOptions {
  readonly weights: WeightFormat;
  readonly kvFormat: KvFormat;
  /** Context at which the decode rate is given. */
  readonly contextTokens: number;
}

export interface ModelFit {
  readonly model: ModelRecord;
  readonly options: FitOptions;
  /** `short`: the weights fit, but not the whole context. */
  readonly verdict: 'fits' | 'short' | 'too large';
  readonly weightBytes: number;
  readonly kvBytesPerToken: number;
  readonly usableBytes: number;
  /** KV tokens that fit beside the weights, over all sequences. */
  readonly kvTokens: number;
  /** Ceiling for one sequence; null when it does not fit or the bandwidth is unknown. */
  readonly decodeTokensPerSecond: number | null;
  /** `assumed` whenever an assumption is part of it: always, here. The inputs' origins are in the sentence. */
  readonly origin: Origin;
  readonly sentence: string;
}

export const MEMORY_UTILIZATION = 0.92;
const ACTIVATION_TOKENS = 512;
const ACTIVATION_FACTOR = 10;

export const DEFAULT_FIT: FitOptions = { weights: 'f16', kvFormat: 'f16', contextTokens: 2048 };

function gigabytes(bytes: number): string {
  const gb = bytes / 1e9;
  return `${gb < 10 ? gb.toFixed(1) : Math.round(gb)} GB`;
}

function rounded(value: number): string {
  return value < 10 ? value.toFixed(1) : String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

function sentenceOf(fit: Omit<ModelFit, 'sentence'>, device: DeviceMemory): string {
  const { model, options, verdict, kvTokens } = fit;
  const memory = `${gigabytes(fit.usableBytes)} usable of ${gigabytes(device.memoryBytes.value)} (${device.memoryBytes.origin})`;
  const weights = `${model.name} with ${options.weights} weights (${gigabytes(fit.weightBytes)})`;
  if (verdict === 'too large') return `${weights} does not fit into ${memory}.`;
  const room = `${weights} leaves room for ${rounded(kvTokens)} KV tokens in ${options.kvFormat}, ${memory}`;
  if (verdict === 'short') return `${room}: less than the ${rounded(options.contextTokens)} asked for.`;
  if (fit.decodeTokensPerSecond === null || device.readBytesPerSecond === null) return `${room}.`;
  const { value, origin } = device.readBytesPerSecond;
  const rate = `${rounded(fit.decodeTokensPerSecond)} tokens/s for one sequence of ${rounded(options.contextTokens)}`;
  return `${room}; reading at ${rounded(value / 1e9)} GB/s (${origin}) allows at most ${rate}.`;
}

/** Whether and how one model fits a device. */
export function modelFit(
  model: ModelRecord,
  device: DeviceMemory,
  options: FitOptions = DEFAULT_FIT,
): ModelFit {
  const weights = weightBytes(model, options.weights);
  const kvBytes = kvFormatBytesPerToken(model, options.kvFormat);
  const usableBytes = device.memoryBytes.value * MEMORY_UTILIZATION;
  const activations = 2 * ACTIVATION_TOKENS * model.hidden * ACTIVATION_FACTOR;
  const kvTokens = Math.max(0, Math.floor((usableBytes - weights - activations) / kvBytes));
  const verdict = kvTokens === 0 ? 'too large' : kvTokens < options.contextTokens ? 'short' : 'fits';
  const rate =
    verdict === 'fits' && device.readBytesPerSecond !== null
      ? decodeTokensPerSecond({
          weightBytes: weightReadBytes(model, options.weights),
          kvBytesPerToken: kvBytes,
          context: options.contextTokens,
          bytesPerSecond: device.readBytesPerSecond.value,
          batch: 1,
        })
      : null;
  const fit = {
    model,
    options,
    verdict,
    weightBytes: weights,
    kvBytesPerToken: kvBytes,
    usableBytes,
    kvTokens,
    decodeTokensPerSecond: rate,
    origin: 'assumed',
  } as const;
  return { ...fit, sentence: sentenceOf(fit, device) };
}

/** Every known model on a device, each in the largest of the given weight formats that fits, else in the smallest. */
export function modelFits(
  device: DeviceMemory,
  options: Omit<FitOptions, 'weights'> = DEFAULT_FIT,
): ModelFit[] {
  const formats: readonly WeightFormat[] = ['f16', 'q8_0', 'q4_0'];
  return MODELS.map((model) => {
    const fits = formats.map((weights) => modelFit(model, device, { ...options, weights }));
    return fits.find(({ verdict }) => verdict === 'fits') ?? fits.at(-1) ?? modelFit(model, device);
  });
}

/** Ids of the check's measurements that the fit reads; bytes in B, rates in GB/s. */
export const FIT_MEASUREMENTS = { memory: 'largest-pool', read: 'read-bandwidth' } as const;

/**
 * The device as a hardware check measured it: the largest pool that really allocated, and the read bandwidth.
 * @returns null when the check has no pool size
 */
export function deviceOfCheck(run: CheckRun): DeviceMemory | null {
  const valueOf = (id: string) =>
    run.measurements.find((measurement) => measurement.id === id)?.value ?? null;
  const memory = valueOf(FIT_MEASUREMENTS.memory);
  const read = valueOf(FIT_MEASUREMENTS.read);
  if (memory === null) return null;
  const { origin } = run;
  return {
    memoryBytes: { value: memory, origin },
    readBytesPerSecond: read === null ? null : { value: read * 1e9, origin },
  };
}

/** A known GPU as its maker publishes it: for a device that nobody has measured here. */
export function deviceOfRecord({ memoryGB, bandwidthGBps }: GpuRecord): DeviceMemory {
  return {
    memoryBytes: { value: memoryGB * 1e9, origin: 'published' },
    readBytesPerSecond: { value: bandwidthGBps * 1e9, origin: 'published' },
  };
}
