/** Launcher of shaders/embed.wgsl: token ids to rows of the residual stream. The twin is embed.twin.ts. */
import type { Gpu } from '../context.ts';
import { checkBytes, LaunchError, uniformWords, workgroupGrid } from './kernel.ts';
import { linearBytes, paddedColumnsOf, SCALE_COLUMNS, WEIGHT_BITS } from './linear-pack.ts';
import type { EmbedArgs, EmbedConfig, Kernel } from './transformer-config.ts';

const KERNEL = 'embed';
const THREADS = 64;

/** @throws LaunchError where `hidden` is no multiple of 4. */
export async function createEmbed(gpu: Gpu, config: EmbedConfig): Promise<Kernel<EmbedArgs>> {
  const { hidden, format, learnedPositions } = config;
  if (hidden % 4 !== 0) throw new LaunchError(KERNEL, `a hidden size of ${hidden} is no multiple of 4.`);
  const padded = paddedColumnsOf(format, hidden);
  const isScaled = format === 'int8' || format === 'int4';
  const pipeline = await gpu.pipelines.get({
    kernel: KERNEL,
    constants: {
      FORMAT: format,
      SCALED: isScaled,
      LEARNED: learnedPositions,
      QUADS: hidden / 4,
      ROW_WORDS: (padded * WEIGHT_BITS[format]) / 32,
      SCALES: padded / SCALE_COLUMNS,
      THREADS,
    },
  });
  return {
    variant: `embed-${format}`,
    encode(pass, args) {
      const { table, tokens } = args;
      if (tokens === 0) return;
      check(config, args);
      const [x, y] = workgroupGrid(KERNEL, gpu, Math.ceil((tokens * hidden) / 4 / THREADS));
      const buffers = [
        gpu.bindings.uniform(uniformWords([tokens, table.rows])),
        args.ids,
        args.lastTokens,
        table.codes,
        args.output,
        isScaled ? table.scales : null,
        learnedPositions ? args.positions : null,
        learnedPositions ? (args.positionTable ?? null) : null,
      ];
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, gpu.bindings.group(pipeline, buffers));
      pass.dispatchWorkgroups(x, y);
    },
    destroy: () => undefined,
  };
}

function check({ hidden, format, learnedPositions }: EmbedConfig, args: EmbedArgs): void {
  const { table, tokens } = args;
  if (table.format !== format || table.columns !== hidden) {
    throw new LaunchError(
      KERNEL,
      `the table is ${table.format} with ${table.columns} columns, but this launcher was made for ${format} and ${hidden}.`,
    );
  }
  const bytes = linearBytes(format, table.rows, hidden);
  checkBytes(KERNEL, 'table', table.codes, bytes - (table.scales ? scaleBytes(table.rows, hidden) : 0));
  checkBytes(KERNEL, 'ids', args.ids, tokens * 4);
  checkBytes(KERNEL, 'output', args.output, tokens * hidden * 4);
  if (!learnedPositions) return;
  checkBytes(KERNEL, 'positions', args.positions, tokens * 4);
  if (!args.positionTable) throw new LaunchError(KERNEL, 'learned positions need positionTable.');
}

function scaleBytes(rows: number, hidden: number): number {
  return (rows * paddedColumnsOf('int8', hidden) * 4) / SCALE_COLUMNS;
}
