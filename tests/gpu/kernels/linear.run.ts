/** Runs linear layers on the GPU and in their twin, on inputs with outliers. */
import { createRandom, type Random } from '../../../src/core/random.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { createLinear, type LinearOptions } from '../../../src/gpu/kernels/linear.ts';
import type { LinearConfig, LinearWeight } from '../../../src/gpu/kernels/linear-config.ts';
import { packLinear, unpackLinear } from '../../../src/gpu/kernels/linear-pack.ts';
import { linearTwin } from '../../../src/gpu/kernels/linear.twin.ts';
import { inErrorScope } from '../../support/gpu.ts';

export type LinearShape = Omit<LinearConfig, 'epsilon' | 'maxTokens'>;

export interface LinearResult {
  readonly actual: Float32Array;
  readonly expected: Float64Array;
  readonly variant: string;
}

const UNTOUCHED = 12345;

/** The outputs of `tokens` tokens, and beyond them nothing may be written. */
export async function runLinear(
  gpu: Gpu,
  shape: LinearShape,
  tokens: number,
  gathered: boolean,
  options: LinearOptions = {},
): Promise<LinearResult> {
  const config = { ...shape, epsilon: 1e-5, maxTokens: tokens };
  const { format, rows, columns, norm, epilogue } = config;
  const random = createRandom(rows * 1000 + columns + tokens);
  const inputRows = gathered ? Uint32Array.from({ length: tokens }, () => random.below(tokens + 3)) : null;
  const outputs = epilogue.endsWith('-gated') ? rows / 2 : rows;
  const values = {
    input: draw(random, (tokens + 3) * columns, 1),
    bias: config.hasBias ? draw(random, rows, 0.5) : null,
    normWeight: norm === 'none' ? null : draw(random, columns, 1),
    normBias: norm === 'layer' ? draw(random, columns, 0.3) : null,
    residual: epilogue === 'add' ? draw(random, tokens * outputs, 1) : null,
  };
  const packed = packLinear(format, rows, columns, draw(random, rows * columns, 1 / Math.sqrt(columns)));
  const linear = await createLinear(gpu, config, options);
  const upload = <T extends ArrayBufferView>(name: string, data: T | null): GPUBuffer | null =>
    data && gpu.buffers.upload(`Test.${name}`, data);
  const weight: LinearWeight = {
    format,
    rows,
    columns,
    paddedColumns: packed.paddedColumns,
    codes: gpu.buffers.upload('Test.codes', packed.codes),
    scales: upload('scales', packed.scales),
    bias: upload('bias', values.bias),
  };
  const optional = {
    normWeight: upload('normWeight', values.normWeight),
    normBias: upload('normBias', values.normBias),
    residual: upload('residual', values.residual),
    inputRows: upload('inputRows', inputRows),
  };
  const input = gpu.buffers.upload('Test.input', values.input);
  const output = gpu.buffers.upload('Test.output', new Float32Array((tokens + 1) * outputs).fill(UNTOUCHED));
  const written = await inErrorScope(gpu, async () => {
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    linear.encode(pass, { input, weight, output, tokens, ...present(optional) });
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
    return new Float32Array(await gpu.buffers.read(output, 0, (tokens + 1) * outputs * 4));
  });
  const made = [input, output, weight.codes, weight.scales, weight.bias, ...Object.values(optional)];
  gpu.buffers.destroy(...made.filter((buffer) => buffer !== null));
  linear.destroy();
  if (written.slice(tokens * outputs, (tokens + 1) * outputs).some((x) => x !== UNTOUCHED))
    throw new Error('wrote beyond its tokens');
  const expected = linearTwin(config, {
    ...present(values),
    input: values.input,
    weight: unpackLinear(format, rows, columns, packed),
    tokens,
    ...(inputRows && { inputRows }),
  });
  return { actual: written.slice(0, tokens * outputs), expected, variant: linear.variant };
}

/** Largest |actual − expected| against the root mean square of what is expected. */
export function relativeError({ actual, expected }: LinearResult): number {
  const scale = Math.sqrt(expected.reduce((sum, x) => sum + x * x, 0) / expected.length);
  let most = 0;
  for (const [i, x] of expected.entries()) {
    const error = Math.abs((actual[i] ?? NaN) - x);
    most = error <= most ? most : error;
  }
  return most / scale;
}

/** Normal values around a tenth, every 61st of them twelve times as large. */
function draw(random: Random, length: number, scale: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => (random.normal() + 0.1) * scale * (i % 61 === 7 ? 12 : 1));
}

/** Without the entries that are null, whose keys optional properties may not have. */
function present<T extends Record<string, unknown>>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
