/**
 * Messages of a transfer as bytes. A channel may lose, double, reorder and damage them: each has a checksum, and nothing
 * in one depends on the order in which they come.
 *
 *   0  "KVTX"   4  u8 version   5  u8 type   6  u16 zero   8  u32 CRC-32 of everything else
 *   12 8 bytes: the transfer   20 u32: the receiver that it is to or from; 0: whoever hears it   24 body
 *
 *   from the sender                                    from the receiver
 *   offer   header, JSON                               ack     u32 serial, next, limit, flags; bitmap behind `next`
 *   piece   u32 number, block, offset, blockBytes,     done    (nothing): what was sent is in use there
 *           blockCrc; bytes                            refuse  sentence
 *   finish  u32 pieces, blocks
 *   stop    sentence
 *
 * Little endian throughout.
 */
import { crc32Bytes } from '../crc32.ts';
import { TRANSFER_VERSION } from './package.ts';

/** "KVTX" */
const MAGIC = 0x5854564b;
export const FRAME_HEAD_BYTES = 24;
export const PIECE_HEAD_BYTES = FRAME_HEAD_BYTES + 20;
/** Pieces behind `next` that an ack can tell of. */
export const BITMAP_BITS = 1024;
const MOST_SENTENCE = 1000;

export type Frame =
  | { readonly type: 'offer'; readonly header: Uint8Array }
  | {
      readonly type: 'piece';
      /** Counts all pieces of the transfer. */
      readonly number: number;
      readonly block: number;
      /** Of the payload in the block. */
      readonly offset: number;
      readonly blockBytes: number;
      readonly blockCrc: number;
      readonly payload: Uint8Array;
    }
  | { readonly type: 'finish'; readonly pieces: number; readonly blocks: number }
  | { readonly type: 'stop'; readonly sentence: string }
  | {
      readonly type: 'ack';
      /** Rises with each ack, so that one that was overtaken is known. */
      readonly serial: number;
      /** All pieces before it are there. */
      readonly next: number;
      /** Pieces from here on have no room yet. */
      readonly limit: number;
      readonly paused: boolean;
      /** Pieces that are there behind `next`. */
      readonly beyond: readonly number[];
    }
  | { readonly type: 'done' }
  | { readonly type: 'refuse'; readonly sentence: string };
export type FrameType = Frame['type'];

const CODES: Readonly<Record<FrameType, number>> = {
  offer: 1,
  piece: 2,
  finish: 3,
  stop: 4,
  ack: 17,
  done: 18,
  refuse: 19,
};
const TYPES = new Map(Object.entries(CODES).map(([type, code]) => [code, type as FrameType]));

/** Which transfer, and between whom. */
export interface Envelope {
  /** 8 bytes as 16 hexadecimal digits. */
  readonly transfer: string;
  readonly receiver: number;
}

export type Heard =
  | { readonly kind: 'frame'; readonly envelope: Envelope; readonly frame: Frame }
  /** Bytes that are none of ours, or not as they were sent. */
  | { readonly kind: 'damaged' }
  | { readonly kind: 'version'; readonly version: number };

