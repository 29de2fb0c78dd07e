/** The runs in IndexedDB as the page asks for them. */
import type { LibraryPort } from './library.svelte.ts';

export function storePort(): LibraryPort {
  return {
    list: () => Promise.resolve([]),
    get: () => Promise.resolve(null),
    put: () => Promise.resolve(),
    rename: () => Promise.resolve(),
    remove: () => Promise.resolve(),
    exportAll: () => Promise.resolve(''),
    importText: () => Promise.resolve({ added: 0, refused: [] }),
  };
}
