/**
 * @huggingface/transformers, loaded when a tokenizer or the comparison backend first needs it and never before.
 *
 * Boundary: the one place that imports it, and shuts its doors. It keeps nothing and reads no file; what it fetches comes
 * from the folders that `lendFolder` lends it and from nowhere else. ONNX Runtime's wasm is the file that the bundler put
 * beside this page's own scripts: the library's default, a CDN, is taken away before anything could be asked of it.
 */
import type { ByteSource } from '../files/byte-source.ts';
import { ModelError } from '../files/error.ts';
import type { ModelFolder } from '../weights/open.ts';

export type TransformersLibrary = typeof import('@huggingface/transformers');

/** Addresses of lent folders: names, which nothing is ever fetched from. */
const LENT = 'https://lent.kvlab.invalid/';
const PIECE_BYTES = 8 * 2 ** 20;

const lent = new Map<string, ModelFolder>();
let numLent = 0;
let loading: Promise<TransformersLibrary> | null = null;

/** @throws ModelError `network` where the page's own chunk can't be fetched. */
export function loadTransformers(): Promise<TransformersLibrary> {
  loading ??= importClosed().catch((error: unknown) => {
    loading = null;
    throw error;
  });
  return loading;
}

/** Under which name the library finds a folder's files, until it is given back. */
export function lendFolder(folder: ModelFolder): { readonly id: string; giveBack(): void } {
  const id = `lent/folder-${numLent++}`;
  lent.set(id, folder);
  return { id, giveBack: () => void lent.delete(id) };
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
  env.allowLocalModels = false;
  env.useBrowserCache = false;
  env.useFSCache = false;
  env.useWasmCache = false;
  env.remoteHost = LENT;
  env.fetch = fetchLent;
  env.logLevel = library.LogLevel.NONE;
  const { wasm } = env.backends.onnx;
  if (wasm) {
    delete wasm.wasmPaths;
    // More would need a page that is isolated from others, which a static host does not make it.
    wasm.numThreads = 1;
  }
  return library;
}

async function fetchLent(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const address = input instanceof Request ? input.url : String(input);
  const [, id = '', name = ''] =
    new RegExp(`^${LENT}(lent/folder-\\d+)/resolve/main/(.+)$`).exec(address) ?? [];
  const folder = lent.get(id);
  if (!folder) throw new TypeError(`Nothing is fetched from ${address}.`);
  const source = await folder.file(name);
  const size = source?.size ?? null;
  if (source === null || size === null) return new Response(null, { status: 404 });
  // The library asks for the first byte to learn whether a file is there, and how long it is.
  if (new Headers(init?.headers).get('range') === 'bytes=0-0') {
    const headers = { 'content-range': `bytes 0-0/${size}`, 'content-length': '1' };
    return new Response(new Uint8Array(1), { status: 206, headers });
  }
  return new Response(streamOf(source, size), { headers: { 'content-length': String(size) } });
}

function streamOf(source: ByteSource, size: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (at < size) {
        const length = Math.min(PIECE_BYTES, size - at);
        controller.enqueue(await source.read(at, length));
        at += length;
      }
      if (at >= size) controller.close();
    },
  });
}
