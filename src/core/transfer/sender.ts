/**
 * The sending half of a transfer: what to send now, and what is known to be there.
 *
 *   offering → sending → done, or failed; a cut channel leads from any of them back to offering with what is known kept
 *
 * Pure: bytes come in by `receive`, go out by `poll`, and time is a number. Whoever drives it asks `poll` again after
 * each `receive` and at `wakeMs`. Pieces are sent once within the receiver's window; again when three that were sent
 * later have arrived, or when nothing was heard for the time-out, which doubles up to three seconds.
 *
 * The window is the receiver's (backpressure end to end); `room` is the channel's own.
 */
import { crc32Bytes } from '../crc32.ts';
import { decodeFrame, encodeFrame, PIECE_HEAD_BYTES, type Frame } from './frames.ts';

/** Payload of a piece: below the 64 kB that every data channel carries whole. */
export const PIECE_BYTES = 32 * 1024;
const FIRST_TIMEOUT_MS = 300;
const MOST_TIMEOUT_MS = 3000;
/** Pieces that may overtake one before it counts as lost. */
const REORDER = 3;

interface Piece {
  readonly block: number;
  readonly offset: number;
  readonly payload: Uint8Array;
  /** When it was sent last, counted in pieces; −1: not yet, or not on this channel. */
  order: number;
  arrived: boolean;
}

interface Block {
  readonly bytes: number;
  readonly crc: number;
}

export type SenderStatus = 'offering' | 'sending' | 'done' | 'failed';

export interface SenderProgress {
  readonly arrivedBytes: number;
  /** Known once the last block is there to be sent. */
  readonly totalBytes: number | null;
  readonly knownBytes: number;
  readonly pieces: number;
  readonly resentPieces: number;
  readonly damagedFrames: number;
}

export class TransferSender {
  readonly transfer: string;
  readonly #header: Uint8Array;
  readonly #pieceBytes: number;
  readonly #pieces: Piece[] = [];
  readonly #blocks: Block[] = [];
  #closed = false;
  #status: SenderStatus = 'offering';
  #reason: string | null = null;
  #paused = false;
  #receiverPaused = false;
  #receiver = 0;
  #serial = -1;
  /** Everything before it has arrived. */
  #next = 0;
  /** Pieces from here on have no room there yet. */
  #limit = 0;
  /** All pieces were sent at least once on this channel, and so was the end. */
  #saidFinish = false;
  #sends = 0;
  #newestArrived = -1;
  #timeoutMs = FIRST_TIMEOUT_MS;
  #wakeMs: number | null = 0;
  #arrivedBytes = 0;
  #knownBytes = 0;
  #resent = 0;
  #damaged = 0;
  #heardMs = 0;

  /** @param transfer 16 hexadecimal digits that no other transfer has */
  constructor(transfer: string, header: Uint8Array, options: { readonly pieceBytes?: number } = {}) {
    this.transfer = transfer;
    this.#header = header;
    this.#pieceBytes = options.pieceBytes ?? PIECE_BYTES;
  }

  get status(): SenderStatus {
    return this.#status;
  }

  /** Why it failed. */
  get reason(): string | null {
    return this.#reason;
  }

