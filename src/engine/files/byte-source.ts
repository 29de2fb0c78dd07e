/**
 * Where a model's bytes come from: a stretch of a file at a time, so that no file has to fit into memory.
 *
 * Boundary: bytes only; what they mean is for weights/. Over HTTP: http-source.ts. A source may be asked for several
 * stretches at once.
 */
import { ModelError, throwIfCancelled } from './error.ts';

export interface ByteSource {
  /** For people: the file's name. */
  readonly name: string;
  /** Bytes; null where nobody knows before reading. */
  readonly size: number | null;
  /**
   * Exactly `length` bytes from `offset` on.
   * @throws ModelError `corrupt` where the file ends before, `network` or `http` where it can't be fetched, `cancelled`.
   */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
}

export function endsBefore(name: string, offset: number, length: number, size: number): ModelError {
  return new ModelError(
    'corrupt',
    `${name} ends at byte ${size}, before byte ${offset + length} that it should have; it is cut off: fetch it again.`,
    { size, needed: offset + length },
  );
}

/** Bytes that are in memory already. */
export function memorySource(name: string, bytes: ArrayBuffer | Uint8Array): ByteSource {
  const view = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  return {
    name,
    size: view.byteLength,
    read: async (offset, length, signal) => {
      throwIfCancelled(signal);
      if (offset + length > view.byteLength) throw endsBefore(name, offset, length, view.byteLength);
      return view.subarray(offset, offset + length);
    },
  };
}

/** A file that a person chose or dropped, or any Blob. */
export function blobSource(name: string, blob: Blob): ByteSource {
  return {
    name,
    size: blob.size,
    read: async (offset, length, signal) => {
      throwIfCancelled(signal);
      if (offset + length > blob.size) throw endsBefore(name, offset, length, blob.size);
      const bytes = await readBlob(name, blob.slice(offset, offset + length));
      throwIfCancelled(signal);
      // A file that was shortened on disk since it was chosen answers with less instead of failing.
      if (bytes.byteLength !== length) throw endsBefore(name, offset, length, offset + bytes.byteLength);
      return bytes;
    },
  };
}

async function readBlob(name: string, blob: Blob): Promise<Uint8Array> {
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch {
    throw new ModelError(
      'missing',
      `${name} can't be read any more; it was moved or changed: choose it again.`,
    );
  }
}

/**
 * Reads ahead: small neighbouring stretches are cut from one larger one, so that a model with hundreds of small tensors
 * is not hundreds of requests. Holds `aheadBytes` at most; larger stretches pass through.
 */
export function readAhead(source: ByteSource, aheadBytes: number): ByteSource {
  let held: { readonly offset: number; readonly bytes: Uint8Array } | null = null;
  return {
    name: source.name,
    get size() {
      return source.size;
    },
    read: async (offset, length, signal) => {
      if (held && offset >= held.offset && offset + length <= held.offset + held.bytes.byteLength) {
        throwIfCancelled(signal);
        return held.bytes.subarray(offset - held.offset, offset - held.offset + length);
      }
      const { size } = source;
      if (length >= aheadBytes || size === null || offset + length > size) {
        return source.read(offset, length, signal);
      }
      const bytes = await source.read(offset, Math.min(aheadBytes, size - offset), signal);
      held = { offset, bytes };
      return bytes.subarray(0, length);
    },
  };
}

/** The whole of a small file as text. @throws ModelError where it is larger than `maxBytes` or is no UTF-8. */
export async function readText(source: ByteSource, maxBytes: number, signal?: AbortSignal): Promise<string> {
  const { name, size } = source;
  if (size === null) throw new ModelError('corrupt', `${name} does not say how long it is.`);
  if (size > maxBytes) {
    throw new ModelError('too-large', `${name} has ${size} bytes; the most for such a file is ${maxBytes}.`, {
      size,
      most: maxBytes,
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await source.read(0, size, signal));
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw new ModelError('corrupt', `${name} is no text in UTF-8.`);
  }
}
