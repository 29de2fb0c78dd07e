/**
 * What an engine prints when it starts: how many KV tokens it has room for, and what the weights take.
 *
 * vLLM: "GPU KV cache size: 431,168 tokens", "Model loading took 14.99 GiB" (v1/core/kv_cache_utils.py,
 * v1/worker/gpu_model_runner.py); SGLang: "max_total_num_tokens=431168", "KV Cache is allocated. #tokens: 431168";
 * TensorRT-LLM: "Allocated 26.91 GiB for max tokens in paged KV cache (220480)" (kvCacheManager.cpp), small in its
 * trial before. Of several ranks, trials or restarts the last line of a kind counts.
 */
import type { Read } from '../../core/json.ts';
import { NO_DISTRIBUTION, NO_MEMORY, type MeasuredResult } from '../../core/run/measured.ts';
import { became, refused } from './importer.ts';

const GIB = 2 ** 30;

const KV_TOKENS = [
  /GPU KV cache size:\s*([\d,]+)\s*tokens/g,
  /max_total_num_tokens\s*=\s*([\d,]+)/g,
  /KV Cache is allocated\.[^\n]*#tokens:\s*([\d,]+)/g,
  /Allocated [\d.]+ GiB for max tokens in paged KV cache \((\d+)\)/g,
];
const WEIGHTS = [
  /Model loading took\s*([\d.]+)\s*(GiB|GB)/gi,
  /Load weight end\.[^\n]*mem usage=([\d.]+)\s*(GB)/gi,
];

function lastNumber(text: string, patterns: readonly RegExp[]): number | null {
  const found = patterns.flatMap((pattern) => [...text.matchAll(pattern)]).at(-1)?.[1];
  const value = found === undefined ? NaN : Number(found.replaceAll(',', ''));
  return Number.isFinite(value) ? value : null;
}

export function looksLikeLog(text: string): boolean {
  return KV_TOKENS.some((pattern) => new RegExp(pattern.source).test(text));
}

export function readEngineLog(text: string): Read<MeasuredResult[]> {
  const kvTokens = lastNumber(text, KV_TOKENS);
  if (kvTokens === null)
    return refused(
      'This log has no line with the size of the KV cache; take one from the start of the engine.',
    );
  const weights = lastNumber(text, WEIGHTS);
  const result: MeasuredResult = {
    tool: 'engine-log',
    toolVersion: null,
    model: null,
    date: null,
    label: 'start of the engine',
    load: { requestsPerSecond: null, concurrency: null, promptTokens: null, outputTokens: null },
    requests: { finished: null, failed: null },
    durationSeconds: null,
    ttftMs: NO_DISTRIBUTION,
    tpotMs: NO_DISTRIBUTION,
    itlMs: NO_DISTRIBUTION,
    e2eMs: NO_DISTRIBUTION,
    requestsPerSecond: null,
    outputTokensPerSecond: null,
    // SGLang writes GB and means GiB, as vLLM does: torch's bytes over 2³⁰.
    memory: { ...NO_MEMORY, kvTokens, weightsBytes: weights === null ? null : weights * GIB },
    definitions: [
      became(
        'the size of the KV cache',
        'tokens of one replica, as the engine prints them at its start',
        'kvTokens',
      ),
      ...(weights === null ? [] : [became('the weights', 'GiB on one GPU', 'weightsBytes', 'times 2³⁰')]),
    ],
    translated: [],
  };
  return { ok: true, value: [result] };
}
