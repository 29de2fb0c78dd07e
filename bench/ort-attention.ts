/**
 * onnxruntime-web's GroupQueryAttention on WebGPU, as a peer of our decode kernel.
 *
 * All tensors are already on the GPU, outputs are pre-allocated, and nothing is read back while the clock runs. Two
 * cases: `shared`, its best, where past and present cache are one buffer; and `separate`, as transformers.js runs it,
 * where each step writes a new present cache beside the past one.
 */
import * as ort from 'onnxruntime-web/webgpu';
import { groupQueryAttentionModel, type GqaShape } from './onnx.ts';

export interface GqaInputs {
  /** [batch][queryHeads][headDim] */
  readonly query: Float32Array;
  /** [batch][kvHeads][context][headDim], the newest token last. */
  readonly keys: Float32Array;
  readonly values: Float32Array;
}

/** Whether past and present cache are one buffer. */
export type CacheUse = 'shared' | 'separate';

export class OrtAttention {
  #session: ort.InferenceSession;
  #feeds: ort.InferenceSession.FeedsType;
  #fetches: ort.InferenceSession.OnnxValueMapType;
  #device: GPUDevice;
  #buffers: GPUBuffer[];
  #output: GPUBuffer;

  private constructor(
    session: ort.InferenceSession,
    feeds: ort.InferenceSession.FeedsType,
    fetches: ort.InferenceSession.OnnxValueMapType,
    device: GPUDevice,
    buffers: GPUBuffer[],
    output: GPUBuffer,
  ) {
    this.#session = session;
    this.#feeds = feeds;
    this.#fetches = fetches;
    this.#device = device;
    this.#buffers = buffers;
    this.#output = output;
  }

  /** `wasmPaths`: folder (with a closing slash) that serves ONNX Runtime's wasm. */
  static async create(
    shape: GqaShape,
    inputs: GqaInputs,
    wasmPaths: string,
    use: CacheUse = 'shared',
  ): Promise<OrtAttention> {
    ort.env.wasm.wasmPaths = wasmPaths;
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = 'error';
    const session = await ort.InferenceSession.create(groupQueryAttentionModel(shape), {
      executionProviders: ['webgpu'],
      preferredOutputLocation: 'gpu-buffer',
    });
    const device = (await ort.env.webgpu.device) as GPUDevice;
    const buffers: GPUBuffer[] = [];
    const upload = (data: Float32Array, dims: number[]): ort.Tensor => {
      const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
      const buffer = device.createBuffer({ size: data.byteLength, usage: STORAGE | COPY_SRC | COPY_DST });
      device.queue.writeBuffer(buffer, 0, data as Float32Array<ArrayBuffer>);
      buffers.push(buffer);
      return ort.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims });
    };
    const { batch, queryHeads, kvHeads, headDim, context } = shape;
    const cache = [batch, kvHeads, context, headDim];
    const past = (data: Float32Array): ort.Tensor =>
      use === 'shared'
        ? upload(data, cache)
        : upload(withoutNewest(data, shape), [batch, kvHeads, context - 1, headDim]);
    const pastKey = past(inputs.keys);
    const pastValue = past(inputs.values);
    const present = (tensor: ort.Tensor): ort.Tensor =>
      use === 'shared' ? tensor : upload(new Float32Array(batch * kvHeads * context * headDim), cache);
    const feeds = {
      query: upload(inputs.query, [batch, 1, queryHeads * headDim]),
      key: upload(newest(inputs.keys, shape), [batch, 1, kvHeads * headDim]),
      value: upload(newest(inputs.values, shape), [batch, 1, kvHeads * headDim]),
      past_key: pastKey,
      past_value: pastValue,
      seqlens_k: new ort.Tensor('int32', new Int32Array(batch).fill(context - 1), [batch]),
      total_sequence_length: new ort.Tensor('int32', Int32Array.of(context), [1]),
    };
    const output = upload(new Float32Array(batch * queryHeads * headDim), [batch, 1, queryHeads * headDim]);
    const fetches = { output, present_key: present(pastKey), present_value: present(pastValue) };
    return new OrtAttention(session, feeds, fetches, device, buffers, output.gpuBuffer as GPUBuffer);
  }

  /** Milliseconds from submit to done of one call. */
  async time(): Promise<number> {
    const start = performance.now();
    await this.#session.run(this.#feeds, this.#fetches);
    await this.#device.queue.onSubmittedWorkDone();
    return performance.now() - start;
  }

  /** [batch][queryHeads][headDim], to be compared with ours. */
  async output(): Promise<Float32Array> {
    const size = this.#output.size;
    const staging = this.#device.createBuffer({
      size,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    const encoder = this.#device.createCommandEncoder();
    encoder.copyBufferToBuffer(this.#output, 0, staging, 0, size);
    this.#device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const values = new Float32Array(staging.getMappedRange().slice(0));
    staging.destroy();
    return values;
  }

  async release(): Promise<void> {
    await this.#session.release();
    for (const buffer of this.#buffers) buffer.destroy();
  }
}

/** The last token of each sequence and head: [batch][kvHeads][headDim]. */
function newest(cache: Float32Array, { batch, kvHeads, headDim, context }: GqaShape): Float32Array {
  const out = new Float32Array(batch * kvHeads * headDim);
  for (let row = 0; row < batch * kvHeads; row++) {
    const from = (row * context + context - 1) * headDim;
    out.set(cache.subarray(from, from + headDim), row * headDim);
  }
  return out;
}

/** All tokens but the last of each sequence and head: [batch][kvHeads][context − 1][headDim]. */
function withoutNewest(cache: Float32Array, { batch, kvHeads, headDim, context }: GqaShape): Float32Array {
  const row = (context - 1) * headDim;
  const out = new Float32Array(batch * kvHeads * row);
  for (let at = 0; at < batch * kvHeads; at++) {
    const from = at * context * headDim;
    out.set(cache.subarray(from, from + row), at * row);
  }
  return out;
}
