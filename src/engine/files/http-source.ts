/**
 * A file behind an address, read in ranges; a connection that breaks is taken up again at the byte it broke at.
 *
 * A server without ranges answers with the whole file: it is then downloaded once and kept. A file that changes between
 * two requests is noticed by its ETag or its length.
 *
 * Boundary: one file. Which files a repository has, and its cache in the browser, is for hub/.
 */
import { endsBefore, type ByteSource } from './byte-source.ts';
import { ModelError, throwIfCancelled } from './error.ts';

export interface HttpOptions {
  /** For people and errors; left out: the end of the address. */
  readonly name?: string;
  readonly fetch?: typeof fetch;
  readonly headers?: Readonly<Record<string, string>>;
  /** How often in a row a request that brought nothing is repeated. */
  readonly retries?: number;
  /** Waits before a repetition; for tests. */
  readonly wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** A connection that brings nothing for so long counts as broken. */
  readonly stallMs?: number;
  /** Most bytes that are kept of a server without ranges. */
  readonly maxWholeBytes?: number;
}

export interface HttpSource extends ByteSource {
  /** Bytes that came over the network so far. */
  readonly receivedBytes: number;
}

const RETRIES = 4;
const WHOLE_BYTES = 2 ** 31;
const FIRST_WAIT_MS = 250;
const STALL_MS = 30_000;

/** The last part of an address, for people. */
export function nameOf(address: string): string {
  const last = address.split(/[?#]/)[0]?.replace(/\/+$/, '').split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/** What the server said of the file. */
interface Facts {
  readonly size: number;
  readonly etag: string | null;
}

/**
 * Asks for the file's length and whether the server knows ranges, with a range of one byte: HEAD is often answered by
 * somebody else than GET.
 * @throws ModelError `network`, `http` or `cancelled`
 */
export async function openHttp(
  url: string,
  options: HttpOptions = {},
  signal?: AbortSignal,
): Promise<HttpSource> {
  const source = new Http(url, options);
  await source.open(signal);
  return source;
}

class Http implements HttpSource {
  readonly name: string;
  readonly #url: string;
  readonly #options: HttpOptions;
  #facts: Facts | null = null;
  #whole: Uint8Array | null = null;
  receivedBytes = 0;

  constructor(url: string, options: HttpOptions) {
    this.#url = url;
    this.#options = options;
    this.name = options.name ?? nameOf(url);
  }

  get size(): number | null {
    return this.#facts?.size ?? null;
  }

  async open(signal?: AbortSignal): Promise<void> {
    await this.#persist(async (connection) => {
      let response = await connection.request('bytes=0-0');
      const range = contentRange(response);
      if (response.status === 206 && range) {
        this.#facts = { size: range[1], etag: response.headers.get('etag') };
        await response.body?.cancel();
        return;
      }
      if (response.status === 206) {
        // The server keeps Content-Range from pages of other origins, so there is no telling what a part is.
        await response.body?.cancel();
        response = await connection.request(null);
      }
      const bytes = await this.#drain(response, connection);
      this.#facts = { size: bytes.byteLength, etag: null };
      this.#whole = bytes;
    }, signal);
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    throwIfCancelled(signal);
    const facts = this.#facts;
    if (facts && offset + length > facts.size) throw endsBefore(this.name, offset, length, facts.size);
    if (this.#whole) return this.#whole.subarray(offset, offset + length);
    const out = new Uint8Array(length);
    let received = 0;
    if (length > 0) {
      await this.#persist(
        async (connection) => {
          const response = await connection.request(`bytes=${offset + received}-${offset + length - 1}`);
          this.#checkRange(response, offset + received);
          for await (const chunk of connection.chunks(response)) {
            if (received + chunk.byteLength > length) throw this.#broken('it sent more than was asked for');
            out.set(chunk, received);
            received += chunk.byteLength;
            this.receivedBytes += chunk.byteLength;
          }
          if (received < length) throw new Interrupted(received);
        },
        signal,
        () => received,
      );
    }
    return out;
  }

  /**
   * Repeats `attempt` while the connection breaks or the server is busy; a try that brought bytes does not count.
   * @param progress bytes so far
   */
  async #persist(
    attempt: (connection: Connection) => Promise<void>,
    signal: AbortSignal | undefined,
    progress: () => number = () => 0,
  ): Promise<void> {
    const { retries = RETRIES, wait = delay } = this.#options;
    let failures = 0;
    for (;;) {
      throwIfCancelled(signal);
      const before = progress();
      const connection = new Connection(this.#url, this.#options, signal, (status) => this.#refused(status));
      try {
        return await attempt(connection);
      } catch (error) {
        throwIfCancelled(signal);
        if (error instanceof ModelError && !(error instanceof Busy)) throw error;
        failures = progress() > before ? 0 : failures + 1;
        if (failures > retries) throw error instanceof Busy ? error : this.#unreachable(progress());
        await wait(FIRST_WAIT_MS * 2 ** Math.max(0, failures - 1), signal);
      } finally {
        connection.close();
      }
    }
  }

  #checkRange(response: Response, first: number): void {
    const facts = this.#facts;
    const range = response.status === 206 ? contentRange(response) : null;
    if (!range || range[0] !== first) throw this.#broken('it sent another part than was asked for');
    const etag = response.headers.get('etag');
    if (facts && (range[1] !== facts.size || (facts.etag !== null && etag !== null && etag !== facts.etag))) {
      throw this.#broken('the file was changed on the server while it was read');
    }
  }

  /** The whole body. */
  async #drain(response: Response, connection: Connection): Promise<Uint8Array> {
    const most = this.#options.maxWholeBytes ?? WHOLE_BYTES;
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of connection.chunks(response)) {
      parts.push(chunk);
      bytes += chunk.byteLength;
      this.receivedBytes += chunk.byteLength;
      if (bytes <= most) continue;
      throw new ModelError(
        'too-large',
        `The server of ${this.name} sends whole files only, and this one is larger than ${most} bytes; ` +
          'download it and give the file.',
      );
    }
    const announced = Number(response.headers.get('content-length') ?? bytes);
    // A compressed answer announces its compressed length.
    if (bytes < announced && response.headers.get('content-encoding') === null) throw new Interrupted(bytes);
    const out = new Uint8Array(bytes);
    let at = 0;
    for (const part of parts) {
      out.set(part, at);
      at += part.byteLength;
    }
    return out;
  }

  #unreachable(received: number): ModelError {
    const after = received === 0 ? '' : ` after ${received} bytes`;
    return new ModelError(
      'network',
      `${this.name} can't be reached${after}: the network is down or the server refuses this page; try again, or give the file itself.`,
    );
  }

  #broken(what: string): ModelError {
    return new ModelError('network', `The server of ${this.name} can't be used: ${what}.`);
  }

  #refused(status: number): ModelError {
    const sentence = `${this.name} can't be fetched: the server answers ${status}, ${meaningOf(status)}.`;
    const busy = status === 408 || status === 429 || status >= 500;
    return busy ? new Busy('http', sentence, { status }) : new ModelError('http', sentence, { status });
  }
}