  /** Whether this side, or the other, holds it back. */
  get paused(): 'here' | 'there' | null {
    if (this.#paused) return 'here';
    return this.#receiverPaused ? 'there' : null;
  }

  /** When the other side was last heard. */
  get heardMs(): number {
    return this.#heardMs;
  }

  /** When `poll` has something to say again although nothing was heard; null: never by itself. */
  get wakeMs(): number | null {
    return this.#wakeMs;
  }

  get progress(): SenderProgress {
    return {
      arrivedBytes: this.#arrivedBytes,
      totalBytes: this.#closed ? this.#knownBytes : null,
      knownBytes: this.#knownBytes,
      pieces: this.#pieces.length,
      resentPieces: this.#resent,
      damagedFrames: this.#damaged,
    };
  }

  /** Bytes that were given and have not arrived: for whoever reads blocks off a GPU no faster than they leave. */
  get waitingBytes(): number {
    return this.#knownBytes - this.#arrivedBytes;
  }

  /** The next block. Its bytes must stay as they are. */
  push(bytes: Uint8Array): void {
    const block = this.#blocks.length;
    this.#blocks.push({ bytes: bytes.length, crc: crc32Bytes(bytes) });
    for (let offset = 0; offset < bytes.length; offset += this.#pieceBytes) {
      const payload = bytes.subarray(offset, offset + this.#pieceBytes);
      this.#pieces.push({ block, offset, payload, order: -1, arrived: false });
    }
    this.#knownBytes += bytes.length;
    this.#wakeMs = 0;
  }

  /** The last block, which ends the transfer. */
  close(trailer: Uint8Array): void {
    this.push(trailer);
    this.#closed = true;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#wakeMs = 0;
  }

  /** The channel is another one: offers again, and goes on behind what the receiver has. */
  reconnect(): void {
    if (this.#status === 'done' || this.#status === 'failed') return;
    this.#status = 'offering';
    this.#receiver = 0;
    this.#serial = -1;
    for (const piece of this.#pieces) if (!piece.arrived) piece.order = -1;
    this.#timeoutMs = FIRST_TIMEOUT_MS;
    this.#wakeMs = 0;
  }

  /** Ends it from this side. @returns what to tell the other one */
  stop(sentence: string): Uint8Array<ArrayBuffer> {
    this.#fail(sentence);
    return this.#frame({ type: 'stop', sentence });
  }

  receive(bytes: Uint8Array, nowMs: number): void {
    const heard = decodeFrame(bytes);
    if (heard.kind !== 'frame') {
      this.#damaged++;
      return;
    }
    const { envelope, frame } = heard;
    if (envelope.transfer !== this.transfer || this.#status === 'done' || this.#status === 'failed') return;
    if (this.#receiver !== 0 && envelope.receiver !== this.#receiver) return;
    switch (frame.type) {
      case 'ack':
        this.#bind(envelope.receiver);
        this.#heardMs = nowMs;
        this.#acknowledge(frame, nowMs);
        return;
      case 'done':
        this.#heardMs = nowMs;
        this.#finished();
        return;
      case 'refuse':
        this.#fail(frame.sentence);
        return;
      case 'offer':
      case 'piece':
      case 'finish':
      case 'stop':
        return;
      default:
        frame satisfies never;
    }
  }

  /** @param room bytes that the channel takes now */
  poll(nowMs: number, room = Infinity): Uint8Array<ArrayBuffer>[] {
    if (this.#status === 'done' || this.#status === 'failed') return [];
    const isDue = this.#wakeMs !== null && nowMs >= this.#wakeMs;
    if (this.#status === 'offering') {
      if (!isDue) return [];
      this.#backOff(nowMs);
      return [this.#frame({ type: 'offer', header: this.#header })];
    }
    const frames = this.paused !== null ? [] : this.#pieceFrames(room, isDue);
    if (this.paused === null && !this.#saidFinish && this.#allSent()) {
      this.#saidFinish = true;
      frames.push(this.#frame(this.#end()));
    }
    // Silence: the last word is said again, which the receiver answers with where it stands.
    if (isDue && frames.length === 0) frames.push(this.#frame(this.#lastWord()));
    if (frames.length > 0) this.#backOff(nowMs);
    return frames;
  }

  #bind(receiver: number): void {
    if (this.#receiver === receiver) return;
    this.#receiver = receiver;
    this.#status = 'sending';
    this.#serial = -1;
    // Another receiver, or the same after it was reloaded, has what it says and nothing else.
    this.#next = 0;
    this.#limit = 0;
    this.#saidFinish = false;
    this.#newestArrived = -1;
    this.#arrivedBytes = 0;
    for (const piece of this.#pieces) {
      piece.arrived = false;
      piece.order = -1;
    }
  }

  #acknowledge(ack: Extract<Frame, { type: 'ack' }>, nowMs: number): void {
    if (ack.serial <= this.#serial || ack.next > this.#pieces.length) return;
    this.#serial = ack.serial;
    this.#receiverPaused = ack.paused;
    this.#limit = Math.max(this.#limit, ack.limit);
    let news = false;
    for (let at = this.#next; at < ack.next; at++) news = this.#arrive(at) || news;
    for (const at of ack.beyond) news = this.#arrive(at) || news;
    this.#next = Math.max(this.#next, ack.next);
    if (news) this.#timeoutMs = FIRST_TIMEOUT_MS;
    // There may be room or a hole now; and if not, the clock runs from here.
    this.#wakeMs = nowMs + this.#timeoutMs;
  }

  #arrive(at: number): boolean {
    const piece = this.#pieces[at];
    if (!piece || piece.arrived) return false;
    piece.arrived = true;
    this.#arrivedBytes += piece.payload.length;
    this.#newestArrived = Math.max(this.#newestArrived, piece.order);
    return true;
  }

  /** Pieces that were never sent or are lost, in order, as far as window and room reach. */
  #pieceFrames(room: number, isDue: boolean): Uint8Array<ArrayBuffer>[] {
    const frames: Uint8Array<ArrayBuffer>[] = [];
    let left = room;
    const end = Math.min(this.#limit, this.#pieces.length);
    for (let at = this.#next; at < end; at++) {
      const piece = this.#pieces[at];
      if (!piece || piece.arrived) continue;
      const isLost = piece.order >= 0 && (isDue || piece.order + REORDER < this.#newestArrived);
      if (piece.order >= 0 && !isLost) continue;
      left -= PIECE_HEAD_BYTES + piece.payload.length;
      if (left < 0) break;
      if (isLost) this.#resent++;
      frames.push(this.#pieceFrame(at, piece));
      piece.order = this.#sends++;
      // One is enough to hear from the other side; all of them again would only fill a slow channel.
      if (isLost && isDue) break;
    }
    return frames;
  }

  #pieceFrame(number: number, { block, offset, payload }: Piece): Uint8Array<ArrayBuffer> {
    const { bytes = 0, crc = 0 } = this.#blocks[block] ?? {};
    return this.#frame({ type: 'piece', number, block, offset, blockBytes: bytes, blockCrc: crc, payload });
  }

  #allSent(): boolean {
    if (!this.#closed || this.#limit < this.#pieces.length) return false;
    for (let at = this.#next; at < this.#pieces.length; at++) {
      const piece = this.#pieces[at];
      if (piece && !piece.arrived && piece.order < 0) return false;
    }
    return true;
  }

  #end(): Frame {
    return { type: 'finish', pieces: this.#pieces.length, blocks: this.#blocks.length };
  }

  #lastWord(): Frame {
    const hasAll = this.#closed && this.#next >= this.#pieces.length;
    return hasAll ? this.#end() : { type: 'offer', header: this.#header };
  }

  #backOff(nowMs: number): void {
    this.#wakeMs = nowMs + this.#timeoutMs;
    this.#timeoutMs = Math.min(2 * this.#timeoutMs, MOST_TIMEOUT_MS);
  }

  #finished(): void {
    if (!this.#closed) return;
    for (let at = this.#next; at < this.#pieces.length; at++) this.#arrive(at);
    this.#next = this.#pieces.length;
    this.#status = 'done';
    this.#wakeMs = null;
  }

  #fail(sentence: string): void {
    this.#status = 'failed';
    this.#reason = sentence;
    this.#wakeMs = null;
  }

  #frame(frame: Frame): Uint8Array<ArrayBuffer> {
    return encodeFrame({ transfer: this.transfer, receiver: this.#receiver }, frame);
  }
}
