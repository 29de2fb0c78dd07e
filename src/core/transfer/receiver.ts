/**
 * The receiving half of a transfer: checks what comes, puts blocks together, and says what there is room for.
 *
 *   waiting → receiving → whole → done, or failed
 *
 * Pure: bytes come in by `receive`, go out by `poll`. Blocks are handed on in order by `take`; what is not taken keeps
 * its room, so that a slow consumer slows the sender down and memory stays bounded. `whole`: everything is here and was
 * taken; `done` is said once the consumer has put it to use (`settle`), so that a sender which hears it may let go.
 *
 * A sender that lost its channel offers again, and hears which pieces it may leave out.
 */
import { crc32Bytes } from '../crc32.ts';
import { decodeFrame, encodeFrame, type Frame } from './frames.ts';
import { headerOf, otherVersion } from './file.ts';
import { mostBlockBytes, MOST_BLOCKS, MOST_TRAILER_BYTES, type TransferHeader } from './package.ts';

/** Pieces of 32 kB that may wait here. */
const WINDOW_PIECES = 64;
/** A window that an ack's bitmap can tell of. */
const MOST_WINDOW = 1024;

export interface ReceiverOptions {
  /** Tells this receiver from every other one; not 0. */
  readonly receiver: number;
  /** A sentence where what is offered is not wanted; null: it is. */
  readonly judge: (header: TransferHeader) => string | null;
  readonly windowPieces?: number;
  /** Most bytes in all. */
  readonly mostBytes?: number;
}

export type ReceiverStatus = 'waiting' | 'receiving' | 'whole' | 'done' | 'failed';

interface OpenBlock {
  readonly bytes: number;
  readonly crc: number;
  /** Payloads by offset. */
  readonly parts: Map<number, Uint8Array>;
  have: number;
}

export class TransferReceiver {
  readonly #options: ReceiverOptions;
  #status: ReceiverStatus = 'waiting';
  #reason: string | null = null;
  #transfer = '';
  #header: TransferHeader | null = null;
  #paused = false;
  #serial = 0;
  /** All pieces before it are here. */
  #next = 0;
  readonly #beyond = new Set<number>();
  /** Blocks that are being put together, and those that wait to be taken. */
  readonly #open = new Map<number, OpenBlock>();
  readonly #ready = new Map<number, { readonly bytes: Uint8Array; readonly pieces: number }>();
  #readyPieces = 0;
  /** Pieces before it were promised room, which is never taken back. */
  #promised = 0;
  #taken = 0;
  #end: { readonly pieces: number; readonly blocks: number } | null = null;
  #bytes = 0;
  #damaged = 0;
  #doubled = 0;
  #heardMs = 0;
  #answer: 'ack' | 'done' | 'refuse' | null = null;

  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  get status(): ReceiverStatus {
    return this.#status;
  }

  get reason(): string | null {
    return this.#reason;
  }

  /** What comes; null before it was offered. */
  get header(): TransferHeader | null {
    return this.#header;
  }

  get heardMs(): number {
    return this.#heardMs;
  }

  get paused(): boolean {
    return this.#paused;
  }

  get progress(): {
    readonly bytes: number;
    readonly blocks: number;
    readonly totalBlocks: number | null;
    readonly damagedFrames: number;
    readonly doubledPieces: number;
  } {
    return {
      bytes: this.#bytes,
      blocks: this.#taken,
      totalBlocks: this.#end?.blocks ?? null,
      damagedFrames: this.#damaged,
      doubledPieces: this.#doubled,
    };
  }

