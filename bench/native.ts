/** The bench in Node, on the Dawn binding that the variable DAWN names. */
import { createRequire } from 'node:module';
import { openGpu } from '../src/gpu/context.ts';
import { markdown, type BenchResult } from './report.ts';
import { runSuite } from './suite.ts';

export interface NativeRequest {
  readonly full: boolean;
  readonly only: string;
  readonly rounds: number;
  readonly date: string;
}

interface Dawn {
  readonly globals: object;
  create(flags: string[]): GPU;
}

export async function kvlabBench(request: NativeRequest): Promise<{ result: BenchResult; markdown: string }> {
  const path = process.env['DAWN'];
  if (!path)
    throw new Error('--native needs the variable DAWN, naming a Dawn binding for Node (npm install webgpu).');
  const dawn = createRequire(import.meta.url)(path) as Dawn;
  Object.assign(globalThis, dawn.globals);
  // The instance must outlive its devices; without this reference the collector may take it.
  const instance = dawn.create([]);
  Object.assign(globalThis, { kvlabDawn: instance });
  const adapter = await instance.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('The Dawn binding offers no WebGPU adapter.');
  const result = await runSuite(await openGpu(adapter), {
    ...request,
    runtime: `Dawn in Node ${process.version}`,
    runPeers: null,
    say: (text) => process.stderr.write(`${text}\n`),
  });
  return { result, markdown: markdown(result) };
}
