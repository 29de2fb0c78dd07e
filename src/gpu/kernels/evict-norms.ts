/**
 * Launchers of the scores that need no attention: key norms and value/key ratios of tokens, and the means of blocks.
 * The twins are `knormScores`, `valueKeyScores` and `blockMeans` (src/core/eviction).
 */
import { kvLayout, type KvFormat, type KvShape } from '../../core/kv/formats.ts';
import type { Gpu } from '../context.ts';
import { checkBytes, LaunchError, uniformWords } from './kernel.ts';
import { checkRing, kvRowConstants, ringBuffers, type RingArgs } from './prefill-constants.ts';

export interface NormScoreConfig extends KvShape {
  readonly format: KvFormat;
  readonly score: 'key-norm' | 'value-key-ratio';
  /** Newest tokens that int2 keeps in f16. */
  readonly residualTokens?: number;
}

export interface NormScoreArgs extends RingArgs {
  readonly pool: GPUBuffer;
  /** u32 [batch][tableHeads][tableStride] */
  readonly blockTable: GPUBuffer;
  /** u32 [batch][tableHeads] */
  readonly contextLengths: GPUBuffer;
  /** f32 [batch][kvHeads][scoreStride] */
  readonly scores: GPUBuffer;
  readonly batch: number;
  readonly maxContextTokens: number;
  readonly tableStride: number;
  readonly tableHeads?: number;
  readonly scoreStride: number;
}

export interface NormScores {
  /** @throws LaunchError where a buffer or a row is too small. */
  encode(pass: GPUComputePassEncoder, args: NormScoreArgs): void;
}

const KERNEL = 'evict_norms';
const TOKENS_PER_GROUP = 8;

export async function createNormScores(gpu: Gpu, config: NormScoreConfig): Promise<NormScores> {
  const layout = kvLayout(config.format, config);
  checkRing(KERNEL, layout, config.residualTokens);
  const constants = {
    ...kvRowConstants(layout, config.residualTokens),
    VALUES: config.score === 'value-key-ratio',
  };
  const pipeline = await gpu.pipelines.get({ kernel: KERNEL, constants });
  return {
    encode(pass, args) {
      const { batch, tableStride, tableHeads = 1, scoreStride, maxContextTokens } = args;
      if (batch === 0 || maxContextTokens === 0) return;
      if (maxContextTokens > scoreStride) {
        throw new LaunchError(KERNEL, `${maxContextTokens} tokens do not fit rows of ${scoreStride} scores.`);
      }
      checkBytes(KERNEL, 'blockTable', args.blockTable, batch * tableHeads * tableStride * 4);
      checkBytes(KERNEL, 'contextLengths', args.contextLengths, batch * tableHeads * 4);
      checkBytes(KERNEL, 'scores', args.scores, batch * config.kvHeads * scoreStride * 4);
      const params = gpu.bindings.uniform(uniformWords([tableStride, tableHeads, scoreStride]));
      const ring = ringBuffers(KERNEL, layout, args);
      const buffers = [params, args.pool, args.blockTable, args.contextLengths, args.scores, ...ring];
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, gpu.bindings.group(pipeline, buffers));
      pass.dispatchWorkgroups(Math.ceil(maxContextTokens / TOKENS_PER_GROUP), config.kvHeads, batch);
    },
  };
}

export interface PageMeanArgs {
  /** f32 [batch][tokenHeads][tokenStride] */
  readonly tokenScores: GPUBuffer;
  /** u32 [batch] */
  readonly contextLengths: GPUBuffer;
  /** f32 [batch][pageHeads][pageStride] */
  readonly pageScores: GPUBuffer;
  readonly batch: number;
  readonly tokenHeads: number;
  /** 1: the mean over heads as well, for a table that they share; tokenHeads: each for itself. */
  readonly pageHeads: number;
  readonly tokenStride: number;
  readonly pageStride: number;
  readonly blockSize: number;
  readonly maxContextTokens: number;
}

export interface PageMeans {
  encode(pass: GPUComputePassEncoder, args: PageMeanArgs): void;
}

export async function createPageMeans(gpu: Gpu): Promise<PageMeans> {
  const kernel = 'evict_pages';
  const pipeline = await gpu.pipelines.get({ kernel });
  return {
    encode(pass, args) {
      const { batch, tokenHeads, pageHeads, tokenStride, pageStride, blockSize, maxContextTokens } = args;
      const pages = Math.ceil(maxContextTokens / blockSize);
      if (batch === 0 || pages === 0) return;
      if (pageHeads !== 1 && pageHeads !== tokenHeads) {
        throw new LaunchError(kernel, `pageHeads is ${pageHeads}; 1 or ${tokenHeads} is needed.`);
      }
      if (pages > pageStride)
        throw new LaunchError(kernel, `${pages} pages do not fit rows of ${pageStride}.`);
      checkBytes(kernel, 'tokenScores', args.tokenScores, batch * tokenHeads * tokenStride * 4);
      checkBytes(kernel, 'contextLengths', args.contextLengths, batch * 4);
      checkBytes(kernel, 'pageScores', args.pageScores, batch * pageHeads * pageStride * 4);
      const params = gpu.bindings.uniform(
        uniformWords([tokenHeads, pageHeads, tokenStride, pageStride, blockSize]),
      );
      const buffers = [params, args.tokenScores, args.contextLengths, args.pageScores];
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, gpu.bindings.group(pipeline, buffers));
      pass.dispatchWorkgroups(Math.ceil(pages / 64), batch * pageHeads);
    },
  };
}
