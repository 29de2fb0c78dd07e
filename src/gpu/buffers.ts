/**
 * Allocations with a ledger. WebGPU tells nobody how much memory is left, so the sum of our own allocations is the
 * only honest memory figure there is, and an out-of-memory error is only seen inside an error scope.
 */

/** The device refused an allocation. Remedy: a smaller pool, a shorter context or a smaller KV format. */
export class GpuOutOfMemoryError extends Error {
  readonly code = 'gpu-out-of-memory';
  readonly neededBytes: number;
  readonly allocatedBytes: number;
  constructor(label: string, neededBytes: number, allocatedBytes: number) {
    super(
      `The GPU has no room for ${label} (${neededBytes} bytes beside ${allocatedBytes} already allocated). ` +
        'Shorten the context, lower the concurrency or choose a smaller KV format.',
    );
    this.name = 'GpuOutOfMemoryError';
    this.neededBytes = neededBytes;
    this.allocatedBytes = allocatedBytes;
  }
}

export class Buffers {
  #device: GPUDevice;
  #live = new Map<GPUBuffer, number>();
  #allocatedBytes = 0;
  #peakBytes = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Bytes of all live buffers made here. */
  get allocatedBytes(): number {
    return this.#allocatedBytes;
  }

  /** Highest `allocatedBytes` so far. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** A small buffer whose failure would be a bug of ours. For pools use `tryCreate`. */
  create(label: string, sizeBytes: number, usage: GPUBufferUsageFlags): GPUBuffer {
    return this.#register(this.#device.createBuffer({ label, size: align(sizeBytes), usage }));
  }

  /** Storage buffer with contents; also usable as copy source. */
  upload(label: string, data: ArrayBufferView, usage: GPUBufferUsageFlags = 0): GPUBuffer {
    const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage;
    const buffer = this.create(label, data.byteLength, STORAGE | COPY_DST | COPY_SRC | usage);
    this.#device.queue.writeBuffer(buffer, 0, data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    return buffer;
  }

  /** @throws GpuOutOfMemoryError when the device refuses; nothing is kept then. */
  async tryCreate(label: string, sizeBytes: number, usage: GPUBufferUsageFlags): Promise<GPUBuffer> {
    const device = this.#device;
    if (sizeBytes > device.limits.maxBufferSize) {
      throw new GpuOutOfMemoryError(label, sizeBytes, this.#allocatedBytes);
    }
    device.pushErrorScope('out-of-memory');
    device.pushErrorScope('validation');
    const buffer = device.createBuffer({ label, size: align(sizeBytes), usage });
    const invalid = await device.popErrorScope();
    const full = await device.popErrorScope();
    if (full || invalid) {
      buffer.destroy();
      throw new GpuOutOfMemoryError(label, sizeBytes, this.#allocatedBytes);
    }
    return this.#register(buffer);
  }

  destroy(...buffers: readonly GPUBuffer[]): void {
    for (const buffer of buffers) {
      this.#allocatedBytes -= this.#live.get(buffer) ?? 0;
      this.#live.delete(buffer);
      buffer.destroy();
    }
  }

  /** Copies `sizeBytes` back to the host. */
  async read(
    buffer: GPUBuffer,
    offsetBytes = 0,
    sizeBytes = buffer.size - offsetBytes,
  ): Promise<ArrayBuffer> {
    const staging = this.create(
      'Buffers.staging',
      sizeBytes,
      GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    );
    try {
      const encoder = this.#device.createCommandEncoder({ label: 'Buffers.read' });
      encoder.copyBufferToBuffer(buffer, offsetBytes, staging, 0, sizeBytes);
      this.#device.queue.submit([encoder.finish()]);
      await staging.mapAsync(GPUMapMode.READ);
      return staging.getMappedRange().slice(0);
    } finally {
      this.destroy(staging);
    }
  }

  #register(buffer: GPUBuffer): GPUBuffer {
    this.#live.set(buffer, buffer.size);
    this.#allocatedBytes += buffer.size;
    this.#peakBytes = Math.max(this.#peakBytes, this.#allocatedBytes);
    return buffer;
  }
}

function align(sizeBytes: number): number {
  return Math.max(16, Math.ceil(sizeBytes / 16) * 16);
}
