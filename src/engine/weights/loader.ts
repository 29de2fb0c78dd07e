/**
 * A model's weights onto the GPU: everything is checked first, then rows stream from the source in bounded chunks, are
 * converted on the way, and land in buffers of the ledger. On any failure all of them are freed again.
 *
 * Boundary: which tensor goes where is layout.ts; what rows become is rows.ts. Matrices stored transposed (GPT-2) are held
 * whole while they are turned.
 */
import { GpuOutOfMemoryError } from '../../gpu/buffers.ts';
import type { Gpu } from '../../gpu/context.ts';
import type { LinearWeight, WeightFormat } from '../../gpu/kernels/linear-config.ts';
import type { MatrixPlan, ModelPlan, NormPlan, VectorPlan } from '../architectures/plan.ts';
import { ModelError, throwIfCancelled } from '../files/error.ts';
import type { LayerWeights, LoadedModel, ModelWeights, NormWeight } from '../weights-types.ts';
import { transpose } from './host.ts';
import {
  checkBudget,
  checkLimits,
  layOut,
  tensorBytes,
  type MatrixLayout,
  type MatrixPiece,
  type ModelLayout,
  type VectorLayout,
} from './layout.ts';
import { checkValues, directRows, packRows, type RowWords } from './rows.ts';
import type { SourceTensor, TensorSource } from './tensor-source.ts';

export interface LoadProgress {
  /** Bytes of the source, not of the GPU. */
  readonly loadedBytes: number;
  readonly totalBytes: number;
  /** The tensor that was read last. */
  readonly tensor: string;
}

export interface LoadOptions {
  readonly weightFormat: WeightFormat;
  /** Most bytes of all buffers together. */
  readonly budgetBytes: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LoadProgress) => void;
  /** f32 bytes of a chunk of rows. */
  readonly chunkBytes?: number;
}

const CHUNK_BYTES = 8 * 2 ** 20;
/** Bytes given to the queue before it is waited for: it keeps a copy of each until then. */
const IN_FLIGHT_BYTES = 64 * 2 ** 20;

/** @throws ModelError; nothing is left allocated then */
export async function loadModel(gpu: Gpu, source: TensorSource, options: LoadOptions): Promise<LoadedModel> {
  const { weightFormat, budgetBytes, signal } = options;
  throwIfCancelled(signal);
  const layout = layOut(source, weightFormat);
  checkLimits(source, layout, gpu.limits);
  checkBudget(source, layout, weightFormat, budgetBytes);
  const loading = new Loading(gpu, source, layout, options);
  try {
    await loading.allocate();
    await loading.fill();
    return { config: source.config, weights: loading.weights(), weightFormat };
  } catch (error) {
    loading.free();
    throw error;
  }
}

/** One stretch of work: a tensor of the source, and where it goes. */
interface Job {
  readonly tensor: SourceTensor;
  run(): Promise<void>;
}

class Loading {
  readonly #gpu: Gpu;
  readonly #source: TensorSource;
  readonly #layout: ModelLayout;
  readonly #options: LoadOptions;
  readonly #buffers: GPUBuffer[] = [];
  readonly #matrices = new Map<MatrixLayout, LinearWeight>();
  readonly #vectors = new Map<VectorLayout, GPUBuffer>();
  #loadedBytes = 0;
  #inFlightBytes = 0;
  #lost = false;

