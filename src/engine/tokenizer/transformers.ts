/**
 * @huggingface/transformers, loaded when a tokenizer or the comparison backend first needs it and never before.
 *
 * Boundary: the one place that imports it, and shuts its doors: it fetches nothing, keeps nothing and reads no file
 * unless a caller opens its `fetch`; ONNX Runtime's wasm comes from this page's own folder (see onnx-runtime.ts in the
 * laboratory), never from its default CDN.
 */
import { ModelError } from '../files/error.ts';

export type TransformersLibrary = typeof import('@huggingface/transformers');

let loading: Promise<TransformersLibrary> | null = null;

/** @throws ModelError `network` where the page's own chunk can't be fetched. */
export function loadTransformers(): Promise<TransformersLibrary> {
  loading ??= importClosed().catch((error: unknown) => {
    loading = null;
    throw error;
  });
  return loading;
}

async function importClosed(): Promise<TransformersLibrary> {
  let library: TransformersLibrary;
  try {
    library = await import('@huggingface/transformers');
  } catch (cause) {
    throw new ModelError(
      'network',
      `The tokenizer library could not be loaded (${cause instanceof Error ? cause.message : 'no reason given'}); ` +
        'reload the page while it can be reached. The model still runs on token ids.',
    );
  }
  const { env } = library;
  env.allowRemoteModels = false;
  env.allowLocalModels = false;
  env.useBrowserCache = false;
  env.useFSCache = false;
  env.useWasmCache = false;
  env.logLevel = library.LogLevel.ERROR;
  // Where the wasm would be fetched from if nobody said otherwise is a CDN: nowhere instead.
  const { wasm } = env.backends.onnx;
  if (wasm) wasm.wasmPaths = { wasm: 'onnx-runtime-wasm-was-not-configured' };
  return library;
}
