/**
 * The way to another machine: a WebRTC data channel whose offer and answer people carry over themselves, by chat or mail.
 * No server of ours and none of others: without a STUN address that somebody enters, only addresses of the own network
 * are tried.
 */
import type { Fault } from './faults.ts';

export type LinkStatus = 'none' | 'offering' | 'answering' | 'connecting' | 'open' | 'closed';

const PREFIX = { offer: 'kvlab-offer.', answer: 'kvlab-answer.' } as const;
type Kind = keyof typeof PREFIX;

/** Texts of this kind have a few kB. */
const MOST_CHARACTERS = 65_536;
/** Addresses are gathered so long at the most; those that were found by then are sent. */
const GATHER_MS = 3000;

export class MachineLink {
  status: LinkStatus = $state('none');
  /** To be carried to the other machine. */
  text: string | null = $state(null);
  /** Pasted from there. */
  pasted = $state('');
  /** host:port of a STUN server; empty: none. */
  stun = $state('');
  fault: Fault | null = $state.raw(null);
  channel: RTCDataChannel | null = $state.raw(null);
  #connection: RTCPeerConnection | null = null;
  readonly #onOpen: () => void;

  /** @param onOpen told each time that the other machine is reached */
  constructor(onOpen: () => void) {
    this.#onOpen = onOpen;
  }

  /** Makes the offer. */
  async offer(): Promise<void> {
    const connection = this.#open('offering');
    if (!connection) return;
    this.#take(connection.createDataChannel('kvlab', { ordered: false }));
    await this.#guarded(async () => {
      await connection.setLocalDescription(await connection.createOffer());
      this.text = await described(connection, 'offer');
    });
  }

  /** Answers the offer that was pasted. */
  async answer(): Promise<void> {
    const offer = this.#read('offer');
    const connection = offer === null ? null : this.#open('answering');
    if (!connection || offer === null) return;
    connection.ondatachannel = ({ channel }) => this.#take(channel);
    await this.#guarded(async () => {
      await connection.setRemoteDescription({ type: 'offer', sdp: offer });
      await connection.setLocalDescription(await connection.createAnswer());
      this.text = await described(connection, 'answer');
    });
  }

  /** Takes the answer that was pasted. */
  async connect(): Promise<void> {
    const answer = this.#read('answer');
    const connection = this.#connection;
    if (answer === null || !connection) return;
    this.status = 'connecting';
    this.fault = null;
    await this.#guarded(() => connection.setRemoteDescription({ type: 'answer', sdp: answer }));
  }

  close(): void {
    this.channel?.close();
    this.#connection?.close();
    this.#connection = null;
    this.channel = null;
    this.text = null;
    this.pasted = '';
    this.status = 'none';
  }

  #open(status: LinkStatus): RTCPeerConnection | null {
    const { stun, pasted } = this;
    this.close();
    this.pasted = pasted;
    this.fault = null;
    const address = stun.trim();
    if (address !== '' && !/^[a-z0-9.-]{1,253}(:\d{1,5})?$/i.test(address)) {
      this.#fail(
        `“${address.slice(0, 60)}” is no address of a STUN server; write host or host:port, or leave it empty.`,
      );
      return null;
    }
    if (typeof RTCPeerConnection === 'undefined') {
      this.#fail(
        'This browser offers no WebRTC, so no other machine can be reached; keep the sequence as a file.',
      );
      return null;
    }
    const connection = new RTCPeerConnection({
      iceServers: address === '' ? [] : [{ urls: `stun:${address}` }],
    });
    connection.onconnectionstatechange = () => {
      if (connection !== this.#connection) return;
      if (['failed', 'closed'].includes(connection.connectionState)) this.#lost();
    };
    this.#connection = connection;
    this.status = status;
    return connection;
  }

  #take(channel: RTCDataChannel): void {
    channel.onopen = () => {
      this.channel = channel;
      this.status = 'open';
      this.text = null;
      this.pasted = '';
      this.#onOpen();
    };
    channel.onclose = () => {
      if (this.channel === channel) this.#lost();
    };
    if (channel.readyState === 'open') channel.onopen(new Event('open'));
  }

  #lost(): void {
    const wasOpen = this.status === 'open';
    this.channel = null;
    this.status = 'closed';
    this.#fail(
      wasOpen
        ? 'The connection to the other machine ended; make a new offer there and here, and what has arrived is kept.'
        : 'The other machine was not reached: the two are on networks that see no path to each other; enter a STUN server on both sides, or keep the sequence as a file.',
    );
  }

  async #guarded(task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#fail(`The browser did not take that text (${why.slice(0, 160)}); copy it again, whole.`);
    }
  }

  #read(kind: Kind): string | null {
    const read = readSignal(this.pasted, kind);
    if (!read.ok) this.#fail(read.sentence);
    return read.ok ? read.value : null;
  }

  #fail(text: string): void {
    this.fault = { code: 'link', text };
  }
}

/** The session description in a pasted text. */
export function readSignal(
  text: string,
  kind: Kind,
): { readonly ok: true; readonly value: string } | { readonly ok: false; readonly sentence: string } {
  const trimmed = text.replace(/\s+/g, '');
  const other: Kind = kind === 'offer' ? 'answer' : 'offer';
  const refuse = (sentence: string) => ({ ok: false, sentence }) as const;
  if (trimmed === '') return refuse(`Paste the ${kind} of the other machine first.`);
  if (trimmed.startsWith(PREFIX[other]))
    return refuse(
      `That is ${other === 'offer' ? 'an offer' : 'an answer'}; the ${kind} of the other machine belongs here.`,
    );
  if (!trimmed.startsWith(PREFIX[kind]) || trimmed.length > MOST_CHARACTERS)
    return refuse(
      `That text of ${trimmed.length} characters is no ${kind} of KV Lab; it begins with ${PREFIX[kind]}`,
    );
  try {
    const bytes = Uint8Array.from(atob(trimmed.slice(PREFIX[kind].length)), (char) => char.charCodeAt(0));
    return { ok: true, value: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return refuse(`The ${kind} was not copied whole; copy it again from its first to its last character.`);
  }
}

export function writeSignal(sdp: string, kind: Kind): string {
  const bytes = new TextEncoder().encode(sdp);
  return PREFIX[kind] + btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

/** The local description once its addresses are known. */
async function described(connection: RTCPeerConnection, kind: Kind): Promise<string> {
  if (connection.iceGatheringState !== 'complete') {
    await new Promise<void>((resolve) => {
      setTimeout(resolve, GATHER_MS);
      connection.addEventListener('icegatheringstatechange', () => {
        if (connection.iceGatheringState === 'complete') resolve();
      });
    });
  }
  return writeSignal(connection.localDescription?.sdp ?? '', kind);
}
