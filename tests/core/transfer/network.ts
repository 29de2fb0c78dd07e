/** Two ends of a transfer on a channel that loses, doubles, reorders and damages, in time that is only counted. */
import { createRandom, type Random } from '../../../src/core/random.ts';
import type { TransferHeader } from '../../../src/core/transfer/package.ts';
import { TransferReceiver, type ReceiverOptions } from '../../../src/core/transfer/receiver.ts';
import { TransferSender } from '../../../src/core/transfer/sender.ts';

export interface Trouble {
  readonly lost: number;
  readonly doubled: number;
  readonly damaged: number;
  /** Each message takes 1 ms and up to so many more. */
  readonly spreadMs: number;
}

export const QUIET: Trouble = { lost: 0, doubled: 0, damaged: 0, spreadMs: 0 };

export const HEADER: TransferHeader = {
  kind: 'sequence',
  model: { name: 'test', fingerprint: '0123456789abcdef0123456789abcdef' },
  shape: { format: 'f32', layers: 1, kvHeads: 1, headDim: 16, blockSize: 8, residualTokens: 0 },
};

interface Message {
  readonly atMs: number;
  readonly order: number;
  readonly to: 'sender' | 'receiver';
  readonly bytes: Uint8Array;
}

export class Network {
  nowMs = 0;
  readonly random: Random;
  sender: TransferSender;
  receiver: TransferReceiver;
  /** What the consumer took. */
  taken: Uint8Array[] = [];
  /** Most bytes that waited at the receiver. */
  mostHeld = 0;
  messages = 0;
  /** Whether the consumer takes what is ready. */
  takes = true;
  #trouble: Trouble;
  #onWay: Message[] = [];
  #cut = false;
  #receiverOptions: Partial<ReceiverOptions>;
  #receivers = 0;

  constructor(
    seed: number,
    trouble: Trouble,
    options: Partial<ReceiverOptions> & { readonly pieceBytes?: number } = {},
  ) {
    this.random = createRandom(seed);
    this.#trouble = trouble;
    const { pieceBytes = 100, ...receiver } = options;
    this.#receiverOptions = receiver;
    const head = new TextEncoder().encode(JSON.stringify(HEADER));
    this.sender = new TransferSender('00112233445566ff', head, { pieceBytes });
    this.receiver = this.newReceiver();
  }

  newReceiver(): TransferReceiver {
    return new TransferReceiver({ receiver: ++this.#receivers, judge: () => null, ...this.#receiverOptions });
  }

  /** Nothing passes any more, and what was on its way is gone. */
  cut(): void {
    this.#cut = true;
    this.#onWay = [];
  }

  mend(): void {
    this.#cut = false;
    this.sender.reconnect();
  }

  /** Runs until the sender is done or failed, or the time is over. */
  run(untilMs: number, each: () => void = () => undefined): void {
    while (this.nowMs < untilMs && this.sender.status !== 'done' && this.sender.status !== 'failed') {
      this.#exchange();
      each();
      const next = this.#onWay.reduce((least, { atMs }) => Math.min(least, atMs), Infinity);
      const wake = this.sender.wakeMs ?? Infinity;
      this.nowMs = Math.max(this.nowMs + 1, Math.min(next, wake, untilMs));
      this.#deliver();
    }
  }

  #exchange(): void {
    for (const bytes of this.sender.poll(this.nowMs)) this.#post('receiver', bytes);
    if (this.takes) this.taken.push(...this.receiver.take());
    if (this.receiver.status === 'whole') this.receiver.settle();
    for (const bytes of this.receiver.poll()) this.#post('sender', bytes);
    this.mostHeld = Math.max(this.mostHeld, this.receiver.heldBytes);
  }

  #post(to: Message['to'], bytes: Uint8Array): void {
    this.messages++;
    if (this.#cut) return;
    const { lost, doubled, damaged, spreadMs } = this.#trouble;
    const copies = this.random.uniform() < lost ? 0 : this.random.uniform() < doubled ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const sent = bytes.slice();
      if (this.random.uniform() < damaged) {
        const at = this.random.below(sent.length);
        sent[at] = (sent[at] ?? 0) ^ (1 << this.random.below(8));
      }
      const atMs = this.nowMs + 1 + (spreadMs > 0 ? this.random.below(spreadMs) : 0);
      this.#onWay.push({ atMs, order: this.messages, to, bytes: sent });
    }
  }

  #deliver(): void {
    const due = this.#onWay.filter(({ atMs }) => atMs <= this.nowMs);
    this.#onWay = this.#onWay.filter(({ atMs }) => atMs > this.nowMs);
    due.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
    for (const { to, bytes } of due) this[to].receive(bytes, this.nowMs);
  }
}

/** Blocks of drawn sizes and bytes; the last stands for the trailer. */
export function drawnBlocks(random: Random, count: number, most: number): Uint8Array[] {
  return Array.from({ length: count }, () =>
    Uint8Array.from({ length: 1 + random.below(most) }, () => random.below(256)),
  );
}
