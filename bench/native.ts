/** The bench in Node, on the Dawn binding that the variable DAWN names. */
import { openGpu } from '../src/gpu/context.ts';
import { openDawn } from './dawn.ts';
import { markdown, type BenchResult } from './report.ts';
import { runSuite } from './suite.ts';

export interface NativeRequest {
  readonly full: boolean;
  readonly only: string;
  readonly rounds: number;
  readonly date: string;
}

export async function kvlabBench(request: NativeRequest): Promise<{ result: BenchResult; markdown: string }> {
  const adapter = await openDawn().requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('The Dawn binding offers no WebGPU adapter.');
  const result = await runSuite(await openGpu(adapter), {
    ...request,
    runtime: `Dawn in Node ${process.version}`,
    runPeers: null,
    say: (text) => process.stderr.write(`${text}\n`),
  });
  return { result, markdown: markdown(result) };
}
