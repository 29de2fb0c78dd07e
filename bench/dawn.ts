/** The Dawn binding for Node that the variable DAWN names, opened once for the life of the process. */
import { createRequire } from 'node:module';

interface Dawn {
  readonly globals: object;
  create(flags: string[]): GPU;
}

/** The instance must outlive its devices; without this reference the collector may take it. */
let instance: GPU | null = null;

/** @throws Error in words without a binding */
export function openDawn(): GPU {
  if (instance) return instance;
  const path = process.env['DAWN'];
  if (!path)
    throw new Error('--native needs the variable DAWN, naming a Dawn binding for Node (npm install webgpu).');
  const dawn = createRequire(import.meta.url)(path) as Dawn;
  Object.assign(globalThis, dawn.globals);
  instance = dawn.create([]);
  return instance;
}
