/** The buffers that a step's kernels read and write, and the upload of a batch into them. */
import type { Gpu } from '../gpu/context.ts';
import { cacheHeadDim } from './weights-types.ts';
import type { ModelConfig } from './config.ts';
import type { SequenceRows, StepBatch, StepLimits } from './step-batch.ts';

/** A launch's sequences on the GPU; shapes as in SequenceRows. */
export interface SequenceBuffers {
  readonly table: GPUBuffer;
  readonly contexts: GPUBuffer;
  readonly ringSlots: GPUBuffer;
  readonly starts: GPUBuffer;
}

export interface StepBuffers {
  readonly ids: GPUBuffer;
  readonly positions: GPUBuffer;
  readonly slots: GPUBuffer;
  readonly all: SequenceBuffers;
  readonly chunks: SequenceBuffers;
  readonly sampledRows: GPUBuffer;
  readonly settings: GPUBuffer;
  /** u32 [slots]: the last token of each. */
  readonly lastTokens: GPUBuffer;
  /** u32 [maxSequences]: what the step sampled, in order. */
  readonly sampled: GPUBuffer;
  /** f32 [maxTokens][hidden]: the residual stream before and after a layer's attention. */
  readonly stream: GPUBuffer;
  readonly middle: GPUBuffer;
  /** f32 [maxTokens][(queryHeads + 2·kvHeads)·headDim] */
  readonly qkv: GPUBuffer;
  /** f32 [maxTokens][heads][cacheHeadDim] */
  readonly query: GPUBuffer;
  readonly key: GPUBuffer;
  readonly value: GPUBuffer;
  readonly attention: GPUBuffer;
  /** f32 [maxTokens][intermediate] */
  readonly up: GPUBuffer;
  /** f32 [maxSequences][vocab] */
  readonly logits: GPUBuffer;
  readonly bytes: number;
  upload(batch: StepBatch): void;
  destroy(): void;
}

export function createStepBuffers(
  gpu: Gpu,
  config: ModelConfig,
  limits: StepLimits,
  slots: number,
): StepBuffers {
  const { maxTokens, maxSequences, tableStride } = limits;
  const { hidden, intermediate, queryHeads, kvHeads, headDim, vocab } = config;
  const width = cacheHeadDim(config);
  const made: GPUBuffer[] = [];
  const words = (name: string, count: number): GPUBuffer => {
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
    const buffer = gpu.buffers.create(`Engine.${name}`, count * 4, STORAGE | COPY_SRC | COPY_DST);
    made.push(buffer);
    return buffer;
  };
  const sequences = (name: string, count: number): SequenceBuffers => ({
    table: words(`${name}.table`, count * tableStride),
    contexts: words(`${name}.contexts`, count),
    ringSlots: words(`${name}.ringSlots`, count),
    starts: words(`${name}.starts`, count + 1),
  });
  const buffers = {
    ids: words('ids', maxTokens),
    positions: words('positions', maxTokens),
    slots: words('slots', maxTokens),
    all: sequences('all', 2 * maxSequences),
    chunks: sequences('chunks', maxSequences),
    sampledRows: words('sampledRows', maxSequences),
    settings: words('settings', maxSequences * 8),
    lastTokens: words('lastTokens', slots),
    sampled: words('sampled', maxSequences),
    stream: words('stream', maxTokens * hidden),
    middle: words('middle', maxTokens * hidden),
    qkv: words('qkv', maxTokens * (queryHeads + 2 * kvHeads) * headDim),
    query: words('query', maxTokens * queryHeads * width),
    key: words('key', maxTokens * kvHeads * width),
    value: words('value', maxTokens * kvHeads * width),
    attention: words('attention', maxTokens * queryHeads * width),
    up: words('up', maxTokens * intermediate),
    logits: words('logits', maxSequences * vocab),
  };
  return {
    ...buffers,
    bytes: made.reduce((sum, { size }) => sum + size, 0),
    upload(batch) {
      const write = (buffer: GPUBuffer, data: Uint32Array | Int32Array, count: number) => {
        if (count === 0) return;
        gpu.device.queue.writeBuffer(buffer, 0, data.buffer as ArrayBuffer, data.byteOffset, count * 4);
      };
      const writeSequences = (to: SequenceBuffers, rows: SequenceRows, count: number) => {
        write(to.table, rows.table, count * tableStride);
        write(to.contexts, rows.contexts, count);
        write(to.ringSlots, rows.ringSlots, count);
        write(to.starts, rows.starts, count + 1);
      };
      write(buffers.ids, batch.ids, batch.tokens);
      write(buffers.positions, batch.positions, batch.tokens);
      write(buffers.slots, batch.slots, batch.tokens);
      writeSequences(buffers.all, batch.all, batch.decodes + batch.numChunks);
      if (batch.numChunks > 0) writeSequences(buffers.chunks, batch.chunks, batch.numChunks);
      write(buffers.sampledRows, batch.sampledRows, batch.samples.length);
      write(buffers.settings, batch.settings, batch.samples.length * 8);
    },
    destroy: () => gpu.buffers.destroy(...made),
  };
}