  constructor(gpu: Gpu, source: TensorSource, layout: ModelLayout, options: LoadOptions) {
    this.#gpu = gpu;
    this.#source = source;
    this.#layout = layout;
    this.#options = options;
    void gpu.device.lost.then(() => (this.#lost = true));
  }

  async allocate(): Promise<void> {
    for (const vector of this.#layout.vectors.values()) await this.#vector(vector);
    for (const matrix of this.#layout.matrices.values()) {
      const { name, format, rows, columns, paddedColumns, codeBytes, scaleBytes } = matrix;
      const codes = await this.#buffer(`${name}.codes`, codeBytes);
      const scales = scaleBytes === 0 ? null : await this.#buffer(`${name}.scales`, scaleBytes);
      const bias = matrix.bias ? await this.#vector(matrix.bias) : null;
      this.#matrices.set(matrix, { format, rows, columns, paddedColumns, codes, scales, bias });
    }
  }

  async #vector(vector: VectorLayout): Promise<GPUBuffer> {
    const buffer = await this.#buffer(vector.name, vector.length * 4);
    this.#vectors.set(vector, buffer);
    return buffer;
  }

  async #buffer(name: string, bytes: number): Promise<GPUBuffer> {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    try {
      const buffer = await this.#gpu.buffers.tryCreate(`Weights.${name}`, bytes, usage);
      this.#buffers.push(buffer);
      return buffer;
    } catch (error) {
      if (!(error instanceof GpuOutOfMemoryError)) throw error;
      const { name: model } = this.#source.config;
      throw new ModelError(
        'too-large',
        `The GPU has no room for the weights of ${model}: ${this.#layout.bytes} bytes are needed and it refused ${bytes} ` +
          `of them beside ${error.allocatedBytes}; choose a smaller weight format or a smaller model.`,
        { bytes: this.#layout.bytes },
      );
    }
  }

  /** Fills all buffers, reading each file from front to back. */
  async fill(): Promise<void> {
    const jobs = [...this.#matrixJobs(), ...this.#vectorJobs()];
    for (const job of jobs.sort((a, b) => a.tensor.order - b.tensor.order)) await job.run();
    await this.#settle();
    this.#checkAlive();
  }

  #matrixJobs(): Job[] {
    return [...this.#matrices].flatMap(([matrix, weight]) =>
      matrix.pieces.map((piece) => ({
        tensor: piece.tensor,
        run: () =>
          piece.transposed ? this.#turnedPiece(matrix, weight, piece) : this.#piece(matrix, weight, piece),
      })),
    );
  }

  #vectorJobs(): Job[] {
    return [...this.#vectors].flatMap(([vector, buffer]) =>
      vector.pieces.map(({ tensor, first, length }) => ({
        tensor,
        run: async () => {
          const values = await tensor.readRows(0, length, this.#options.signal);
          checkValues(tensor, values, 0, false);
          await this.#upload(buffer, first * 4, new Uint32Array(values.slice().buffer));
          await this.#read(tensor, tensorBytes(tensor));
        },
      })),
    );
  }

  async #piece(
    matrix: MatrixLayout,
    weight: LinearWeight,
    { tensor, firstRow, rows }: MatrixPiece,
  ): Promise<void> {
    const { signal } = this.#options;
    const columns = matrix.sourceColumns;
    const chunk = this.#chunkRows(columns);
    const direct = directRows(matrix, tensor);
    for (let from = 0; from < rows; from += chunk) {
      const to = Math.min(rows, from + chunk);
      if (direct) {
        const words = direct(tensor, await tensor.readBytes(from, to, signal), from * columns);
        await this.#uploadRows(matrix, weight, firstRow + from, words);
      } else {
        const values = await tensor.readRows(from, to, signal);
        checkValues(tensor, values, from * columns, matrix.format === 'f16');
        await this.#uploadRows(matrix, weight, firstRow + from, packRows(matrix, values, to - from));
      }
      await this.#read(tensor, (tensorBytes(tensor) * (to - from)) / rows);
    }
  }

  /** A piece stored [columns][rows]. */
  async #turnedPiece(matrix: MatrixLayout, weight: LinearWeight, piece: MatrixPiece): Promise<void> {
    const { tensor, firstRow, rows } = piece;
    const columns = matrix.sourceColumns;
    const stored = new Float32Array(columns * rows);
    const chunk = this.#chunkRows(rows);
    for (let from = 0; from < columns; from += chunk) {
      const to = Math.min(columns, from + chunk);
      const values = await tensor.readRows(from, to, this.#options.signal);
      checkValues(tensor, values, from * rows, matrix.format === 'f16');
      stored.set(values, from * rows);
      await this.#read(tensor, (tensorBytes(tensor) * (to - from)) / columns);
    }
    const turned = transpose(stored, columns, rows);
    const step = this.#chunkRows(columns);
    for (let from = 0; from < rows; from += step) {
      const to = Math.min(rows, from + step);
      const words = packRows(matrix, turned.subarray(from * columns, to * columns), to - from);
      await this.#uploadRows(matrix, weight, firstRow + from, words);
    }
  }

