/** A file of a hub as a source of bytes: segments come from the store, else from the hub, and are kept on the way. */
import { endsBefore, type ByteSource } from '../files/byte-source.ts';
import { throwIfCancelled } from '../files/error.ts';
import { readRange, type HubConnection, type HubFile } from './client.ts';
import type { Repository } from './repository.ts';
import { SEGMENT_BYTES, type ModelKey, type ModelStore } from './store.ts';

export interface HubSourceOptions {
  readonly connection: HubConnection;
  /** Its revision is the commit, so that all segments are of one version. */
  readonly repository: Repository;
  readonly file: HubFile;
  readonly key: ModelKey;
  readonly store: ModelStore | null;
  readonly onBytes: (bytes: number, from: 'hub' | 'store') => void;
  /** The browser had no room for a segment. */
  readonly onFull: () => void;
}

/** Holds one segment in memory: a model's small tensors are neighbours. */
export function hubSource(options: HubSourceOptions): ByteSource {
  const { file } = options;
  let newest: { readonly index: number; readonly bytes: Promise<Uint8Array> } | null = null;

  const segment = (index: number, signal: AbortSignal | undefined): Promise<Uint8Array> => {
    if (newest?.index === index) return newest.bytes;
    const bytes = readSegment(options, index, signal);
    newest = { index, bytes };
    bytes.catch(() => {
      if (newest?.bytes === bytes) newest = null;
    });
    return bytes;
  };

  return {
    name: file.name,
    size: file.size,
    async read(offset, length, signal) {
      throwIfCancelled(signal);
      if (offset + length > file.size) throw endsBefore(file.name, offset, length, file.size);
      const first = Math.floor(offset / SEGMENT_BYTES);
      const last = Math.floor(Math.max(offset, offset + length - 1) / SEGMENT_BYTES);
      if (first === last && length > 0) {
        const at = offset - first * SEGMENT_BYTES;
        return (await segment(first, signal)).subarray(at, at + length);
      }
      const out = new Uint8Array(length);
      for (let index = first; index <= last && length > 0; index++) {
        const start = index * SEGMENT_BYTES;
        const bytes = await segment(index, signal);
        const from = Math.max(offset, start);
        out.set(bytes.subarray(from - start, Math.min(offset + length - start, bytes.length)), from - offset);
      }
      return out;
    },
  };
}

async function readSegment(
  { connection, repository, file, key, store, onBytes, onFull }: HubSourceOptions,
  index: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const from = index * SEGMENT_BYTES;
  const to = Math.min(file.size, from + SEGMENT_BYTES);
  const kept = await store?.segment(key, file.name, index);
  if (kept?.byteLength === to - from) {
    onBytes(kept.byteLength, 'store');
    return kept;
  }
  const asked = {
    hub: connection.hub,
    repository,
    file: file.name,
    hasToken: connection.token !== null,
    isKept: store !== null,
  };
  const bytes = await readRange(connection, asked, file, from, to, {
    signal,
    onBytes: (count) => onBytes(count, 'hub'),
  });
  if (store && !(await store.keep(key, file.name, index, bytes))) onFull();
  return bytes;
}
