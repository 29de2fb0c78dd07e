/**
 * The attention kernels as the tuner's executor: decode and prefill attention over a filled cache in a model's shape.
 *
 * A measurement is one batch of equal contexts: throughput is that of decode steps, all layers one after the other; the
 * time to the first token is the attention of a prompt's last chunk; memory is the pool's blocks. No other layer of a model
 * runs, so these are bounds of an engine's and comparable with each other only. Each kernel is held against its twin before
 * it is timed.
 */
import { KV_FORMATS, type KvFormat } from '../../core/kv/formats.ts';
import { median } from '../../core/metrics/percentiles.ts';
import { findArchitecture } from '../../core/model/architecture.ts';
import { adapterName } from '../../core/run/adapter-name.ts';
import type { TuneMetrics } from '../../core/run/tune.ts';
import type { TuneCell } from '../../core/scenario/tune/profiles.ts';
import type { TuneScenario, TuneSettings } from '../../core/scenario/tune/schema.ts';
import type { Gpu } from '../../gpu/context.ts';
import { createPagedDecode } from '../../gpu/kernels/decode.ts';
import { createPrefill } from '../../gpu/kernels/prefill.ts';
import { candidates, type DecodeTier, type DecodeTuning } from '../../gpu/kernels/tuning.ts';
import { createTimer, type TimedVariant } from '../../gpu/timing.ts';
import { tierOf } from '../../lab/autotune.ts';
import { attentionBuffers, decodeArgs } from '../../lab/compare.ts';
import { describeEnvironment } from '../../lab/environment.ts';
import { createFilledCache, type CacheShape, type FilledCache } from '../../lab/filled-cache.ts';
import type { LabHost } from '../../lab/host.ts';
import { verifyKernels } from '../../lab/verify.ts';
import { withDeadline } from '../deadline.ts';
import { InfeasibleError, memorySentence, type Measurement, type TuneExecutor } from '../executor.ts';

/** Newest tokens that int2 keeps in f16. */
const RESIDUAL_TOKENS = 128;
/** Tokens of the chunk whose attention stands for the time to the first token. */
const CHUNK_TOKENS = 128;
const WARM_UP_CALLS = 2;
const CALLS = 7;
/** No more calls of one kernel after this time. */
const BUDGET_MS = 1500;

const CANDIDATES_OWN: ReadonlySet<unknown> = new Set([
  'gpu-out-of-memory',
  'launch',
  'shader',
  'unsupported',
  'wrong-result',
]);

/** Heads of a model as its layers of full attention have them. */
interface ModelShape {
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly layers: number;
}

/** Null for models whose keys are not those of the kernels. */
export function attentionShapeOf(name: string): ModelShape | null {
  const kind = findArchitecture(name)?.kinds.find(
    ({ mixer }) => mixer.kind === 'full' || mixer.kind === 'sliding',
  );
  if (kind === undefined || (kind.mixer.kind !== 'full' && kind.mixer.kind !== 'sliding')) return null;
  const { queryHeads, kvHeads, keyDim, valueDim } = kind.mixer;
  return keyDim === valueDim ? { queryHeads, kvHeads, headDim: keyDim, layers: kind.layers } : null;
}

/** Opens a device of its own, which `close` gives back. */
export async function createKernelsExecutor(scenario: TuneScenario, host: LabHost): Promise<TuneExecutor> {
  return new KernelsExecutor(scenario, host, await host.openGpu());
}

class KernelsExecutor implements TuneExecutor {
  readonly kind = 'kernels';
  readonly origin = 'measured';
  readonly drifts = true;
  readonly #scenario: TuneScenario;
  readonly #host: LabHost;
  readonly #gpu: Gpu;
  readonly #verified = new Set<string>();
  readonly #startup = new Map<string, number>();

  constructor(scenario: TuneScenario, host: LabHost, gpu: Gpu) {
    this.#scenario = scenario;
    this.#host = host;
    this.#gpu = gpu;
  }

  get about(): string {
    return `Measured on ${adapterName(this.environment.adapter)}: attention kernels alone, no other layer of the model runs; TTFT is the attention of a prompt’s last ${CHUNK_TOKENS} tokens.`;
  }