  #chunkRows(columns: number): number {
    return Math.max(1, Math.floor((this.#options.chunkBytes ?? CHUNK_BYTES) / (4 * columns)));
  }

  async #uploadRows(matrix: MatrixLayout, weight: LinearWeight, row: number, words: RowWords): Promise<void> {
    await this.#upload(weight.codes, (row * matrix.codeBytes) / matrix.rows, words.codes);
    if (weight.scales && words.scales) {
      await this.#upload(weight.scales, (row * matrix.scaleBytes) / matrix.rows, words.scales);
    }
  }

  async #upload(
    buffer: GPUBuffer,
    offsetBytes: number,
    data: Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>,
  ) {
    this.#gpu.device.queue.writeBuffer(buffer, offsetBytes, data);
    this.#inFlightBytes += data.byteLength;
    if (this.#inFlightBytes >= IN_FLIGHT_BYTES) await this.#settle();
  }

  async #settle(): Promise<void> {
    await Promise.race([this.#gpu.device.queue.onSubmittedWorkDone(), this.#gpu.device.lost]);
    this.#inFlightBytes = 0;
  }

  async #read(tensor: SourceTensor, bytes: number): Promise<void> {
    this.#loadedBytes += bytes;
    const totalBytes = this.#layout.sourceBytes;
    this.#options.onProgress?.({ loadedBytes: this.#loadedBytes, totalBytes, tensor: tensor.name });
    throwIfCancelled(this.#options.signal);
    this.#checkAlive();
  }

  #checkAlive(): void {
    if (!this.#lost) return;
    throw new ModelError(
      'device-lost',
      'The GPU was lost while the weights were loaded; load the model again.',
    );
  }

  free(): void {
    this.#gpu.buffers.destroy(...this.#buffers);
    this.#buffers.length = 0;
  }

  weights(): ModelWeights {
    const { plan, sharedHead } = this.#layout;
    const embedding = this.#weightOf(plan.embedding);
    return {
      embedding,
      positions: plan.positions ? this.#weightOf(plan.positions).codes : null,
      layers: this.#layers(plan),
      finalNorm: this.#normOf(plan.finalNorm),
      head: sharedHead ? embedding : this.#weightOf(plan.head),
      bytes: this.#buffers.reduce((sum, { size }) => sum + size, 0),
      destroy: () => this.free(),
    };
  }

  #layers(plan: ModelPlan): LayerWeights[] {
    return plan.layers.map((layer) => ({
      attentionNorm: this.#normOf(layer.attentionNorm),
      qkv: this.#weightOf(layer.qkv),
      queryNorm: layer.queryNorm ? this.#vectorOf(layer.queryNorm) : null,
      keyNorm: layer.keyNorm ? this.#vectorOf(layer.keyNorm) : null,
      output: this.#weightOf(layer.output),
      mlpNorm: layer.mlpNorm ? this.#normOf(layer.mlpNorm) : null,
      up: this.#weightOf(layer.up),
      down: this.#weightOf(layer.down),
    }));
  }

  #normOf({ weight, bias }: NormPlan): NormWeight {
    return { weight: this.#vectorOf(weight), bias: bias ? this.#vectorOf(bias) : null };
  }

  #weightOf(plan: MatrixPlan): LinearWeight {
    const layout = this.#layout.matrices.get(plan);
    const weight = layout && this.#matrices.get(layout);
    if (!weight) throw new Error(`${plan.name} was never allocated.`);
    return weight;
  }

  #vectorOf(plan: VectorPlan): GPUBuffer {
    const layout = this.#layout.vectors.get(plan);
    const buffer = layout && this.#vectors.get(layout);
    if (!buffer) throw new Error(`${plan.name} was never allocated.`);
    return buffer;
  }
}
