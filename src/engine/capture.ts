/**
 * Looks into a step: copies each layer's attention outputs (and the probabilities of its decodes) aside, to be read when
 * the step is done. Slow, and there only when somebody asked for it.
 */
import type { EngineHooks } from './engine-types.ts';
import type { ForwardParts } from './forward.ts';
import type { Passes } from './passes.ts';
import { contextBound } from './context-bound.ts';
import type { StepBatch, StepMember } from './step-batch.ts';
import { cacheHeadDim } from './weights-types.ts';

export interface Capture {
  /** Decodes write their probabilities. */
  readonly wantsWeights: boolean;
  /** f32 [batch][queryHeads][bound of the contexts]; undefined unless wanted. */
  readonly weights: GPUBuffer | undefined;
  copy(passes: Passes, layer: number, batch: StepBatch): void;
  /** Reads what the step left behind and tells it. To be called before the next step is encoded. */
  tell(batch: StepBatch): Promise<void>;
  destroy(): void;
}

/** null where nobody looks. */
export function createCapture(parts: ForwardParts): Capture | null {
  const { capture } = parts.hooks;
  return capture ? new StepCapture(parts, capture) : null;
}

class StepCapture implements Capture {
  readonly wantsWeights: boolean;
  readonly weights: GPUBuffer | undefined;
  readonly #parts: ForwardParts;
  readonly #listener: NonNullable<EngineHooks['capture']>;
  /** Floats of one row of attention. */
  readonly #width: number;
  readonly #heads: number;
  readonly #outputs: GPUBuffer;
  readonly #weightCopies: GPUBuffer | undefined;

  constructor(parts: ForwardParts, listener: NonNullable<EngineHooks['capture']>) {
    const { gpu, limits, model, settings } = parts;
    const { config } = model;
    this.#parts = parts;
    this.#listener = listener;
    this.wantsWeights = listener.attention;
    this.#heads = config.queryHeads;
    this.#width = config.queryHeads * cacheHeadDim(config);
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
    const buffer = (name: string, words: number) =>
      gpu.buffers.create(`Capture.${name}`, words * 4, STORAGE | COPY_SRC | COPY_DST);
    this.#outputs = buffer('outputs', config.layers * limits.maxTokens * this.#width);
    const weightWords = limits.maxSequences * config.queryHeads * limits.tableStride * settings.blockSize;
    this.weights = listener.attention ? buffer('weights', weightWords) : undefined;
    this.#weightCopies = listener.attention ? buffer('weightCopies', config.layers * weightWords) : undefined;
  }

  copy(passes: Passes, layer: number, batch: StepBatch): void {
    const { buffers, limits } = this.#parts;
    passes.between((encoder) => {
      const rowBytes = this.#width * 4;
      const at = layer * limits.maxTokens * rowBytes;
      encoder.copyBufferToBuffer(buffers.attention, 0, this.#outputs, at, batch.tokens * rowBytes);
      if (this.weights && this.#weightCopies && batch.decodes > 0) {
        const { size } = this.weights;
        encoder.copyBufferToBuffer(this.weights, 0, this.#weightCopies, layer * size, size);
      }
    });
  }

  async tell(batch: StepBatch): Promise<void> {
    const { gpu, limits, model } = this.#parts;
    const weightStride = contextBound(batch.maxDecodeContext);
    const outputs = new Float32Array(await gpu.buffers.read(this.#outputs));
    const weights = this.#weightCopies ? new Float32Array(await gpu.buffers.read(this.#weightCopies)) : null;
    for (let layer = 0; layer < model.config.layers; layer++) {
      const rows = outputs.subarray(layer * limits.maxTokens * this.#width);
      for (const member of batch.members) this.#tellMember(layer, member, rows, weights, batch, weightStride);
    }
  }

  #tellMember(
    layer: number,
    { sequence, firstRow, tokens, position, context }: StepMember,
    rows: Float32Array,
    weights: Float32Array | null,
    batch: StepBatch,
    stride: number,
  ): void {
    for (let i = 0; i < tokens; i++) {
      const row = firstRow + i;
      const seen =
        weights && row < batch.decodes ? this.#weightsOf(weights, layer, row, context, stride) : null;
      this.#listener.onAttention({
        layer,
        request: sequence.row,
        position: position + i,
        output: rows.subarray(row * this.#width, (row + 1) * this.#width),
        ...(seen && { weights: seen }),
      });
    }
  }

  /** Rows of `stride` floats, cut to the tokens that are there: [queryHeads][context]. */
  #weightsOf(
    weights: Float32Array,
    layer: number,
    row: number,
    context: number,
    stride: number,
  ): Float32Array {
    const layerWords = (this.weights?.size ?? 0) / 4;
    const cut = new Float32Array(this.#heads * context);
    for (let head = 0; head < this.#heads; head++) {
      const from = layer * layerWords + (row * this.#heads + head) * stride;
      cut.set(weights.subarray(from, from + context), head * context);
    }
    return cut;
  }

  destroy(): void {
    const { buffers } = this.#parts.gpu;
    buffers.destroy(this.#outputs);
    if (this.weights) buffers.destroy(this.weights);
    if (this.#weightCopies) buffers.destroy(this.#weightCopies);
  }
}
