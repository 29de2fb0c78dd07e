/**
 * Uniforms and bind groups, cached.
 *
 * `queue.writeBuffer` takes effect before the next submit, not between two dispatches of it, so a uniform buffer that
 * is rewritten within a step would give every dispatch the last value. Here a uniform buffer is never rewritten: it is
 * addressed by its contents, and two dispatches with the same values share one buffer and one bind group.
 */

const MAX_UNIFORMS = 4096;

export class Bindings {
  #device: GPUDevice;
  #uniforms = new Map<string, GPUBuffer>();
  #groups = new WeakMap<GPUComputePipeline, Map<string, GPUBindGroup>>();
  #ids = new WeakMap<GPUBuffer, number>();
  #nextId = 1;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** An immutable uniform buffer with these words (padded to 16 bytes). Floats: pass their bits. */
  uniform(words: Uint32Array): GPUBuffer {
    const key = words.join(',');
    let buffer = this.#uniforms.get(key);
    if (buffer) return buffer;
    // The oldest is only forgotten, not destroyed: an encoder that is not yet submitted may still use it.
    if (this.#uniforms.size >= MAX_UNIFORMS) this.#uniforms.delete(this.#uniforms.keys().next().value ?? '');
    buffer = this.#device.createBuffer({
      label: 'Bindings.uniform',
      size: Math.ceil(words.byteLength / 16) * 16,
      usage: GPUBufferUsage.UNIFORM,
      mappedAtCreation: true,
    });
    new Uint32Array(buffer.getMappedRange()).set(words);
    buffer.unmap();
    this.#uniforms.set(key, buffer);
    return buffer;
  }

  /** Bind group 0 of the pipeline with buffer i at binding i; `null` leaves a binding out. */
  group(pipeline: GPUComputePipeline, buffers: readonly (GPUBuffer | null)[]): GPUBindGroup {
    const key = buffers.map((buffer) => (buffer ? this.#id(buffer) : '-')).join(',');
    let groups = this.#groups.get(pipeline);
    if (!groups) this.#groups.set(pipeline, (groups = new Map()));
    let group = groups.get(key);
    if (!group) {
      if (groups.size >= MAX_UNIFORMS) groups.clear();
      group = this.#device.createBindGroup({
        label: `${pipeline.label}.bindings`,
        layout: pipeline.getBindGroupLayout(0),
        entries: buffers.flatMap((buffer, binding) => (buffer ? [{ binding, resource: { buffer } }] : [])),
      });
      groups.set(key, group);
    }
    return group;
  }

  #id(buffer: GPUBuffer): number {
    let id = this.#ids.get(buffer);
    if (!id) this.#ids.set(buffer, (id = this.#nextId++));
    return id;
  }
}
