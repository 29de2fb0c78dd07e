/** A WebGPU in Node: the Dawn binding that the variable DAWN names, such as the `dawn.node` of the package webgpu. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { CommandError } from './errors.ts';

interface Dawn {
  /** GPUBufferUsage and the other constants. */
  readonly globals: object;
  create(options: readonly string[]): GPU;
}

/** The GPU's clock as it is, not in the steps that protect a browser's users. */
const OPTIONS = ['disable-dawn-features=timestamp_quantization'];

/** @throws CommandError when DAWN names nothing usable */
export function openDawn(): GPU {
  const path = process.env['DAWN'];
  if (!path) {
    throw new CommandError(
      'no-dawn',
      '--native needs the variable DAWN, naming a Dawn binding for Node: npm install webgpu, then its dawn.node.',
    );
  }
  let dawn: Dawn;
  try {
    dawn = createRequire(pathToFileURL(`${process.cwd()}/`))(path) as Dawn;
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new CommandError('no-dawn', `DAWN names ${path}, which can't be loaded (${reason}).`);
  }
  Object.assign(globalThis, dawn.globals);
  return dawn.create(OPTIONS);
}
