/**
 * What an eviction policy sees while a step runs: the probabilities of decodes, and the votes of a prompt's own queries.
 * Kernels and buffers are the evictor's; here is which rows of a step they look at.
 */
import type { PagedDecode } from '../../gpu/kernels/decode.ts';
import type { PagedDecodeArgs } from '../../gpu/kernels/decode-config.ts';
import type { Gpu } from '../../gpu/context.ts';
import { contextBound } from '../context-bound.ts';
import type { StepBatch, StepMember } from '../step-batch.ts';
import type { StepBuffers } from '../step-buffers.ts';
import type { Evictor } from './evictor.ts';
import type { EvictionShape } from './shape.ts';

export interface ObserverParts {
  readonly gpu: Gpu;
  readonly shape: EvictionShape;
  readonly evictor: Evictor;
  readonly buffers: StepBuffers;
  /** Decode that writes its probabilities; null for policies that do not ask. */
  readonly scoring: PagedDecode | null;
}

export class Observer {
  readonly #parts: ObserverParts;
  /** Lengths with one sequence of a step's chunks each, because each votes with queries of its own number. */
  readonly #single: GPUBuffer[] = [];

  constructor(parts: ObserverParts) {
    this.#parts = parts;
  }

  /** What decode may see of an edited table. */
  get window(): { windowTokens: number; sinkTokens: number } | null {
    return this.#parts.evictor.window;
  }

  /** Before a step is encoded. */
  prepare(batch: StepBatch): void {
    if (!this.#parts.evictor.votes) return;
    const chunks = chunksOf(batch);
    const { gpu, shape } = this.#parts;
    chunks.forEach(({ sequence, context }, i) => {
      const lengths = new Uint32Array(shape.maxBatch);
      lengths[sequence.slot] = context;
      const buffer = (this.#single[i] ??= gpu.buffers.create(
        'Observer.single',
        lengths.byteLength,
        GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
      ));
      gpu.device.queue.writeBuffer(buffer, 0, lengths);
    });
  }

  /** Behind the prompt attention of a layer. */
  vote(pass: GPUComputePassEncoder, layer: number, pool: GPUBuffer, batch: StepBatch, macs: number): void {
    const { buffers, evictor, shape } = this.#parts;
    if (!evictor.votes) return;
    const { chunks } = buffers;
    chunksOf(batch).forEach(({ tokens, position, context, total }, i) => {
      const contextLengths = this.#single[i];
      if (!contextLengths) throw new Error('A step was encoded that was not prepared.');
      const chunk = {
        pool,
        query: buffers.query,
        blockTable: chunks.table,
        queryStarts: chunks.starts,
        contextLengths,
        batch: batch.numChunks,
        totalTokens: batch.tokens,
        longest: contextBound(context),
        tableStride: shape.tableStride,
        first: position,
        tokens,
        promptTokens: total,
      };
      for (const operation of evictor.vote(layer, chunk, macs)) operation.encode(pass);
    });
  }

  /** Decode of one layer, with its probabilities where the policy wants them. @returns false where plain decode serves */
  decode(pass: GPUComputePassEncoder, layer: number, args: PagedDecodeArgs, batch: StepBatch): boolean {
    const { evictor, scoring, buffers, shape } = this.#parts;
    const scores = scoring ? evictor.probabilitiesFor(true) : null;
    if (!scoring || !scores) return false;
    scoring.encode(pass, { ...args, scores });
    const rows = {
      blockTable: buffers.all.table,
      contextLengths: buffers.all.contexts,
      residualSlots: buffers.all.ringSlots,
      batch: batch.decodes,
      tableStride: shape.tableStride,
      longest: args.maxContextTokens,
    };
    for (const operation of evictor.score(layer, rows, args.maxContextTokens, false)) operation.encode(pass);
    return true;
  }

  destroy(): void {
    this.#parts.gpu.buffers.destroy(...this.#single);
    this.#parts.scoring?.destroy();
  }
}

function chunksOf(batch: StepBatch): StepMember[] {
  return batch.members.filter(({ firstRow }) => firstRow >= batch.decodes);
}
