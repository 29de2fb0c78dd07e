/** Launcher of shaders/sample.wgsl: one token id of each row of logits. The twin is sample.twin.ts. */
import type { Gpu } from '../context.ts';
import { checkBytes, LaunchError, uniformWords } from './kernel.ts';
import type { Kernel, SampleArgs, SampleConfig } from './transformer-config.ts';

const KERNEL = 'sample';

/** u32 words of one row of `SampleArgs.settings`. */
export const SETTING_WORDS = 8;

export interface SampleSettings {
  /** 0: the highest logit. */
  readonly temperature: number;
  /** 1: all. */
  readonly topP: number;
  /** 0: all. */
  readonly topK: number;
  readonly seed: number;
  readonly position: number;
  readonly slot: number;
}

/** Writes row `row` of the settings. */
export function writeSettings(words: Uint32Array, row: number, settings: SampleSettings): void {
  const floats = new Float32Array(words.buffer, words.byteOffset, words.length);
  const at = row * SETTING_WORDS;
  floats[at] = settings.temperature;
  floats[at + 1] = settings.topP;
  words.set([settings.topK, settings.seed, settings.position, settings.slot, 0, 0], at + 2);
}

export async function createSample(gpu: Gpu, config: SampleConfig): Promise<Kernel<SampleArgs>> {
  const { vocab, maxRows } = config;
  // A CPU adapter pays for every barrier of every subgroup; a GPU wants threads to hide its latency.
  const threads = gpu.isFallback ? 16 : Math.min(256, gpu.limits.maxComputeInvocationsPerWorkgroup);
  if (maxRows > gpu.limits.maxComputeWorkgroupsPerDimension) {
    throw new LaunchError(
      KERNEL,
      `${maxRows} rows exceed the ${gpu.limits.maxComputeWorkgroupsPerDimension} workgroups of one dispatch.`,
    );
  }
  const pipeline = await gpu.pipelines.get({ kernel: KERNEL, constants: { THREADS: threads } });
  return {
    variant: `sample-${threads}`,
    encode(pass, { logits, settings, lastTokens, output, rows }) {
      if (rows === 0) return;
      if (rows > maxRows)
        throw new LaunchError(KERNEL, `${rows} rows exceed the ${maxRows} it was made for.`);
      checkBytes(KERNEL, 'logits', logits, rows * vocab * 4);
      checkBytes(KERNEL, 'settings', settings, rows * SETTING_WORDS * 4);
      checkBytes(KERNEL, 'output', output, rows * 4);
      const params = gpu.bindings.uniform(uniformWords([vocab]));
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, gpu.bindings.group(pipeline, [params, logits, settings, lastTokens, output]));
      pass.dispatchWorkgroups(rows);
    },
    destroy: () => undefined,
  };
}
