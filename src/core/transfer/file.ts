/**
 * A package as a file: what a prefix cache is kept in, and a sequence between two visits.
 *
 *   bytes 0…3    "KVLT"
 *   4…5          u16 version (1)      6…7   u16 zero
 *   8…11         u32 bytes of the header     12…15  u32 CRC-32 of it     16…  header, JSON
 *   then records: u32 kind (1 block, 2 trailer), u32 bytes, u32 CRC-32 of the payload, payload
 *
 * Little endian throughout. The trailer is the last record, so a file that was cut off has none and is refused.
 */
import { crc32Bytes } from '../crc32.ts';
import { TransferError } from './error.ts';
import {
  checkShape,
  mostBlockBytes,
  MOST_BLOCKS,
  MOST_HEADER_BYTES,
  MOST_TRAILER_BYTES,
  partBytes,
  readHeader,
  readTrailer,
  TRANSFER_VERSION,
  type TransferHeader,
  type TransferPackage,
} from './package.ts';

/** "KVLT" */
const MAGIC = 0x544c564b;
const HEAD_BYTES = 16;
const RECORD_BYTES = 12;
const BLOCK = 1;
const TRAILER = 2;

/** Ending of such a file's name. */
export const TRANSFER_FILE_ENDING = '.kvlab-kv';

/** Pieces of the file in order, for a Blob: payloads are not copied. */
export function fileParts({ header, blocks, trailer }: TransferPackage): Uint8Array<ArrayBuffer>[] {
  const head = own(partBytes(header));
  const top = new DataView(new ArrayBuffer(HEAD_BYTES));
  top.setUint32(0, MAGIC, true);
  top.setUint16(4, TRANSFER_VERSION, true);
  top.setUint32(8, head.length, true);
  top.setUint32(12, crc32Bytes(head), true);
  const parts = [new Uint8Array(top.buffer), head];
  for (const block of blocks) parts.push(record(BLOCK, block), own(block));
  const tail = own(partBytes(trailer));
  parts.push(record(TRAILER, tail), tail);
  return parts;
}

export function encodeFile(content: TransferPackage): Uint8Array<ArrayBuffer> {
  const parts = fileParts(content);
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function record(kind: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(RECORD_BYTES));
  view.setUint32(0, kind, true);
  view.setUint32(4, payload.length, true);
  view.setUint32(8, crc32Bytes(payload), true);
  return new Uint8Array(view.buffer);
}

/** A view whose buffer is no shared one, which is what a Blob takes. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
}

/** @throws TransferError in one sentence for anything that is not such a file, whole */
export function decodeFile(bytes: Uint8Array): TransferPackage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = decodeHeader(bytes, view);
  const most = mostBlockBytes(header);
  const blocks: Uint8Array[] = [];
  for (let at = HEAD_BYTES + view.getUint32(8, true); ;) {
    if (at + RECORD_BYTES > bytes.length) throw cutOff(bytes.length, blocks.length);
    const [kind, length, crc] = [0, 4, 8].map((offset) => view.getUint32(at + offset, true));
    const limit = kind === TRAILER ? MOST_TRAILER_BYTES : most;
    const isKnown = kind === BLOCK || kind === TRAILER;
    if (!isKnown || length === undefined || length > limit || blocks.length > MOST_BLOCKS) {
      throw new TransferError(
        'damaged',
        `Record ${blocks.length} of the file is of kind ${kind} with ${length} bytes, which none has here; export it again.`,
      );
    }
    const payload = bytes.subarray(at + RECORD_BYTES, at + RECORD_BYTES + length);
    if (payload.length < length) throw cutOff(bytes.length, blocks.length);
    if (crc32Bytes(payload) !== crc) {
      const what = kind === TRAILER ? 'The trailer' : `Block ${blocks.length}`;
      throw new TransferError(
        'damaged',
        `${what} does not match its checksum: the file was damaged; export it again.`,
      );
    }
    at += RECORD_BYTES + length;
    if (kind === TRAILER) {
      if (at < bytes.length) throw strayBytes(bytes.length - at);
      return { header, blocks, trailer: decodeTrailer(payload) };
    }
    blocks.push(payload);
  }
}

function strayBytes(count: number): TransferError {
  return new TransferError(
    'damaged',
    `Behind the end of the file ${count === 1 ? 'is 1 byte' : `are ${count} bytes`} that nothing of it needs; export it again.`,
  );
}

function decodeHeader(bytes: Uint8Array, view: DataView): TransferHeader {
  if (bytes.length < HEAD_BYTES || view.getUint32(0, true) !== MAGIC) {
    throw new TransferError(
      'format',
      `These ${bytes.length} bytes are no KV file of KV Lab; choose one that ends with ${TRANSFER_FILE_ENDING}.`,
    );
  }
  const version = view.getUint16(4, true);
  if (version !== TRANSFER_VERSION) throw otherVersion(version);
  const length = view.getUint32(8, true);
  if (length > MOST_HEADER_BYTES || HEAD_BYTES + length > bytes.length) throw cutOff(bytes.length, 0);
  const head = bytes.subarray(HEAD_BYTES, HEAD_BYTES + length);
  if (crc32Bytes(head) !== view.getUint32(12, true)) {
    throw new TransferError(
      'damaged',
      'The header does not match its checksum: the file was damaged; export it again.',
    );
  }
  return headerOf(head);
}

/** @throws TransferError */
export function headerOf(bytes: Uint8Array): TransferHeader {
  const header = readHeader(bytes);
  if (!header.ok) throw new TransferError('format', header.sentence);
  try {
    checkShape(header.value.shape);
  } catch (error) {
    throw new TransferError('format', error instanceof Error ? error.message : String(error));
  }
  return header.value;
}

/** @throws TransferError */
export function decodeTrailer(bytes: Uint8Array): TransferPackage['trailer'] {
  const trailer = readTrailer(bytes);
  if (!trailer.ok) throw new TransferError('format', trailer.sentence);
  return trailer.value;
}

export function otherVersion(version: number): TransferError {
  return new TransferError(
    'format',
    `This KV is of version ${version} and here ${TRANSFER_VERSION} is known; reload both pages, so that they are alike.`,
  );
}

function cutOff(bytes: number, blocks: number): TransferError {
  return new TransferError(
    'damaged',
    `The file ends after ${bytes} bytes and ${blocks} whole blocks, before its last record: it was cut off; export it again.`,
  );
}
