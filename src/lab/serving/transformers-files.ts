/** Which of a model's ONNX files the comparison runs. Names: github.com/huggingface/transformers.js, `dtypes.js`. */
import { ModelError } from '../../engine/files/error.ts';
import type { ModelFolder } from '../../engine/weights/open.ts';

export interface OnnxFile {
  readonly dtype: 'fp32' | 'fp16' | 'q8' | 'q4';
  /** The graph, and the file with its weights where they lie beside it. */
  readonly names: readonly string[];
  readonly bytes: number;
  /** Files beside the graph that hold its weights. */
  readonly numDataFiles: number;
}

/** Closest to the weights themselves first: what is compared is caches, not roundings. */
const CHOICES: readonly { readonly dtype: OnnxFile['dtype']; readonly suffix: string }[] = [
  { dtype: 'fp32', suffix: '' },
  { dtype: 'fp16', suffix: '_fp16' },
  { dtype: 'q8', suffix: '_quantized' },
  { dtype: 'q4', suffix: '_q4' },
];

/** A page's memory holds a file whole, and an ArrayBuffer no more than this everywhere. */
export const MAX_ONNX_BYTES = 2 ** 31 - 1;
const MOST_DATA_FILES = 32;

/** @throws ModelError `missing` where the folder has none, `too-large` where none fits. */
export async function chooseOnnxFile(folder: ModelFolder, device: 'webgpu' | 'wasm'): Promise<OnnxFile> {
  let smallest = Infinity;
  for (const { dtype, suffix } of CHOICES) {
    const name = `onnx/model${suffix}.onnx`;
    const graph = await folder.file(name);
    if (!graph || (dtype === 'fp16' && device === 'wasm')) continue;
    const data = await dataFiles(folder, name);
    const bytes = data.reduce((sum, file) => sum + (file.size ?? 0), graph.size ?? 0);
    smallest = Math.min(smallest, bytes);
    if (bytes > MAX_ONNX_BYTES) continue;
    return { dtype, names: [name, ...data.map((file) => file.name)], bytes, numDataFiles: data.length };
  }
  if (smallest < Infinity) {
    throw new ModelError(
      'too-large',
      `The smallest ONNX file of ${folder.name} has ${smallest} bytes; a page can hold ${MAX_ONNX_BYTES}.`,
      { size: smallest, most: MAX_ONNX_BYTES },
    );
  }
  throw new ModelError(
    'missing',
    `${folder.name} has no ONNX files (onnx/model.onnx), so @huggingface/transformers can't run it beside this engine; ` +
      'choose a repository that has them, such as those of onnx-community.',
  );
}

/** `model.onnx_data`, `model.onnx_data_1`, … */
async function dataFiles(
  folder: ModelFolder,
  graph: string,
): Promise<{ name: string; size: number | null }[]> {
  const found: { name: string; size: number | null }[] = [];
  for (let i = 0; i < MOST_DATA_FILES; i++) {
    const name = `${graph}_data${i === 0 ? '' : `_${i}`}`;
    const file = await folder.file(name);
    if (!file) break;
    found.push({ name, size: file.size });
  }
  return found;
}
