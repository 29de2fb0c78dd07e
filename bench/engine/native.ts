/** The engine's bench in Node, on the Dawn binding that the variable DAWN names; and its models for the browser's. */
import { openGpu } from '../../src/gpu/context.ts';
import { openDawn } from '../dawn.ts';
import { benchModels } from './files.ts';
import { engineMarkdown, type EngineBench } from './report.ts';
import { runEngineSuite } from './suite.ts';

export interface EngineRequest {
  readonly rounds: number;
  readonly date: string;
  readonly large: boolean;
  /** Of the repository. */
  readonly root: string;
}

export async function kvlabEngineBench(
  request: EngineRequest,
): Promise<{ result: EngineBench; markdown: string }> {
  const adapter = await openDawn().requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('The Dawn binding offers no WebGPU adapter.');
  const gpu = await openGpu(adapter);
  const result = await runEngineSuite(gpu, {
    ...(await benchModels(request.root)),
    rounds: request.rounds,
    large: request.large,
    date: request.date,
    runtime: `Dawn in Node ${process.version}`,
    say: (text) => process.stderr.write(`${text}\n`),
  });
  gpu.device.destroy();
  return { result, markdown: engineMarkdown(result) };
}

/** The models as a page can be given them. */
export async function modelsForPage(root: string) {
  const { models, skipped } = await benchModels(root);
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  return {
    skipped,
    models: models.map(({ name, files }) => ({
      name,
      files: Object.fromEntries(Object.entries(files).map(([file, bytes]) => [file, base64(bytes)])),
    })),
  };
}