export function encodeFrame({ transfer, receiver }: Envelope, frame: Frame): Uint8Array<ArrayBuffer> {
  const body = bodyOf(frame);
  const bytes = new Uint8Array(FRAME_HEAD_BYTES + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint8(4, TRANSFER_VERSION);
  view.setUint8(5, CODES[frame.type]);
  for (let i = 0; i < 8; i++) bytes[12 + i] = parseInt(transfer.slice(2 * i, 2 * i + 2), 16);
  view.setUint32(20, receiver, true);
  bytes.set(body, FRAME_HEAD_BYTES);
  view.setUint32(8, frameCrc(bytes), true);
  return bytes;
}

export function decodeFrame(bytes: Uint8Array): Heard {
  const damaged: Heard = { kind: 'damaged' };
  if (bytes.length < FRAME_HEAD_BYTES) return damaged;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC || frameCrc(bytes) !== view.getUint32(8, true)) return damaged;
  const version = view.getUint8(4);
  if (version !== TRANSFER_VERSION) return { kind: 'version', version };
  const type = TYPES.get(view.getUint8(5));
  const frame = type === undefined ? null : READERS[type](bytes.subarray(FRAME_HEAD_BYTES));
  if (frame === null) return damaged;
  const transfer = Array.from(bytes.subarray(12, 20), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return { kind: 'frame', envelope: { transfer, receiver: view.getUint32(20, true) }, frame };
}

function frameCrc(bytes: Uint8Array): number {
  return crc32Bytes(bytes.subarray(12), crc32Bytes(bytes.subarray(0, 8)));
}

function numbers(values: readonly number[], rest: Uint8Array = new Uint8Array()): Uint8Array {
  const bytes = new Uint8Array(values.length * 4 + rest.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setUint32(i * 4, value, true));
  bytes.set(rest, values.length * 4);
  return bytes;
}

function bodyOf(frame: Frame): Uint8Array {
  switch (frame.type) {
    case 'offer':
      return frame.header;
    case 'piece': {
      const { number, block, offset, blockBytes, blockCrc, payload } = frame;
      return numbers([number, block, offset, blockBytes, blockCrc], payload);
    }
    case 'finish':
      return numbers([frame.pieces, frame.blocks]);
    case 'ack': {
      const { serial, next, limit, paused, beyond } = frame;
      return numbers([serial, next, limit, paused ? 1 : 0], bitmap(beyond, next));
    }
    case 'done':
      return new Uint8Array();
    case 'stop':
    case 'refuse':
      return new TextEncoder().encode(frame.sentence.slice(0, MOST_SENTENCE));
    default:
      return frame satisfies never;
  }
}

function bitmap(beyond: readonly number[], next: number): Uint8Array {
  const near = beyond.filter((number) => number < next + BITMAP_BITS);
  const most = near.reduce((highest, number) => Math.max(highest, number - next + 1), 0);
  const bytes = new Uint8Array(Math.ceil(most / 8));
  for (const number of near) {
    const bit = number - next;
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
  }
  return bytes;
}

type Reader = (body: Uint8Array) => Frame | null;

function words(body: Uint8Array, count: number): number[] | null {
  if (body.length < count * 4) return null;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return Array.from({ length: count }, (_, i) => view.getUint32(i * 4, true));
}

const sentence = (body: Uint8Array): string => new TextDecoder().decode(body.subarray(0, 4 * MOST_SENTENCE));

const READERS: Readonly<Record<FrameType, Reader>> = {
  offer: (header) => ({ type: 'offer', header }),
  piece(body) {
    const [number = 0, block = 0, offset = 0, blockBytes = 0, blockCrc = 0] = words(body, 5) ?? [];
    if (body.length < 20) return null;
    return { type: 'piece', number, block, offset, blockBytes, blockCrc, payload: body.subarray(20) };
  },
  finish(body) {
    const read = words(body, 2);
    return read ? { type: 'finish', pieces: read[0] ?? 0, blocks: read[1] ?? 0 } : null;
  },
  ack(body) {
    const read = words(body, 4);
    if (!read || body.length > 16 + BITMAP_BITS / 8) return null;
    const [serial = 0, next = 0, limit = 0, flags = 0] = read;
    const beyond: number[] = [];
    for (let bit = 0; bit < (body.length - 16) * 8; bit++) {
      if (((body[16 + (bit >> 3)] ?? 0) >> (bit & 7)) & 1) beyond.push(next + bit);
    }
    return { type: 'ack', serial, next, limit, paused: (flags & 1) === 1, beyond };
  },
  done: () => ({ type: 'done' }),
  stop: (body) => ({ type: 'stop', sentence: sentence(body) }),
  refuse: (body) => ({ type: 'refuse', sentence: sentence(body) }),
};
