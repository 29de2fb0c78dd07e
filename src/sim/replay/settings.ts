/**
 * The engine's settings, from what a recorded run wrote down of itself.
 *
 * `resolved_config` is what the engine really ran with; older recordings have only the arguments it was given, and then
 * vLLM 0.19's defaults stand in: prefix caching, chunked prefill and async scheduling on, whole prompts reserved, blocks
 * of 16 tokens, 90 % of the memory. (vllm/config/{cache,scheduler}.py, 0.19; REFERENCE of the defaults: 4.1)
 */
import * as v from 'valibot';
import type { GpuRecord } from '../../core/hardware/records.ts';
import { usableMemoryBytes } from '../../core/hardware/records.ts';
import { modelBytesPerToken, type ServedKvFormat } from '../../core/kv/layers.ts';
import type { Architecture } from '../../core/model/architecture.ts';
import { architectureWeightBytes } from '../../core/model/parameters.ts';
import type { SettingOrigin } from '../../core/run/replay.ts';
import { defaultGraphSizes } from '../cost/table-shapes.ts';
import { RecordedError } from './recorded.ts';

const count = v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0)));
const share = v.nullish(v.pipe(v.number(), v.minValue(0.01), v.maxValue(1)));
const flag = v.nullish(v.boolean());
const text = v.nullish(v.string());

const Meta = v.object({
  model: v.string(),
  vllm_version: v.string(),
  tick_seconds: v.nullish(v.pipe(v.number(), v.minValue(0.001))),
  engine_kwargs: v.object({
    tensor_parallel_size: count,
    data_parallel_size: count,
    enable_expert_parallel: flag,
    pipeline_parallel_size: count,
    max_num_seqs: count,
    max_num_batched_tokens: count,
    kv_cache_dtype: text,
    enforce_eager: flag,
  }),
  kv_cache: v.nullish(
    v.object({
      num_gpu_blocks: count,
      block_size: count,
      gpu_memory_utilization: share,
      enable_prefix_caching: flag,
    }),
  ),
  hardware: v.nullish(v.object({ device_name: text, device_total_memory_bytes: count })),
  resolved_config: v.nullish(
    v.object({
      cache_config: v.nullish(
        v.object({ gpu_memory_utilization: share, sliding_window: v.nullish(v.number()) }),
      ),
      compilation_config: v.nullish(v.object({ cudagraph_capture_sizes: v.nullish(v.array(v.number())) })),
      model_config: v.nullish(v.object({ quantization: text, enforce_eager: flag })),
      scheduler_config: v.nullish(
        v.object({
          async_scheduling: flag,
          enable_chunked_prefill: flag,
          long_prefill_token_threshold: count,
          max_num_batched_tokens: count,
          max_num_seqs: count,
          policy: text,
          scheduler_reserve_full_isl: flag,
        }),
      ),
      speculative_config: v.optional(v.unknown()),
      kv_transfer_config: v.optional(v.unknown()),
    }),
  ),
});
export type RecordedMeta = v.InferOutput<typeof Meta>;

export interface ReplaySettings {
  readonly tensorParallel: number;
  readonly expertParallel: boolean;
  readonly tokenBudget: number;
  readonly maxSequences: number;
  readonly longPrefillTokens: number;
  readonly reserveFullPrompt: boolean;
  readonly prefixCaching: boolean;
  readonly asyncScheduling: boolean;
  readonly blockSize: number;
  readonly kvFormat: ServedKvFormat;
  /** Blocks that the engine allocated, the one it never gives out included. */
  readonly kvBlocks: number;
  readonly kvBlocksOrigin: SettingOrigin;
  readonly graphSizes: readonly number[];
  readonly tickSeconds: number;
}

/** Versions whose scheduler this is. */
const VERSION = /^0\.19\./;
const DEFAULTS = { maxSequences: 256, tokenBudget: 2048, blockSize: 16, utilization: 0.9 } as const;

