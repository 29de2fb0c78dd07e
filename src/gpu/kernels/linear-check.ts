/** What must hold of a linear layer and of each of its launches. */
import type { LinearArgs, LinearConfig } from './linear-config.ts';
import { checkBytes, LaunchError } from './kernel.ts';
import { linearBytes, paddedColumnsOf, SCALE_COLUMNS } from './linear-pack.ts';

const KERNEL = 'linear';

/** @throws LaunchError */
export function checkConfig({ rows, columns, epilogue }: LinearConfig): void {
  if (columns % 4 !== 0) {
    throw new LaunchError(
      KERNEL,
      `${columns} columns are no multiple of 4; pad them to ${Math.ceil(columns / 4) * 4}.`,
    );
  }
  if (epilogue.endsWith('-gated') && rows % 2 !== 0) {
    throw new LaunchError(KERNEL, `${rows} rows are no gate and up projection of the same size.`);
  }
}

/** @throws LaunchError where a buffer is missing, of another layer, or too small. */
export function checkArgs(config: LinearConfig, args: LinearArgs): void {
  const { format, rows, columns } = config;
  const { weight, tokens } = args;
  if (weight.format !== format || weight.rows !== rows || weight.columns !== columns) {
    throw new LaunchError(
      KERNEL,
      `the weight is ${weight.format} ${weight.rows} × ${weight.columns}, but this launcher was made for ` +
        `${format} ${rows} × ${columns}.`,
    );
  }
  const padded = paddedColumnsOf(format, columns);
  if (weight.paddedColumns !== padded) {
    throw new LaunchError(KERNEL, `rows are padded to ${weight.paddedColumns} columns instead of ${padded}.`);
  }
  if (tokens > config.maxTokens) {
    throw new LaunchError(KERNEL, `${tokens} tokens exceed the ${config.maxTokens} that it was made for.`);
  }
  checkWeight(config, args, padded);
  checkActivations(config, args);
}

function checkWeight(config: LinearConfig, { weight }: LinearArgs, padded: number): void {
  const { format, rows, columns } = config;
  const isScaled = format === 'int8' || format === 'int4';
  const scaleBytes = isScaled ? (rows * padded * 4) / SCALE_COLUMNS : 0;
  checkBytes(KERNEL, 'codes', weight.codes, linearBytes(format, rows, columns) - scaleBytes);
  checkNeeded('scales', isScaled, weight.scales, scaleBytes);
  checkNeeded('bias', config.hasBias, weight.bias, rows * 4);
}

function checkActivations(config: LinearConfig, args: LinearArgs): void {
  const { columns, norm, epilogue } = config;
  const outputs = epilogue.endsWith('-gated') ? config.rows / 2 : config.rows;
  const { tokens, inputRows } = args;
  // With a gather the host does not know which row is the last.
  checkBytes(KERNEL, 'input', args.input, (inputRows ? 1 : tokens) * columns * 4);
  if (inputRows) checkBytes(KERNEL, 'inputRows', inputRows, tokens * 4);
  checkBytes(KERNEL, 'output', args.output, tokens * outputs * 4);
  checkNeeded('normWeight', norm !== 'none', args.normWeight, columns * 4);
  checkNeeded('normBias', norm === 'layer', args.normBias, columns * 4);
  checkNeeded('residual', epilogue === 'add', args.residual, tokens * outputs * 4);
  if (epilogue === 'add' && args.residual === args.output) {
    throw new LaunchError(KERNEL, 'residual and output are one buffer, which WebGPU forbids; use two.');
  }
}

function checkNeeded(
  name: string,
  isNeeded: boolean,
  buffer: GPUBuffer | null | undefined,
  bytes: number,
): void {
  if (!isNeeded) return;
  if (!buffer) throw new LaunchError(KERNEL, `this layer needs ${name}, which is missing.`);
  checkBytes(KERNEL, name, buffer, bytes);
}
