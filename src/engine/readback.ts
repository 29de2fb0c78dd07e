/**
 * Brings a step's token ids (and logits, and its time on the GPU's clock) back to the host without stopping the GPU: the
 * copy is part of the step's own encoder, the mapping is awaited when the next step is already on its way.
 */
import type { Gpu } from '../gpu/context.ts';

export interface StepResult {
  /** u32: sampled ids in the order of the samples. */
  readonly ids: Uint32Array;
  /** f32 [samples][vocab]; null unless asked for. */
  readonly logits: Float32Array | null;
  /** null without timestamps, or where the clock was reset. */
  readonly gpuMs: number | null;
}

export interface StepCopy {
  readonly sampled: GPUBuffer;
  readonly samples: number;
  readonly logits: GPUBuffer;
  /** Floats of a row of logits; 0: they stay where they are. */
  readonly logitsWords: number;
}

export interface PendingStep {
  readonly timestamps: GPUComputePassTimestampWrites | undefined;
  /** Encodes the copies behind the step's pass. */
  encode(encoder: GPUCommandEncoder, copy: StepCopy): void;
  /** After the submit. */
  read(): Promise<StepResult>;
}

interface Staging {
  readonly buffer: GPUBuffer;
  readonly queries: GPUQuerySet | null;
  readonly resolved: GPUBuffer | null;
}

const STAMP_BYTES = 16;

/** Staging buffers that are used in turn. */
export class Readback {
  readonly #gpu: Gpu;
  readonly #bytes: number;
  #idle: Staging[] = [];
  #made: Staging[] = [];

  /** @param maxSamples most ids of a step; logits of as many rows fit on demand */
  constructor(gpu: Gpu, maxSamples: number) {
    this.#gpu = gpu;
    this.#bytes = STAMP_BYTES + maxSamples * 4;
  }

  begin(timed: boolean): PendingStep {
    const staging = this.#idle.pop() ?? this.#make();
    const { queries, resolved } = staging;
    const timestamps =
      timed && queries
        ? { querySet: queries, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 }
        : undefined;
    let copied: StepCopy | null = null;
    let logitsStaging: GPUBuffer | null = null;
    return {
      timestamps,
      encode: (encoder, copy) => {
        copied = copy;
        if (timestamps && resolved) {
          encoder.resolveQuerySet(timestamps.querySet, 0, 2, resolved, 0);
          encoder.copyBufferToBuffer(resolved, 0, staging.buffer, 0, STAMP_BYTES);
        }
        if (copy.samples > 0)
          encoder.copyBufferToBuffer(copy.sampled, 0, staging.buffer, STAMP_BYTES, copy.samples * 4);
        logitsStaging = this.#copyLogits(encoder, copy);
      },
      read: async () => {
        try {
          return await this.#read(staging, copied, logitsStaging, timestamps !== undefined);
        } finally {
          if (logitsStaging) this.#gpu.buffers.destroy(logitsStaging);
          this.#idle.push(staging);
        }
      },
    };
  }

  destroy(): void {
    for (const { buffer, queries, resolved } of this.#made) {
      this.#gpu.buffers.destroy(buffer);
      if (resolved) this.#gpu.buffers.destroy(resolved);
      queries?.destroy();
    }
    this.#made = [];
    this.#idle = [];
  }

  #make(): Staging {
    const { buffers, device, features } = this.#gpu;
    const { MAP_READ, COPY_DST, COPY_SRC, QUERY_RESOLVE } = GPUBufferUsage;
    const staging = {
      buffer: buffers.create('Readback.staging', this.#bytes, MAP_READ | COPY_DST),
      queries: features.timestamps
        ? device.createQuerySet({ label: 'Readback.clock', type: 'timestamp', count: 2 })
        : null,
      resolved: features.timestamps
        ? buffers.create('Readback.stamps', STAMP_BYTES, QUERY_RESOLVE | COPY_SRC)
        : null,
    };
    this.#made.push(staging);
    return staging;
  }

  #copyLogits(encoder: GPUCommandEncoder, { logits, logitsWords, samples }: StepCopy): GPUBuffer | null {
    const bytes = logitsWords * samples * 4;
    if (bytes === 0) return null;
    const { MAP_READ, COPY_DST } = GPUBufferUsage;
    const staging = this.#gpu.buffers.create('Readback.logits', bytes, MAP_READ | COPY_DST);
    encoder.copyBufferToBuffer(logits, 0, staging, 0, bytes);
    return staging;
  }

  async #read(
    { buffer }: Staging,
    copied: StepCopy | null,
    logits: GPUBuffer | null,
    timed: boolean,
  ): Promise<StepResult> {
    await buffer.mapAsync(GPUMapMode.READ);
    const bytes = buffer.getMappedRange().slice(0);
    buffer.unmap();
    const [begin = 0n, end = 0n] = new BigUint64Array(bytes, 0, 2);
    return {
      ids: new Uint32Array(bytes, STAMP_BYTES, copied?.samples ?? 0),
      logits: logits ? await readWhole(logits) : null,
      gpuMs: timed && end > begin && begin > 0n ? Number(end - begin) / 1e6 : null,
    };
  }
}

async function readWhole(staging: GPUBuffer): Promise<Float32Array> {
  await staging.mapAsync(GPUMapMode.READ);
  return new Float32Array(staging.getMappedRange().slice(0));
}