  get environment() {
    return describeEnvironment(this.#gpu, this.#host, null);
  }

  maxTokens(model: string): number {
    return findArchitecture(model)?.maxPositionTokens ?? 0;
  }

  refuses(settings: TuneSettings, { model }: TuneCell): string | null {
    const { tier, kvFormat, lanes } = settings;
    const shape = attentionShapeOf(model);
    if (shape === null)
      return `The kernels have no attention of the kind of ${model}; choose a model with plain heads.`;
    if (tier === 'cpu')
      return 'The plain twin on the processor is there to check the kernels, not to be tuned.';
    if (tier === 'subgroups' && !this.#gpu.features.subgroups) return 'This GPU has no subgroups.';
    const format = KV_FORMATS.find((known) => known === kvFormat);
    if (format === undefined) return `The kernels have no KV format ${kvFormat}.`;
    if (lanes > 0 && this.#tuning(settings, cacheShape(shape, settings, format)) === undefined) {
      return `No candidate of this GPU has ${lanes} lanes to a key.`;
    }
    return null;
  }

  async measure({ settings, cell, seed, signal }: Measurement): Promise<TuneMetrics> {
    const { measurementSeconds, memoryGB } = this.#scenario.budget;
    const limit = memoryGB === null ? Infinity : memoryGB * 1e9;
    try {
      const metrics = await withDeadline(signal, measurementSeconds, (limited) =>
        this.#measured(settings, cell, seed, limited),
      );
      if (metrics.memoryBytes > limit) throw new InfeasibleError(memorySentence(metrics.memoryBytes, limit));
      return metrics;
    } catch (error) {
      signal.throwIfAborted();
      const own =
        error instanceof RangeError ||
        (error instanceof Error && 'code' in error && CANDIDATES_OWN.has(error.code));
      throw own ? new InfeasibleError(error.message) : error;
    }
  }

  startupMs(settings: TuneSettings): number | null {
    return this.#startup.get(JSON.stringify(settings)) ?? null;
  }

  close(): Promise<void> {
    this.#gpu.device.destroy();
    return Promise.resolve();
  }

  async #measured(
    settings: TuneSettings,
    { model, context, output }: TuneCell,
    seed: number,
    signal: AbortSignal,
  ): Promise<TuneMetrics> {
    const heads = attentionShapeOf(model);
    const format = KV_FORMATS.find((known) => known === settings.kvFormat);
    if (heads === null || format === undefined) throw new InfeasibleError(`${model} can’t be measured.`);
    const shape = cacheShape(heads, settings, format);
    await this.#verify(settings, shape, seed);
    signal.throwIfAborted();
    // Half of the output is there: the mean context of a decode step.
    const tokens = context + Math.ceil(output / 2);
    const lengths = Array.from({ length: settings.maxSequences }, () => tokens);
    const cache = await createFilledCache(this.#gpu, { shape, layout: 'paged', lengths, seed });
    try {
      const decodeMs = await this.#decodeMs(settings, cache, signal);
      const prefillMs = await this.#prefillMs(cache, Math.min(context, CHUNK_TOKENS), signal);
      return {
        ttftMs: heads.layers * prefillMs,
        tpotMs: heads.layers * decodeMs,
        outputTokensPerSecond: (1000 * lengths.length) / (heads.layers * decodeMs),
        memoryBytes: heads.layers * cache.pool.size,
      };
    } finally {
      cache.destroy();
    }
  }

  /** Each of the candidate's kernels against its twin, once; compiling them is what starting takes. */
  async #verify(settings: TuneSettings, shape: CacheShape, seed: number): Promise<void> {
    const key = JSON.stringify(settings);
    const checked = JSON.stringify({
      shape,
      tier: settings.tier,
      lanes: settings.lanes,
      splits: settings.splits,
    });
    const startedMs = this.#host.now();
    if (!this.#verified.has(checked)) {
      const tuning = this.#tuning(settings, shape) ?? null;
      await verifyKernels(this.#gpu, {
        ...{
          shape,
          layout: 'paged',
          tier: this.#tier(settings),
          tuning,
          windowTokens: 0,
          sinkTokens: 0,
          seed,
        },
      });
      this.#verified.add(checked);
    }
    if (!this.#startup.has(key)) this.#startup.set(key, this.#host.now() - startedMs);
  }

  #tier({ tier }: TuneSettings): DecodeTier {
    return tierOf(this.#gpu, tier === 'cpu' ? 'auto' : tier);
  }

  /** Of the settings; undefined where this GPU has none with so many lanes. */
  #tuning(settings: TuneSettings, shape: CacheShape): DecodeTuning | undefined {
    const { lanes, splits, maxSequences, blockSize } = settings;
    const list = candidates(this.#gpu, this.#tier(settings), shape);
    const found = lanes === 0 ? list[0] : list.find((tuning) => tuning.lanes === lanes);
    if (found === undefined || splits === 0) return found;
    return {
      ...found,
      targetWorkgroups: splits * maxSequences * shape.kvHeads,
      minTokensPerSplit: blockSize,
    };
  }

  async #decodeMs(settings: TuneSettings, cache: FilledCache, signal: AbortSignal): Promise<number> {
    const { shape, lengths } = cache;
    const tuning = this.#tuning(settings, shape);
    const decode = await createPagedDecode(this.#gpu, {
      ...shape,
      layout: 'paged',
      tier: this.#tier(settings),
      ...(tuning && { tuning }),
      maxBatch: lengths.length,
      maxContextTokens: Math.max(...lengths),
    });
    const bytes = lengths.length * shape.queryHeads * shape.headDim * 4;
    const output = this.#gpu.buffers.create('Tune.decode', bytes, GPUBufferUsage.STORAGE);
    try {
      const args = decodeArgs(cache, output);
      return await this.#timed({ name: decode.variant, encode: (pass) => decode.encode(pass, args) }, signal);
    } finally {
      decode.destroy();
      this.#gpu.buffers.destroy(output);
    }
  }

  /** Attention of the last tokens of the first sequence's prompt. */
  async #prefillMs(cache: FilledCache, tokens: number, signal: AbortSignal): Promise<number> {
    const { shape, lengths, tableStride } = cache;
    const { queryHeads, headDim, format, residualTokens } = shape;
    const prefill = await createPrefill(this.#gpu, {
      ...shape,
      ...(format === 'int2' && { residualTokens }),
    });
    const { buffers } = this.#gpu;
    const output = buffers.create('Tune.prefill', tokens * queryHeads * headDim * 4, GPUBufferUsage.STORAGE);
    const starts = buffers.upload('Tune.starts', Uint32Array.from([0, tokens]));
    const args = {
      ...attentionBuffers(cache),
      blockTable: cache.blockTable,
      queryStarts: starts,
      output,
      batch: 1,
      totalTokens: tokens,
      maxQueryTokens: tokens,
      maxContextTokens: lengths[0] ?? 1,
      tableStride,
    };
    try {
      return await this.#timed(
        { name: prefill.variant, encode: (pass) => prefill.encode(pass, args) },
        signal,
      );
    } finally {
      buffers.destroy(output, starts);
    }
  }

  /** From submit to done, the median of some calls. */
  async #timed(call: TimedVariant, signal: AbortSignal): Promise<number> {
    const { now } = this.#host;
    const timer = await createTimer(this.#gpu, { now, timestamps: false });
    try {
      const samplesMs: number[] = [];
      const started = now();
      for (let i = -WARM_UP_CALLS; i < CALLS; i++) {
        signal.throwIfAborted();
        const tookMs = await timer.submitToDoneMs(call);
        if (i >= 0) samplesMs.push(tookMs);
        if (i >= 0 && now() - started > BUDGET_MS) break;
      }
      return median(samplesMs);
    } finally {
      timer.destroy();
    }
  }
}

function cacheShape(
  { queryHeads, kvHeads, headDim }: ModelShape,
  { blockSize }: TuneSettings,
  format: KvFormat,
): CacheShape {
  return {
    queryHeads,
    kvHeads,
    headDim,
    blockSize,
    format,
    residualTokens: Math.max(RESIDUAL_TOKENS, blockSize),
  };
}
