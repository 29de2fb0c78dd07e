/**
 * The names that each server's metrics have, and what they are called here. The first name that is there counts; several
 * in one list are added up.
 *
 * Sources, read in November 2026:
 *   vLLM       vllm-project/vllm@a6f0308cfe80 vllm/v1/metrics/loggers.py, and its later names (kv_cache_usage_perc,
 *              inter_token_latency_seconds, prefix_cache_* without gpu_)
 *   SGLang     sgl-project/sglang@93d04878cfb9 python/sglang/srt/metrics/collector.py
 *   llama.cpp  what build b11669 answers at /metrics; kv_cache_usage_ratio was dropped before it and is read where it is
 *   TGI        huggingface/text-generation-inference@53fdbe617d4f docs/source/reference/metrics.md
 *   Dynamo     ai-dynamo/dynamo@4415465e3e0d lib/runtime/src/metrics/prometheus_names.rs
 *   TensorRT-LLM  NVIDIA/TensorRT-LLM@050f80def8df tensorrt_llm/metrics/collector.py, served at /prometheus/metrics; its hits
 *                 are counted in blocks, and its time per output token is a mean of each request, which stands for the ITL
 */
import type { ServerKind, Telemetry } from '../core/run/load.ts';

export type TelemetryField = Exclude<keyof Telemetry, 'atMs'>;

export interface MetricSource {
  readonly names: readonly string[];
  /** `mean` and `sum` of a histogram; the value itself otherwise. */
  readonly of?: 'mean' | 'sum';
  /** A gauge that is a share is not added up over engines. */
  readonly over?: 'max';
  /** Of the unit here to the one there. */
  readonly scale?: number;
}

type Names = Readonly<Partial<Record<TelemetryField, readonly MetricSource[]>>>;

const value = (...names: readonly string[]): MetricSource => ({ names });
const share = (name: string): MetricSource => ({ names: [name], over: 'max' });
const meanSeconds = (name: string): MetricSource => ({ names: [name], of: 'mean', scale: 1000 });
const sum = (name: string): MetricSource => ({ names: [name], of: 'sum' });

const VLLM: Names = {
  running: [value('vllm:num_requests_running')],
  waiting: [value('vllm:num_requests_waiting')],
  kvUsage: [share('vllm:kv_cache_usage_perc'), share('vllm:gpu_cache_usage_perc')],
  prefixLookups: [value('vllm:prefix_cache_queries_total'), value('vllm:gpu_prefix_cache_queries_total')],
  prefixHits: [value('vllm:prefix_cache_hits_total'), value('vllm:gpu_prefix_cache_hits_total')],
  preemptions: [value('vllm:num_preemptions_total')],
  promptTokens: [value('vllm:prompt_tokens_total')],
  outputTokens: [value('vllm:generation_tokens_total')],
  ttftMs: [meanSeconds('vllm:time_to_first_token_seconds')],
  itlMs: [meanSeconds('vllm:inter_token_latency_seconds'), meanSeconds('vllm:time_per_output_token_seconds')],
  e2eMs: [meanSeconds('vllm:e2e_request_latency_seconds')],
  queueMs: [meanSeconds('vllm:request_queue_time_seconds')],
};

const SGLANG: Names = {
  running: [value('sglang:num_running_reqs')],
  waiting: [value('sglang:num_queue_reqs')],
  kvUsage: [share('sglang:token_usage')],
  prefixLookups: [value('sglang:prompt_tokens_total')],
  prefixHits: [value('sglang:cached_tokens_total')],
  preemptions: [value('sglang:num_retracted_reqs')],
  promptTokens: [value('sglang:prompt_tokens_total')],
  outputTokens: [value('sglang:generation_tokens_total')],
  ttftMs: [meanSeconds('sglang:time_to_first_token_seconds')],
  itlMs: [meanSeconds('sglang:inter_token_latency_seconds')],
  e2eMs: [meanSeconds('sglang:e2e_request_latency_seconds')],
  queueMs: [meanSeconds('sglang:queue_time_seconds')],
};

const LLAMA_CPP: Names = {
  running: [value('llamacpp:requests_processing')],
  waiting: [value('llamacpp:requests_deferred')],
  kvUsage: [share('llamacpp:kv_cache_usage_ratio')],
  // prompt_tokens_total leaves out what was found in the cache.
  prefixLookups: [value('llamacpp:prompt_tokens_total', 'llamacpp:prompt_tokens_cached_total')],
  prefixHits: [value('llamacpp:prompt_tokens_cached_total')],
  promptTokens: [value('llamacpp:prompt_tokens_total')],
  outputTokens: [value('llamacpp:tokens_predicted_total')],
};

const TGI: Names = {
  running: [value('tgi_batch_current_size')],
  waiting: [value('tgi_queue_size')],
  promptTokens: [sum('tgi_request_input_length')],
  outputTokens: [sum('tgi_request_generated_tokens')],
  itlMs: [meanSeconds('tgi_request_mean_time_per_token_duration')],
  e2eMs: [meanSeconds('tgi_request_duration')],
  queueMs: [meanSeconds('tgi_request_queue_duration')],
};

const DYNAMO: Names = {
  running: [value('dynamo_frontend_inflight_requests')],
  waiting: [value('dynamo_frontend_queued_requests')],
  kvUsage: [share('dynamo_component_kvstats_gpu_cache_usage_percent')],
  prefixLookups: [sum('dynamo_frontend_input_sequence_tokens')],
  prefixHits: [sum('dynamo_frontend_cached_tokens')],
  promptTokens: [sum('dynamo_frontend_input_sequence_tokens')],
  outputTokens: [value('dynamo_frontend_output_tokens_total'), sum('dynamo_frontend_output_sequence_tokens')],
  ttftMs: [meanSeconds('dynamo_frontend_time_to_first_token_seconds')],
  itlMs: [meanSeconds('dynamo_frontend_inter_token_latency_seconds')],
  e2eMs: [meanSeconds('dynamo_frontend_request_duration_seconds')],
};

const TENSORRT_LLM: Names = {
  running: [value('trtllm_num_requests_running')],
  waiting: [value('trtllm_num_requests_waiting')],
  kvUsage: [share('trtllm_kv_cache_utilization')],
  prefixLookups: [value('trtllm_kv_cache_reused_blocks_total', 'trtllm_kv_cache_missed_blocks_total')],
  prefixHits: [value('trtllm_kv_cache_reused_blocks_total')],
  promptTokens: [value('trtllm_prompt_tokens_total')],
  outputTokens: [value('trtllm_generation_tokens_total')],
  ttftMs: [meanSeconds('trtllm_time_to_first_token_seconds')],
  itlMs: [meanSeconds('trtllm_time_per_output_token_seconds')],
  e2eMs: [meanSeconds('trtllm_e2e_request_latency_seconds')],
  queueMs: [meanSeconds('trtllm_request_queue_time_seconds')],
};

/** Servers whose metrics are known by name; of the others nothing is guessed. */
export const METRIC_NAMES: Readonly<Partial<Record<ServerKind, Names>>> = {
  vllm: VLLM,
  sglang: SGLANG,
  'llama.cpp': LLAMA_CPP,
  tgi: TGI,
  dynamo: DYNAMO,
  'tensorrt-llm': TENSORRT_LLM,
};

export const TELEMETRY_FIELDS: readonly TelemetryField[] = [
  'running',
  'waiting',
  'kvUsage',
  'prefixLookups',
  'prefixHits',
  'preemptions',
  'promptTokens',
  'outputTokens',
  'ttftMs',
  'itlMs',
  'e2eMs',
  'queueMs',
];
