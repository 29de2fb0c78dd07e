/**
 * A model's folder behind an address, on any server that serves files: config.json, safetensors, a tokenizer.
 *
 * Boundary: no listing, no cache and no accounts; a repository of the Hugging Face hub is hub/.
 */
import { readAhead, type ByteSource } from './byte-source.ts';
import { ModelError } from './error.ts';
import { nameOf, openHttp, type HttpOptions } from './http-source.ts';

/** Small tensors are neighbours in a file: so many bytes are fetched at once. */
const AHEAD_BYTES = 8 * 2 ** 20;

export interface HttpFolder {
  readonly name: string;
  /** null where the server has no such file. @throws ModelError */
  file(name: string): Promise<ByteSource | null>;
}

/** @param address of the folder; a slash at its end makes no difference */
export function httpFolder(
  address: string,
  options: Omit<HttpOptions, 'name'> = {},
  signal?: AbortSignal,
): HttpFolder {
  const base = address.replace(/\/+$/, '');
  return {
    name: nameOf(base),
    file: async (name) => {
      const url = `${base}/${encodeURIComponent(name)}`;
      try {
        return readAhead(await openHttp(url, { ...options, name }, signal), AHEAD_BYTES);
      } catch (error) {
        if (error instanceof ModelError && error.code === 'http' && error.data['status'] === 404) return null;
        throw error;
      }
    },
  };
}
