/** The engine's bench in a browser: scripts/bench.mjs opens this page and calls `kvlabEngineBench`. */
import { openGpu } from '../../src/gpu/context.ts';
import { engineMarkdown, type EngineBench } from './report.ts';
import { runEngineSuite } from './suite.ts';

interface Asked {
  readonly rounds: number;
  readonly large: boolean;
  readonly date: string;
  readonly runtime: string;
  readonly skipped: readonly string[];
  /** Contents of each file in base64. */
  readonly models: readonly { readonly name: string; readonly files: Readonly<Record<string, string>> }[];
}

async function kvlabEngineBench(asked: Asked): Promise<{ result: EngineBench; markdown: string }> {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('This browser offers no WebGPU adapter.');
  const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const models = asked.models.map(({ name, files }) => ({
    name,
    files: Object.fromEntries(Object.entries(files).map(([file, base64]) => [file, bytesOf(base64)])),
  }));
  const result = await runEngineSuite(await openGpu(adapter), {
    ...asked,
    models,
    say: (text) => console.log(text),
  });
  return { result, markdown: engineMarkdown(result) };
}

Object.assign(globalThis, { kvlabEngineBench });
