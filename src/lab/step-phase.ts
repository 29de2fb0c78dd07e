/**
 * What the launches of one step share: which tokens go where, how long each sequence is, and its blocks. Written to
 * buffers of the phase before the step's first submit, and read by the launches of all layers.
 */
import type { BlockTable } from '../core/kv/block-table.ts';
import type { Gpu } from '../gpu/context.ts';
import type { AppendSequences } from '../engine/appender.ts';
import type { EvictionRows } from '../engine/eviction/evictor.ts';
import type { SequenceCache } from './sequences.ts';

/** One sequence in a step: its cache with the new tokens already taken. */
export interface StepRow {
  readonly cache: SequenceCache;
  readonly slots: readonly number[];
  readonly residualSlot: number;
  /** For eviction: the sequence's table, whose blocks may leave. */
  readonly table: BlockTable | null;
}

/** Bound buffers of a phase: written before its submit, read by all layers. */
export interface PhaseBuffers {
  readonly slots: GPUBuffer;
  readonly lengths: GPUBuffer;
  readonly starts: GPUBuffer;
  readonly table: GPUBuffer;
  readonly residualSlots: GPUBuffer;
}

/** What the launches of one step share. */
export interface Phase {
  readonly slots: GPUBuffer;
  readonly tokens: number;
  /** Longest context. */
  readonly longest: number;
  readonly sequences: AppendSequences;
}

/** Writes what the launches of a step read; takes effect before the step's first submit. */
export function writePhase(
  gpu: Gpu,
  buffers: PhaseBuffers,
  rows: readonly StepRow[],
  places: readonly number[],
  stride: number,
): Phase {
  const batch = Math.max(...places) + 1;
  const lengths = new Uint32Array(batch);
  const residualSlots = new Uint32Array(batch);
  const counts = new Uint32Array(batch);
  const table = new Uint32Array(batch * stride);
  rows.forEach(({ cache, residualSlot, slots }, i) => {
    const place = places[i] ?? i;
    lengths[place] = cache.tokens;
    residualSlots[place] = residualSlot;
    counts[place] = slots.length;
    cache.writeRow(table.subarray(place * stride, (place + 1) * stride));
  });
  const starts = new Uint32Array(batch + 1);
  counts.forEach((count, place) => (starts[place + 1] = (starts[place] ?? 0) + count));
  const { queue } = gpu.device;
  queue.writeBuffer(buffers.slots, 0, Int32Array.from(rows.flatMap(({ slots }) => slots)));
  queue.writeBuffer(buffers.lengths, 0, lengths);
  queue.writeBuffer(buffers.starts, 0, starts);
  queue.writeBuffer(buffers.residualSlots, 0, residualSlots);
  queue.writeBuffer(buffers.table, 0, table);
  return {
    slots: buffers.slots,
    tokens: starts[batch] ?? 0,
    longest: Math.max(...lengths),
    sequences: {
      blockTable: buffers.table,
      tableStride: stride,
      queryStarts: buffers.starts,
      contextLengths: buffers.lengths,
      residualSlots: buffers.residualSlots,
      batch,
      maxNewTokens: Math.max(...counts),
    },
  };
}

/** @param tokens most new tokens of one step */
export function allocatePhase(
  gpu: Gpu,
  name: string,
  size: { readonly tokens: number; readonly batch: number; readonly tableStride: number },
): PhaseBuffers {
  const { tokens, batch, tableStride } = size;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const buffer = (what: string, words: number) =>
    gpu.buffers.create(`Engine.${name}.${what}`, words * 4, usage);
  return {
    slots: buffer('slots', tokens),
    lengths: buffer('lengths', batch),
    starts: buffer('starts', batch + 1),
    table: buffer('table', batch * tableStride),
    residualSlots: buffer('residualSlots', batch),
  };
}

/** The sequences of a step, for policies. */
export function rowsOf({ sequences, longest }: Phase): EvictionRows {
  return { ...sequences, longest };
}
