/**
 * Where the page joins a worker's pipe to: another port, the other tabs of this browser, or another machine.
 *
 * A bridge carries messages and knows nothing of what is in them; what is lost on the way is sent again by the workers.
 */

export interface Bridge {
  /** Ends it; both sides fall silent. */
  close(): void;
}

/** Other tabs of this page, on this machine and in this browser profile. */
export const TAB_CHANNEL = 'kvlab-transfer';

/** What stands for a channel, so that tests need no browser. */
export interface FarEnd {
  /** False: it takes no more right now, and this message is lost. */
  send(bytes: Uint8Array<ArrayBuffer>): boolean;
  hear(listener: (bytes: Uint8Array<ArrayBuffer>) => void): void;
  close(): void;
}

export function bridge(near: MessagePort, far: FarEnd): Bridge {
  near.onmessage = ({ data }: MessageEvent<unknown>) => {
    const bytes = messageBytes(data);
    if (bytes) far.send(bytes);
  };
  far.hear((bytes) => near.postMessage(bytes, [bytes.buffer]));
  return {
    close() {
      near.onmessage = null;
      far.close();
      near.close();
    },
  };
}

/** Largest message of a transfer: a piece with its head, or the first word. */
const MOST_MESSAGE_BYTES = 256 * 1024;

/** Bytes of a message; null for anything that none of ours is. */
export function messageBytes(data: unknown): Uint8Array<ArrayBuffer> | null {
  const bytes =
    data instanceof ArrayBuffer
      ? new Uint8Array(data)
      : data instanceof Uint8Array
        ? new Uint8Array(data)
        : null;
  return bytes && bytes.length <= MOST_MESSAGE_BYTES ? bytes : null;
}

export function tabsEnd(name = TAB_CHANNEL): FarEnd {
  const channel = new BroadcastChannel(name);
  return {
    send(bytes) {
      channel.postMessage(bytes);
      return true;
    },
    hear(listener) {
      channel.onmessage = ({ data }: MessageEvent<unknown>) => {
        const bytes = messageBytes(data);
        if (bytes) listener(bytes);
      };
    },
    close: () => channel.close(),
  };
}

/** Bytes that may wait in a data channel: more than a window, less than what makes a browser close it. */
const MOST_BUFFERED = 8 * 1024 * 1024;

/** An open data channel. What it can't take is lost, and comes again. */
export function dataChannelEnd(channel: RTCDataChannel): FarEnd {
  channel.binaryType = 'arraybuffer';
  return {
    send(bytes) {
      if (channel.readyState !== 'open' || channel.bufferedAmount + bytes.length > MOST_BUFFERED)
        return false;
      channel.send(bytes);
      return true;
    },
    hear(listener) {
      channel.onmessage = ({ data }: MessageEvent<unknown>) => {
        const bytes = messageBytes(data);
        if (bytes) listener(bytes);
      };
    },
    // The machine stays connected: the next sequence may take the same channel.
    close: () => (channel.onmessage = null),
  };
}
