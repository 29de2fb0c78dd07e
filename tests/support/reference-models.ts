/** The two trained models among the reference data, and what their float64 reference says of them. */
import { memorySource } from '../../src/engine/files/byte-source.ts';
import { openLlama2c } from '../../src/engine/weights/llama2c.ts';
import { openModelFolder, type ModelFolder } from '../../src/engine/weights/open.ts';
import type { TensorSource } from '../../src/engine/weights/tensor-source.ts';
import { referenceBytes, whyNoReferenceData } from '../reference-data.ts';

export interface GoldenModel {
  readonly prompt: readonly number[];
  /** Prompt and greedy continuation. */
  readonly greedy_tokens: readonly number[];
  readonly text: string;
  /** Logits after the first token (stories260K). */
  readonly logits_pos0?: readonly number[];
  readonly logits_pos10_first16?: readonly number[];
  /** Logits after the prompt (tinystories-656k). */
  readonly logits_last_prompt_pos_first32?: readonly number[];
}

export interface Golden {
  readonly stories260K: GoldenModel;
  readonly 'tinystories-656k': GoldenModel;
}

export const NO_REFERENCE_MODELS = whyNoReferenceData('weights/golden_greedy.json');

export async function golden(): Promise<Golden> {
  return JSON.parse(new TextDecoder().decode(await referenceBytes('weights/golden_greedy.json'))) as Golden;
}

export async function openStories260K(): Promise<TensorSource> {
  return openLlama2c(memorySource('stories260K.bin', await referenceBytes('weights/stories260K.bin')));
}

export async function openTinystories(): Promise<TensorSource> {
  const present = new Set(['config.json', 'generation_config.json', 'model.safetensors']);
  const folder: ModelFolder = {
    name: 'tinystories-656k',
    file: async (name) =>
      present.has(name) ? memorySource(name, await referenceBytes(`weights/tinystories-656k/${name}`)) : null,
  };
  return openModelFolder(folder);
}