  /** Bytes that wait here: whole blocks that nobody took, and parts of others. */
  get heldBytes(): number {
    let bytes = 0;
    for (const block of this.#ready.values()) bytes += block.bytes.length;
    for (const { have } of this.#open.values()) bytes += have;
    return bytes;
  }

  pause(): void {
    this.#paused = true;
    this.#answer ??= 'ack';
  }

  resume(): void {
    this.#paused = false;
    this.#answer ??= 'ack';
  }

  receive(bytes: Uint8Array, nowMs: number): void {
    const heard = decodeFrame(bytes);
    if (heard.kind === 'damaged') this.#damaged++;
    if (heard.kind === 'version' && this.#status === 'waiting')
      this.#fail(otherVersion(heard.version).message);
    if (heard.kind !== 'frame') return;
    const { envelope, frame } = heard;
    // Meant for another receiver on the same channel.
    if (envelope.receiver !== 0 && envelope.receiver !== this.#options.receiver) return;
    if (frame.type === 'offer' && this.#status === 'waiting') this.#consider(envelope.transfer, frame.header);
    if (envelope.transfer !== this.#transfer) return;
    this.#heardMs = nowMs;
    if (this.#status === 'failed') this.#answer = 'refuse';
    else if (this.#status === 'done') this.#answer = 'done';
    else this.#hear(frame);
  }

  /** Blocks that are whole, in order, the trailer last; each is handed out once. */
  take(): Uint8Array[] {
    const blocks: Uint8Array[] = [];
    for (let ready = this.#ready.get(this.#taken); ready; ready = this.#ready.get(this.#taken)) {
      this.#ready.delete(this.#taken++);
      this.#readyPieces -= ready.pieces;
      blocks.push(ready.bytes);
    }
    if (blocks.length > 0) this.#answer ??= 'ack';
    if (this.#status === 'receiving' && this.#end !== null && this.#taken === this.#end.blocks)
      this.#status = 'whole';
    return blocks;
  }

  /** What came is in use: the sender may let go of it. */
  settle(): void {
    if (this.#status !== 'whole') return;
    this.#status = 'done';
    this.#answer = 'done';
  }

  /** Ends it from this side; the sender is told. */
  refuse(sentence: string): void {
    if (this.#status === 'done') return;
    this.#fail(sentence);
    if (this.#transfer !== '') this.#answer = 'refuse';
  }

  poll(): Uint8Array<ArrayBuffer>[] {
    const answer = this.#answer;
    this.#answer = null;
    switch (answer) {
      case null:
        return [];
      case 'ack':
        return this.#transfer === '' ? [] : [this.#frame(this.#ack())];
      case 'done':
        return [this.#frame({ type: 'done' })];
      case 'refuse':
        return [this.#frame({ type: 'refuse', sentence: this.#reason ?? '' })];
      default:
        return answer satisfies never;
    }
  }

  #consider(transfer: string, bytes: Uint8Array): void {
    this.#transfer = transfer;
    try {
      const header = headerOf(bytes);
      const sentence = this.#options.judge(header);
      if (sentence !== null) return this.refuse(sentence);
      this.#header = header;
      this.#status = 'receiving';
    } catch (error) {
      this.refuse(error instanceof Error ? error.message : String(error));
    }
  }

  #hear(frame: Frame): void {
    switch (frame.type) {
      case 'offer':
        this.#answer = 'ack';
        return;
      case 'piece':
        this.#answer = 'ack';
        this.#hearPiece(frame);
        return;
      case 'finish':
        this.#answer = 'ack';
        this.#hearFinish(frame);
        return;
      case 'stop':
        this.#fail(`The other side stopped: ${frame.sentence}`);
        return;
      case 'ack':
      case 'done':
      case 'refuse':
        return;
      default:
        frame satisfies never;
    }
  }

  #hearPiece(piece: Extract<Frame, { type: 'piece' }>): void {
    const { number } = piece;
    if (number < this.#next || this.#beyond.has(number)) {
      this.#doubled++;
      return;
    }
    // No room was promised for it; it comes again.
    if (number >= this.#promised) return;
    const problem = this.#problemOf(piece);
    if (problem !== null) return this.refuse(problem);
    this.#keep(piece);
    this.#beyond.add(number);
    while (this.#beyond.delete(this.#next)) this.#next++;
  }

  /** Why a piece can't belong to what was offered; its checksum was right, so it was made wrong. */
  #problemOf({
    block,
    offset,
    blockBytes,
    blockCrc,
    payload,
  }: Extract<Frame, { type: 'piece' }>): string | null {
    const most = Math.max(MOST_TRAILER_BYTES, this.#header ? mostBlockBytes(this.#header) : 0);
    const open = this.#open.get(block);
    const fits =
      payload.length > 0 &&
      offset + payload.length <= blockBytes &&
      blockBytes <= most &&
      block <= MOST_BLOCKS;
    const agrees = !open || (open.bytes === blockBytes && open.crc === blockCrc && !open.parts.has(offset));
    const isNew = block >= this.#taken && !this.#ready.has(block);
    const { mostBytes = Infinity } = this.#options;
    if (this.#bytes + payload.length > mostBytes)
      return `More than ${mostBytes} bytes came, and no more have room here; move a shorter sequence.`;
    if (fits && agrees && isNew) return null;
    return `A piece of ${payload.length} bytes at ${offset} of ${blockBytes} does not fit into block ${block}; start the transfer again.`;
  }

  #keep({ block, offset, blockBytes, blockCrc, payload }: Extract<Frame, { type: 'piece' }>): void {
    const open = this.#open.get(block) ?? { bytes: blockBytes, crc: blockCrc, parts: new Map(), have: 0 };
    this.#open.set(block, open);
    open.parts.set(offset, payload.slice());
    open.have += payload.length;
    this.#bytes += payload.length;
    if (open.have < open.bytes) return;
    this.#open.delete(block);
    const bytes = new Uint8Array(open.bytes);
    for (const [at, part] of open.parts) bytes.set(part, at);
    if (crc32Bytes(bytes) !== open.crc) {
      this.refuse(
        `Block ${block} came whole, and its checksum is not the one it was read with: it was damaged before it was sent; start the transfer again.`,
      );
      return;
    }
    this.#ready.set(block, { bytes, pieces: open.parts.size });
    this.#readyPieces += open.parts.size;
  }

  #hearFinish({ pieces, blocks }: Extract<Frame, { type: 'finish' }>): void {
    if (blocks < this.#taken || pieces < this.#next) {
      this.refuse(
        `The other side ends after ${blocks} blocks, and ${this.#taken} came; start the transfer again.`,
      );
      return;
    }
    this.#end ??= { pieces, blocks };
    if (this.#taken === blocks && this.#status === 'receiving') this.#status = 'whole';
  }

  #ack(): Frame {
    const { windowPieces = WINDOW_PIECES } = this.#options;
    const room = Math.max(0, Math.min(windowPieces, MOST_WINDOW) - this.#readyPieces);
    if (!this.#paused) this.#promised = Math.max(this.#promised, this.#next + room);
    return {
      type: 'ack',
      serial: this.#serial++,
      next: this.#next,
      limit: this.#promised,
      paused: this.#paused,
      beyond: [...this.#beyond],
    };
  }

  #fail(sentence: string): void {
    this.#status = 'failed';
    this.#reason = sentence;
    this.#open.clear();
    this.#ready.clear();
  }

  #frame(frame: Frame): Uint8Array<ArrayBuffer> {
    return encodeFrame({ transfer: this.#transfer, receiver: this.#options.receiver }, frame);
  }
}
