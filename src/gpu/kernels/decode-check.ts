/** What a decode launch checks before it dispatches; every refusal names both numbers. */
import { tokenGroup, type KvLayout } from '../../core/kv/formats.ts';
import type { Gpu } from '../context.ts';
import type { PagedDecodeArgs, PagedDecodeConfig } from './decode-config.ts';
import { checkBytes, LaunchError } from './kernel.ts';
import { canScatter, type DecodeTier, type DecodeTuning } from './tuning.ts';

const KERNEL = 'paged_decode';

/** @throws LaunchError */
export function checkConfig(
  gpu: Gpu,
  config: PagedDecodeConfig,
  tier: DecodeTier,
  tuning: DecodeTuning,
): void {
  const { queryHeads, kvHeads, format, residualTokens = 0, blockSize, emitScores } = config;
  if (queryHeads % kvHeads !== 0 || queryHeads / kvHeads > 8) {
    throw new LaunchError(
      KERNEL,
      `${queryHeads} query heads over ${kvHeads} KV heads; a group of 1 to 8 is needed.`,
    );
  }
  const group = tokenGroup(blockSize);
  if (format === 'int2' && (residualTokens <= 0 || residualTokens % group !== 0)) {
    throw new LaunchError(KERNEL, `residualTokens is ${residualTokens}; int2 needs a multiple of ${group}.`);
  }
  if (tier === 'subgroups' && tuning.lanes > gpu.features.subgroupMinSize) {
    throw new LaunchError(
      KERNEL,
      `${tuning.lanes} lanes a token; subgroups may have only ${gpu.features.subgroupMinSize}.`,
    );
  }
  if (tuning.scatter && !canScatter(tuning, queryHeads / kvHeads)) {
    const scores = (tuning.tokens * queryHeads) / kvHeads;
    throw new LaunchError(
      KERNEL,
      `${scores} scores an iteration can't be scattered over ${tuning.lanes} lanes.`,
    );
  }
  const buffers =
    5 + Number(config.layout === 'paged') + Number(emitScores === true) + 2 * Number(format === 'int2');
  if (buffers > gpu.limits.maxStorageBuffersPerShaderStage) {
    throw new LaunchError(
      KERNEL,
      `${buffers} storage buffers are needed and the device allows ${gpu.limits.maxStorageBuffersPerShaderStage}; ` +
        'leave the scores out or choose another format than int2.',
    );
  }
}

/** @throws LaunchError */
export function checkArgs(
  gpu: Gpu,
  config: PagedDecodeConfig,
  layout: KvLayout,
  args: PagedDecodeArgs,
): void {
  const { batch, tableHeads = 1, tableStride, maxContextTokens, windowTokens = 0 } = args;
  const { queryHeads, kvHeads, headDim, blockSize } = config;
  if (batch > config.maxBatch || maxContextTokens > config.maxContextTokens) {
    throw new LaunchError(
      KERNEL,
      `batch ${batch} of ${maxContextTokens} tokens; it was made for ${config.maxBatch} of ${config.maxContextTokens}.`,
    );
  }
  if (batch > gpu.limits.maxComputeWorkgroupsPerDimension) {
    throw new LaunchError(
      KERNEL,
      `batch ${batch}; the device runs ${gpu.limits.maxComputeWorkgroupsPerDimension}.`,
    );
  }
  if (tableHeads !== 1 && tableHeads !== kvHeads) {
    throw new LaunchError(KERNEL, `tableHeads is ${tableHeads}; 1 or ${kvHeads} is needed.`);
  }
  if (windowTokens > 0 && !config.windowed) {
    throw new LaunchError(KERNEL, `windowTokens is ${windowTokens}, but it was made without \`windowed\`.`);
  }
  if (maxContextTokens > tableStride * blockSize) {
    throw new LaunchError(
      KERNEL,
      `${maxContextTokens} tokens; ${tableStride} blocks of ${blockSize} hold fewer.`,
    );
  }
  const rows = batch * queryHeads;
  checkBytes(KERNEL, 'query', args.query, rows * headDim * 4);
  checkBytes(KERNEL, 'output', args.output, rows * headDim * 4);
  checkBytes(KERNEL, 'contextLengths', args.contextLengths, batch * tableHeads * 4);
  checkBytes(KERNEL, 'pool', args.pool, layout.blockBytes);
  checkOptional(
    config.layout === 'paged',
    'blockTable',
    args.blockTable,
    batch * tableHeads * tableStride * 4,
  );
  checkOptional(config.emitScores === true, 'scores', args.scores, rows * maxContextTokens * 4);
  checkOptional(config.format === 'int2', 'residualSlots', args.residualSlots, batch * 4);
  const ringBytes = (config.residualTokens ?? 0) * kvHeads * headDim * 4;
  checkOptional(config.format === 'int2', 'residual', args.residual, ringBytes);
}

function checkOptional(needed: boolean, name: string, buffer: GPUBuffer | undefined, bytes: number): void {
  if (!needed) return;
  if (!buffer) throw new LaunchError(KERNEL, `${name} is missing; this variant needs ${bytes} bytes of it.`);
  checkBytes(KERNEL, name, buffer, bytes);
}
