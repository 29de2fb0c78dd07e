/**
 * Runs the two halves of a transfer (src/core/transfer) over a pipe: polls, sends, waits for what is heard or for the
 * clock. A pipe is a MessagePort, or whatever a page puts behind one; it may be mended underneath while this runs.
 */
import { TransferError } from '../../core/transfer/error.ts';
import type { TransferReceiver } from '../../core/transfer/receiver.ts';
import type { TransferSender } from '../../core/transfer/sender.ts';

export interface Pipe {
  send(bytes: Uint8Array<ArrayBuffer>): void;
  /** Bytes that it takes now without piling them up. */
  room(): number;
  /** Told of each message, until the function that it returns is called. */
  listen(listener: (bytes: Uint8Array) => void): () => void;
}

export interface DriveHooks {
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly onProgress?: () => void;
}

/** Gives the sender more: 'more' where it is to be asked again at once, 'wait' when something was heard, 'end'. */
export type Feed = () => Promise<'more' | 'wait' | 'end'>;

/** Longest sleep: a pipe may have room again without saying so. */
const NAP_MS = 50;

/** @throws TransferError when the other side refused; AbortError */
export async function driveSender(
  sender: TransferSender,
  pipe: Pipe,
  feed: Feed,
  { now, signal, onProgress }: DriveHooks,
): Promise<void> {
  const bell = new Bell();
  const deafen = pipe.listen((bytes) => {
    sender.receive(bytes, now());
    bell.ring();
  });
  const stop = () => bell.ring();
  signal.addEventListener('abort', stop);
  const isDone = () => sender.status === 'done';
  let fed: 'more' | 'wait' | 'end' = 'more';
  try {
    while (!isDone()) {
      if (sender.status === 'failed')
        throw new TransferError('refused', sender.reason ?? 'The transfer failed.');
      if (signal.aborted) {
        pipe.send(sender.stop('it was cancelled there.'));
        throw new DOMException('Cancelled.', 'AbortError');
      }
      for (const frame of sender.poll(now(), pipe.room())) pipe.send(frame);
      onProgress?.();
      if (fed !== 'end') fed = await feed();
      if (isDone()) break;
      const wakeMs = fed === 'more' ? 0 : Math.max(0, (sender.wakeMs ?? Infinity) - now());
      await bell.wait(Math.min(wakeMs, NAP_MS));
    }
    onProgress?.();
  } finally {
    deafen();
    signal.removeEventListener('abort', stop);
  }
}

/**
 * Hears until everything is there.
 * @param onBlocks takes what is whole, in order; as long as it works on it the sender is held back
 * @throws TransferError when either side gave up; AbortError
 */
export async function driveReceiver(
  receiver: TransferReceiver,
  pipe: Pipe,
  onBlocks: (blocks: readonly Uint8Array[]) => void | Promise<void>,
  { now, signal, onProgress }: DriveHooks,
): Promise<void> {
  const bell = new Bell();
  const answer = () => {
    for (const frame of receiver.poll()) pipe.send(frame);
  };
  const deafen = pipe.listen((bytes) => {
    receiver.receive(bytes, now());
    bell.ring();
  });
  const stop = () => bell.ring();
  signal.addEventListener('abort', stop);
  try {
    while (receiver.status !== 'whole' && receiver.status !== 'done') {
      if (signal.aborted) receiver.refuse('It was cancelled there.');
      const blocks = receiver.take();
      if (blocks.length > 0) await onBlocks(blocks);
      answer();
      onProgress?.();
      if (signal.aborted) throw new DOMException('Cancelled.', 'AbortError');
      if (receiver.status === 'failed')
        throw new TransferError('refused', receiver.reason ?? 'The transfer failed.');
      if (receiver.status === 'receiving' || receiver.status === 'waiting') await bell.wait(NAP_MS * 4);
    }
  } finally {
    deafen();
    signal.removeEventListener('abort', stop);
  }
}

/** How long a receiver that is done goes on saying so, because its last word may have been lost. */
const LINGER_MS = 10_000;

/** Tells the sender that what came is in use, or why not, and says it again to whoever asks. */
export function concludeReceiver(
  receiver: TransferReceiver,
  pipe: Pipe,
  { now, signal }: Pick<DriveHooks, 'now' | 'signal'>,
): void {
  const answer = () => {
    for (const frame of receiver.poll()) pipe.send(frame);
  };
  answer();
  const deafen = pipe.listen((bytes) => {
    receiver.receive(bytes, now());
    answer();
  });
  const timer = setTimeout(deafen, LINGER_MS);
  signal.addEventListener('abort', () => {
    clearTimeout(timer);
    deafen();
  });
}

/** Something happened; whoever waits looks again. */
class Bell {
  #rung = false;
  #wake: (() => void) | null = null;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  async wait(mostMs: number): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, mostMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#wake = null;
    this.#rung = false;
  }
}

/** A port as a pipe. Ports pile up without limit, so what was sent and is not known to be there is the bound: the window. */
export function portPipe(port: MessagePort): Pipe {
  return {
    send: (bytes) => port.postMessage(bytes, [bytes.buffer]),
    room: () => Infinity,
    listen(listener) {
      const hear = ({ data }: MessageEvent<unknown>) => {
        if (data instanceof Uint8Array) listener(data);
        else if (data instanceof ArrayBuffer) listener(new Uint8Array(data));
      };
      port.addEventListener('message', hear);
      port.start();
      return () => port.removeEventListener('message', hear);
    },
  };
}
