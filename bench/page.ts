/** The bench in a browser: scripts/bench.mjs opens this page and calls `kvlabBench`. */
import { openGpu } from '../src/gpu/context.ts';
import { runPeers } from './peers.ts';
import { markdown, type BenchResult } from './report.ts';
import { runSuite } from './suite.ts';

export interface BenchRequest {
  readonly full: boolean;
  readonly only: string;
  readonly rounds: number;
  readonly peerRounds: number;
  readonly runtime: string;
  readonly date: string;
}

async function kvlabBench(request: BenchRequest): Promise<{ result: BenchResult; markdown: string }> {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('This browser offers no WebGPU adapter.');
  const gpu = await openGpu(adapter);
  const result = await runSuite(gpu, {
    ...request,
    runPeers: (...args) => runPeers(...args, request.peerRounds),
    say: (text) => console.log(text),
  });
  return { result, markdown: markdown(result) };
}

Object.assign(globalThis, { kvlabBench });
