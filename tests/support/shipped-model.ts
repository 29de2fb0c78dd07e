/** The model that ships with the page, for GPU tests in the browser (from the test server) and in Node (from the folder). */
import { memorySource } from '../../src/engine/files/byte-source.ts';
import { SHIPPED_MODEL } from '../../src/engine/shipped.ts';
import { loadModel } from '../../src/engine/weights/loader.ts';
import { openModelFolder } from '../../src/engine/weights/open.ts';
import type { LoadedModel } from '../../src/engine/weights-types.ts';
import type { Gpu } from '../../src/gpu/context.ts';

async function bytesOf(name: string): Promise<Uint8Array | null> {
  if (typeof window !== 'undefined') {
    const response = await fetch(`/${SHIPPED_MODEL.folder}${name}`);
    // The test server answers what it has not with its page.
    const isPage = response.headers.get('content-type')?.includes('text/html') ?? false;
    return response.ok && !isPage ? new Uint8Array(await response.arrayBuffer()) : null;
  }
  const { readFile } = await import('node:fs/promises');
  const file = new URL(`../../public/${SHIPPED_MODEL.folder}${name}`, import.meta.url);
  return readFile(file).then(
    (bytes) => new Uint8Array(bytes),
    () => null,
  );
}

export async function shippedModel(gpu: Gpu): Promise<LoadedModel> {
  const source = await openModelFolder({
    name: SHIPPED_MODEL.id,
    file: async (name) => {
      const bytes = await bytesOf(name);
      return bytes ? memorySource(name, bytes) : null;
    },
  });
  return loadModel(gpu, source, { weightFormat: 'f32', budgetBytes: 2 ** 30 });
}
