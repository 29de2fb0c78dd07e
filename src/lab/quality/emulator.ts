/**
 * Caches that no pool has: K and V of different formats, keys of few bits per token or per channel, rotated, with a planted
 * outlier. New rows are rounded between RoPE and the append into a pool of f32, so attention reads what such a cache would
 * give back.
 *
 * Groups of tokens (per-channel keys) are rounded where a prompt has 32 whole ones; the rest and decoded tokens stay as they
 * are, as KIVI's residual does. Variants of keys round those same rows on either axis, so that axes are compared alike.
 */
import type { KvFormat } from '../../core/kv/formats.ts';
import type { KeyVariant, QualityCell } from '../../core/scenario/quality/cells.ts';
import type { ModelConfig } from '../../engine/config.ts';
import type { EngineHooks, NewKeysValues, StepRows } from '../../engine/engine-types.ts';
import { cacheHeadDim } from '../../engine/weights-types.ts';
import type { Gpu } from '../../gpu/context.ts';
import { createRoundtrip, type Roundtrip } from '../../gpu/kernels/roundtrip.ts';
import { roundingOf, type RoundtripConfig } from '../../gpu/kernels/roundtrip-config.ts';

export const TOKEN_GROUP = 32;

/** First rows of the whole groups of tokens in a step; decodes have none. */
export function wholeGroups(sequences: readonly StepRows[], group = TOKEN_GROUP): number[] {
  return sequences.flatMap(({ firstRow, tokens, position }) => {
    const skipped = (group - (position % group)) % group;
    const count = Math.max(0, Math.floor((tokens - skipped) / group));
    return Array.from({ length: count }, (_, i) => firstRow + skipped + i * group);
  });
}

/** Which rows a rounding takes: every row, or those of whole groups of tokens. */
type Reach = 'all' | 'groups';

interface Rounded {
  readonly roundtrip: Roundtrip;
  readonly axis: RoundtripConfig['axis'];
  readonly reach: Reach;
}

export interface Emulator extends Pick<EngineHooks, 'onKeysValues'> {
  destroy(): void;
}

/** The outlier's channel: in the middle of a head, where no padding is. */
export function outlierChannel({ headDim }: Pick<ModelConfig, 'headDim'>): number {
  return Math.floor(headDim / 2);
}

export async function createEmulator(
  gpu: Gpu,
  { kFormat, vFormat, variant }: QualityCell,
  config: ModelConfig,
  maxTokens: number,
): Promise<Emulator> {
  const key =
    variant === null ? await ofFormat(gpu, kFormat, 'k', config) : await ofVariant(gpu, variant, config);
  const value = await ofFormat(gpu, vFormat, 'v', config);
  const { STORAGE, COPY_DST } = GPUBufferUsage;
  const buffer = (name: string, words: number) =>
    gpu.buffers.create(`Emulator.${name}`, words * 4, STORAGE | COPY_DST);
  const lists = new Lists(
    gpu,
    buffer('rows', maxTokens),
    buffer('grouped', maxTokens),
    buffer('groups', 2 * maxTokens),
  );
  return {
    onKeysValues: {
      encode(pass, rows) {
        if (rows.layer === 0) lists.fill(rows);
        round(pass, key, rows.key, rows, lists);
        round(pass, value, rows.value, rows, lists);
      },
    },
    destroy: () => lists.destroy(),
  };
}

function round(
  pass: GPUComputePassEncoder,
  rounded: Rounded | null,
  target: GPUBuffer,
  { tokens }: NewKeysValues,
  lists: Lists,
): void {
  if (rounded === null) return;
  const { list, count } = lists.of(rounded);
  rounded.roundtrip.encode(pass, { rows: target, numRows: tokens, list, count });
}

async function ofFormat(
  gpu: Gpu,
  format: KvFormat,
  part: 'k' | 'v',
  config: ModelConfig,
): Promise<Rounded | null> {
  const rounding = roundingOf(format);
  if (rounding === null) return null;
  const axis = format === 'int2' && part === 'k' ? 'channel' : 'token';
  const shape = { heads: config.kvHeads, headDim: cacheHeadDim(config) };
  return {
    roundtrip: await createRoundtrip(gpu, { ...shape, rounding, axis }),
    axis,
    reach: axis === 'channel' ? 'groups' : 'all',
  };
}

async function ofVariant(gpu: Gpu, variant: KeyVariant, config: ModelConfig): Promise<Rounded> {
  const { bits, axis, rotated, outlierGain } = variant;
  const roundtrip = await createRoundtrip(gpu, {
    heads: config.kvHeads,
    headDim: cacheHeadDim(config),
    rounding: { kind: 'asymmetric', bits },
    axis,
    rotated,
    ...(outlierGain !== 1 && { outlier: { channel: outlierChannel(config), gain: outlierGain } }),
  });
  return { roundtrip, axis, reach: 'groups' };
}

/** The rows of a step, all and in whole groups, as the kernels read them; the same for all layers of the step. */
class Lists {
  readonly #gpu: Gpu;
  readonly #rows: GPUBuffer;
  readonly #grouped: GPUBuffer;
  readonly #groups: GPUBuffer;
  #counts = { rows: 0, grouped: 0, groups: 0 };

  constructor(gpu: Gpu, rows: GPUBuffer, grouped: GPUBuffer, groups: GPUBuffer) {
    this.#gpu = gpu;
    this.#rows = rows;
    this.#grouped = grouped;
    this.#groups = groups;
  }

  fill({ tokens, sequences }: NewKeysValues): void {
    const first = wholeGroups(sequences);
    const grouped = first.flatMap((row) => Array.from({ length: TOKEN_GROUP }, (_, i) => row + i));
    this.#write(
      this.#rows,
      Array.from({ length: tokens }, (_, i) => i),
    );
    this.#write(this.#grouped, grouped);
    this.#write(
      this.#groups,
      first.flatMap((row) => [row, TOKEN_GROUP]),
    );
    this.#counts = { rows: tokens, grouped: grouped.length, groups: first.length };
  }

  of({ axis, reach }: Pick<Rounded, 'axis' | 'reach'>): { list: GPUBuffer; count: number } {
    if (axis === 'channel') return { list: this.#groups, count: this.#counts.groups };
    if (reach === 'groups') return { list: this.#grouped, count: this.#counts.grouped };
    return { list: this.#rows, count: this.#counts.rows };
  }

  destroy(): void {
    this.#gpu.buffers.destroy(this.#rows, this.#grouped, this.#groups);
  }

  #write(buffer: GPUBuffer, words: readonly number[]): void {
    if (words.length > 0) this.#gpu.device.queue.writeBuffer(buffer, 0, Uint32Array.from(words));
  }
}
