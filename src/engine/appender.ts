/**
 * Appends new tokens in any KV format; int2 goes through its f16 ring. One place, because everything else is alike. Plain
 * formats need it only where somebody wants to see keys and values before: else RoPE writes them into the cache itself.
 */
import type { KvFormat } from '../core/kv/formats.ts';
import type { Gpu } from '../gpu/context.ts';
import { createResidualAppend } from '../gpu/kernels/append-residual.ts';
import { createAppend } from '../gpu/kernels/append.ts';
import { ropeAppends } from '../gpu/kernels/rope.ts';
import type { ForwardParts } from './forward.ts';

export interface AppenderConfig {
  readonly format: KvFormat;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly blockSize: number;
  readonly residualTokens: number;
}

/** The sequences of a step, as int2 needs them; layouts as in append-residual.ts. */
export interface AppendSequences {
  readonly blockTable: GPUBuffer;
  readonly tableStride: number;
  readonly queryStarts: GPUBuffer;
  readonly contextLengths: GPUBuffer;
  readonly residualSlots: GPUBuffer;
  readonly batch: number;
  readonly maxNewTokens: number;
}

export interface AppendStep {
  /** f32 [tokens][kvHeads][headDim] */
  readonly key: GPUBuffer;
  readonly value: GPUBuffer;
  readonly pool: GPUBuffer;
  /** The layer's rings; int2 only. */
  readonly ring: GPUBuffer | undefined;
  /** i32 [tokens] */
  readonly slots: GPUBuffer;
  readonly tokens: number;
  readonly sequences: AppendSequences;
}

export interface Appender {
  encode(pass: GPUComputePassEncoder, step: AppendStep): void;
}

export async function createAppender(gpu: Gpu, config: AppenderConfig): Promise<Appender> {
  if (config.format === 'int2') {
    const append = await createResidualAppend(gpu, config);
    return {
      encode(pass, { key, value, pool, tokens, ring, sequences }) {
        if (!ring) throw new TypeError('int2 is appended through a ring, and none was given.');
        append.encode(pass, { key, value, pool, tokens, residual: { ring, ...sequences } });
      },
    };
  }
  const append = await createAppend(gpu, config);
  return {
    encode: (pass, { key, value, pool, slots, tokens }) =>
      append.encode(pass, { key, value, pool, slots, tokens }),
  };
}

/** Whether the dispatch of RoPE appends, and none of its own is needed. */
export function ropeAppendsFor({
  model,
  settings,
  hooks,
}: Pick<ForwardParts, 'model' | 'settings' | 'hooks'>): boolean {
  const { positions } = model.config;
  const { layout, rotaryDim } =
    positions.kind === 'rope' ? positions : { layout: 'half' as const, rotaryDim: 0 };
  return !hooks.onKeysValues && ropeAppends(settings.kvFormat, { layout, rotaryDim });
}