/** The answer ended before the bytes did. */
class Interrupted extends Error {
  constructor(received: number) {
    super(`The connection broke after ${received} bytes.`);
  }
}

/** A refusal that may pass. */
class Busy extends ModelError {}

function meaningOf(status: number): string {
  if (status === 401 || status === 403) {
    return 'so it wants a sign-in or the licence accepted; download the files there and give them';
  }
  if (status === 404 || status === 410) return 'so there is no such file; check the name and the revision';
  if (status === 429) return 'so it is asked too often; wait a while';
  if (status >= 500) return 'so it has a fault of its own; try again later';
  return 'which it does not explain';
}

/** First byte and the file's length of a Content-Range; null without one. */
function contentRange(response: Response): [number, number] | null {
  const match = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get('content-range') ?? '');
  return match ? [Number(match[1]), Number(match[2])] : null;
}

/** One attempt: ended by the caller's signal, and by a server that falls silent. */
class Connection {
  readonly #url: string;
  readonly #options: HttpOptions;
  readonly #refused: (status: number) => ModelError;
  readonly #stalled = new AbortController();
  readonly #signal: AbortSignal;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    url: string,
    options: HttpOptions,
    signal: AbortSignal | undefined,
    refused: (status: number) => ModelError,
  ) {
    this.#url = url;
    this.#options = options;
    this.#refused = refused;
    this.#signal = signal ? AbortSignal.any([signal, this.#stalled.signal]) : this.#stalled.signal;
  }

  #heard(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#stalled.abort(), this.#options.stallMs ?? STALL_MS);
  }

  /** @param range null: the whole file */
  async request(range: string | null): Promise<Response> {
    this.#heard();
    const send = this.#options.fetch ?? fetch;
    const response = await send(this.#url, {
      headers: { ...this.#options.headers, ...(range !== null && { Range: range }) },
      signal: this.#signal,
    });
    if (response.status === 200 || response.status === 206) return response;
    await response.body?.cancel();
    throw this.#refused(response.status);
  }

  async *chunks(response: Response): AsyncGenerator<Uint8Array> {
    const reader = response.body?.getReader();
    if (!reader) return;
    try {
      for (;;) {
        this.#heard();
        const part = await reader.read();
        if (part.done) return;
        yield part.value;
      }
    } finally {
      await reader.cancel().catch(() => undefined);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}

/** Resolves after `ms`, or at once when the signal fires. */
function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}
