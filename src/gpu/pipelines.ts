/** Compute pipelines, compiled asynchronously and cached by their final source and constants. */
import { KERNEL_SOURCES, SHADER_LIBRARY } from './library.ts';
import { expandShader, type ShaderConstants } from './shader.ts';

/** A shader that did not compile: a mistake of ours, shown with its line. */
export class ShaderError extends Error {
  readonly code = 'shader';
  constructor(kernel: string, details: string) {
    super(`The kernel ${kernel} does not compile on this device.\n${details}`);
    this.name = 'ShaderError';
  }
}

export interface PipelineRequest {
  /** File in shaders/, without .wgsl. */
  readonly kernel: string;
  /** For the template. */
  readonly constants?: ShaderConstants;
  /** WGSL `override` values. */
  readonly overrides?: Readonly<Record<string, number>>;
  readonly entryPoint?: string;
}

export class Pipelines {
  #device: GPUDevice;
  #cache = new Map<string, Promise<GPUComputePipeline>>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** @throws ShaderError with message, line:column and the source line. */
  get(request: PipelineRequest): Promise<GPUComputePipeline> {
    const source = KERNEL_SOURCES[request.kernel];
    if (source === undefined) throw new Error(`There is no shaders/${request.kernel}.wgsl.`);
    const code = expandShader(source, request.constants ?? {}, SHADER_LIBRARY);
    const key = JSON.stringify([code, request.overrides ?? {}, request.entryPoint ?? 'main']);
    let pipeline = this.#cache.get(key);
    if (!pipeline) {
      pipeline = this.#compile(request, code);
      this.#cache.set(key, pipeline);
      // A failed compilation (a lost device, say) is not remembered.
      pipeline.catch(() => this.#cache.delete(key));
    }
    return pipeline;
  }

  async #compile(request: PipelineRequest, code: string): Promise<GPUComputePipeline> {
    const label = `Pipelines.${request.kernel}`;
    const module = this.#device.createShaderModule({ label, code });
    const { messages } = await module.getCompilationInfo();
    const errors = messages.filter((message) => message.type === 'error');
    if (errors.length > 0) throw new ShaderError(request.kernel, describe(errors, code));
    try {
      return await this.#device.createComputePipelineAsync({
        label,
        layout: 'auto',
        compute: { module, entryPoint: request.entryPoint ?? 'main', constants: { ...request.overrides } },
      });
    } catch (error) {
      throw new ShaderError(request.kernel, error instanceof Error ? error.message : String(error));
    }
  }
}

function describe(messages: readonly GPUCompilationMessage[], code: string): string {
  const lines = code.split('\n');
  return messages
    .slice(0, 5)
    .map(
      ({ lineNum, linePos, message }) => `${lineNum}:${linePos} ${message}\n    ${lines[lineNum - 1] ?? ''}`,
    )
    .join('\n');
}