/** @throws RecordedError for a meta.json that is none, or of another version */
export function readMeta(document: unknown): RecordedMeta {
  const parsed = v.safeParse(Meta, document);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new RecordedError(`meta.json: ${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
  }
  const { vllm_version: version } = parsed.output;
  if (!VERSION.test(version)) {
    throw new RecordedError(
      `The run was recorded with vLLM ${version.slice(0, 20)}; the scheduler here is that of 0.19.`,
    );
  }
  refuseUnknown(parsed.output);
  return parsed.output;
}

function refuseUnknown({ engine_kwargs: given, resolved_config: resolved }: RecordedMeta): void {
  const scheduler = resolved?.scheduler_config;
  const policy = scheduler?.policy ?? 'fcfs';
  const wrong =
    (given.data_parallel_size ?? 1) > 1
      ? `${given.data_parallel_size} engines side by side (data parallel)`
      : (given.pipeline_parallel_size ?? 1) > 1
        ? `${given.pipeline_parallel_size} pipeline stages`
        : resolved?.speculative_config
          ? 'speculative decoding'
          : resolved?.kv_transfer_config
            ? 'a KV transfer'
            : scheduler?.enable_chunked_prefill === false
              ? 'prompts in one piece'
              : resolved?.model_config?.quantization
                ? `${resolved.model_config.quantization} weights`
                : policy !== 'fcfs'
                  ? `the policy ${policy}`
                  : null;
  if (wrong !== null)
    throw new RecordedError(`The run was recorded with ${wrong}; a replay knows one plain engine.`);
}

export interface Machine {
  readonly model: Architecture;
  /** Memory of one GPU; null: not known. */
  readonly memoryBytes: number | null;
}

/** What a GPU has: as the engine saw it, else as the machine was described, else as its record says. */
export function memoryOf(
  meta: RecordedMeta,
  described: number | null,
  gpu: GpuRecord | undefined,
): number | null {
  return meta.hardware?.device_total_memory_bytes ?? (gpu ? usableMemoryBytes(gpu) : described);
}

/** @throws RecordedError when the KV blocks are neither recorded nor to be derived */
export function replaySettings(meta: RecordedMeta, machine: Machine): ReplaySettings {
  const { engine_kwargs: given, kv_cache: cache, resolved_config: resolved } = meta;
  const scheduler = resolved?.scheduler_config;
  const maxSequences = scheduler?.max_num_seqs ?? given.max_num_seqs ?? DEFAULTS.maxSequences;
  const tokenBudget =
    scheduler?.max_num_batched_tokens ?? given.max_num_batched_tokens ?? DEFAULTS.tokenBudget;
  const eager = resolved?.model_config?.enforce_eager ?? given.enforce_eager ?? false;
  const shape = {
    tensorParallel: given.tensor_parallel_size ?? 1,
    blockSize: cache?.block_size ?? DEFAULTS.blockSize,
    kvFormat: kvFormatOf(given.kv_cache_dtype ?? 'auto'),
  };
  const recorded = cache?.num_gpu_blocks ?? null;
  return {
    ...shape,
    expertParallel: given.enable_expert_parallel ?? false,
    tokenBudget,
    maxSequences,
    longPrefillTokens: scheduler?.long_prefill_token_threshold ?? 0,
    reserveFullPrompt: scheduler?.scheduler_reserve_full_isl ?? true,
    prefixCaching: cache?.enable_prefix_caching ?? true,
    asyncScheduling: scheduler?.async_scheduling ?? true,
    kvBlocks: recorded ?? derivedBlocks(meta, machine, shape),
    kvBlocksOrigin: recorded === null ? 'derived' : 'recorded',
    graphSizes: eager
      ? []
      : (resolved?.compilation_config?.cudagraph_capture_sizes ??
        defaultGraphSizes(maxSequences, tokenBudget)),
    tickSeconds: meta.tick_seconds ?? 1,
  };
}

function kvFormatOf(written: string): ServedKvFormat {
  if (written === 'auto' || written === 'bfloat16' || written === 'float16') return 'bf16';
  if (written.startsWith('fp8')) return 'fp8';
  throw new RecordedError(
    `The run's KV cache is ${written.slice(0, 40)}; auto, bfloat16, float16 and fp8 are known.`,
  );
}

interface PoolShape {
  readonly tensorParallel: number;
  readonly blockSize: number;
  readonly kvFormat: ServedKvFormat;
}

/** memory × utilization − weights: what vLLM takes for activations and graphs, some GB, is not known and left out. */
function derivedBlocks(meta: RecordedMeta, { model, memoryBytes }: Machine, shape: PoolShape): number {
  if (memoryBytes === null) {
    throw new RecordedError('meta.json tells neither the KV blocks nor the GPU, and no profile names one.');
  }
  const utilization =
    meta.kv_cache?.gpu_memory_utilization ??
    meta.resolved_config?.cache_config?.gpu_memory_utilization ??
    DEFAULTS.utilization;
  const ranks = shape.tensorParallel;
  const left = memoryBytes * utilization - architectureWeightBytes(model, 'bf16') / ranks;
  const blockBytes =
    shape.blockSize * modelBytesPerToken(model, { format: shape.kvFormat, tensorParallel: ranks });
  const blocks = Math.floor(left / blockBytes);
  if (blocks < 2) {
    throw new RecordedError(
      `${model.name} leaves ${Math.round(left / 1e6)} MB of ${Math.round(memoryBytes / 1e6)} MB for KV; nothing can run.`,
    );
  }
  return blocks;
}
