/**
 * The hub over HTTP: what a repository holds, and stretches of its files.
 *
 * Paths: `/api/models/{repository}/revision/{revision}` and `/{repository}/resolve/{revision}/{file}`
 * (huggingface.co/docs/hub/api); files redirect to the store that has them, which answers ranges. A connection that breaks
 * is taken up where it broke. Left out: checksums of large files, for which a browser would have to hold them whole.
 */
import * as v from 'valibot';
import { parseJsonFile, fitting } from '../files/json-file.ts';
import { ModelError, throwIfCancelled } from '../files/error.ts';
import { brokeOff, refusal, unreachable, whatOf, type Asked } from './faults.ts';
import { fileAddress, isFileName, modelAddress, type Repository } from './repository.ts';

export interface HubFile {
  readonly name: string;
  readonly size: number;
}

export interface HubListing {
  /** The commit that the revision stood for. */
  readonly commit: string;
  readonly files: readonly HubFile[];
}

export interface HubConnection {
  /** Address without a slash at its end. */
  readonly hub: string;
  readonly token: string | null;
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds before a broken or refused request is tried again, by attempt from 0. Tests make it short. */
  readonly pauseMs: (attempt: number) => number;
}

/** In a row without anything new; a connection that breaks again and again but brings something goes on. */
const ATTEMPTS = 4;
const PROGRESS_BYTES = 65_536;
/** A pause that a server asks for is kept up to here; beyond, its refusal is told. */
const LONGEST_PAUSE_MS = 20_000;
/** A connection that is silent for so long is dead. */
const SILENCE_MS = 30_000;
const MAX_LISTING_BYTES = 16 * 2 ** 20;
/** A server that ignores ranges sends a file from its start each time; so much may be thrown away. */
const MOST_SKIPPED_BYTES = 64 * 2 ** 20;

const Size = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 43));
const Listing = v.object({
  sha: v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/, 'is no commit.')),
  siblings: v.pipe(
    v.array(v.object({ rfilename: v.string(), size: v.optional(v.nullable(Size)) })),
    v.maxLength(20_000),
  ),
});

/** @throws ModelError `http`, `network`, `corrupt`, `cancelled` */
export async function listModel(
  connection: HubConnection,
  repository: Repository,
  signal?: AbortSignal,
): Promise<HubListing> {
  const asked: Asked = {
    hub: connection.hub,
    repository,
    file: null,
    hasToken: connection.token !== null,
    isKept: false,
  };
  const address = modelAddress(connection.hub, repository);
  const text = await persist(connection, asked, signal, async (own) => {
    const response = await send(connection, address, {}, asked, own);
    return readBounded(response, MAX_LISTING_BYTES, asked);
  });
  const name = `the listing of ${repository.id}`;
  const { sha, siblings } = fitting(name, Listing, parseJsonFile(name, text));
  const files = siblings.flatMap(({ rfilename, size }) =>
    isFileName(rfilename) && typeof size === 'number' ? [{ name: rfilename, size }] : [],
  );
  return { commit: sha, files };
}

/**
 * Exactly the bytes [from, to) of a file.
 * @param onBytes called with each piece's length as it comes
 * @throws ModelError
 */
export async function readRange(
  connection: HubConnection,
  asked: Asked & { readonly file: string },
  file: HubFile,
  from: number,
  to: number,
  options: { readonly signal?: AbortSignal | undefined; readonly onBytes?: (bytes: number) => void } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(to - from);
  const address = fileAddress(connection.hub, asked.repository, file.name);
  let have = 0;
  await persist(connection, asked, options.signal, async (own, alive) => {
    const whole = from === 0 && to === file.size && have === 0;
    const headers: Record<string, string> = whole ? {} : { range: `bytes=${from + have}-${to - 1}` };
    const response = await send(connection, address, headers, asked, own);
    let skip = checkRange(response, asked, file, from + have);
    for await (const piece of piecesOf(response)) {
      alive();
      const useful = piece.subarray(Math.min(skip, piece.length)).subarray(0, bytes.length - have);
      skip = Math.max(0, skip - piece.length);
      bytes.set(useful, have);
      have += useful.length;
      if (useful.length > 0) options.onBytes?.(useful.length);
      if (have === bytes.length) break;
    }
    if (have < bytes.length) throw new Broken(from + have, file.size);
  });
  return bytes;
}

/** The connection broke in the middle; what came until then counts. */
class Broken extends Error {
  readonly at: number;
  readonly size: number;
  constructor(at: number, size: number) {
    super('broken');
    this.at = at;
    this.size = size;
  }
}

/** A refusal that may pass. */
class Busy extends Error {
  readonly fault: ModelError;
  readonly pauseMs: number | null;
  constructor(fault: ModelError, pauseMs: number | null) {
    super(fault.message);
    this.fault = fault;
    this.pauseMs = pauseMs;
  }
}

/** Tries until it works, the attempts are used up, or the fault is one that stays. */
async function persist<T>(
  connection: HubConnection,
  asked: Asked,
  signal: AbortSignal | undefined,
  once: (signal: AbortSignal, alive: () => void) => Promise<T>,
): Promise<T> {
  let reached = 0;
  for (let attempt = 0; ; attempt++) {
    throwIfCancelled(signal);
    const guard = silenceGuard(signal);
    try {
      return await once(guard.signal, guard.alive);
    } catch (error) {
      throwIfCancelled(signal);
      if (error instanceof ModelError) throw error;
      if (error instanceof Broken && error.at >= reached + PROGRESS_BYTES) {
        reached = error.at;
        attempt = 0;
      }
      const last = attempt + 1 >= ATTEMPTS;
      const asks = error instanceof Busy ? error.pauseMs : null;
      if (error instanceof Busy && (last || (asks ?? 0) > LONGEST_PAUSE_MS)) throw error.fault;
      if (last) throw error instanceof Broken ? brokeOff(asked, error.at, error.size) : unreachable(asked);
      await pause(Math.max(asks ?? 0, connection.pauseMs(attempt)), signal);
    } finally {
      guard.end();
    }
  }
}

function silenceGuard(signal: AbortSignal | undefined) {
  const own = new AbortController();
  let timer = setTimeout(() => own.abort(), SILENCE_MS);
  return {
    signal: signal ? AbortSignal.any([signal, own.signal]) : own.signal,
    alive: () => {
      clearTimeout(timer);
      timer = setTimeout(() => own.abort(), SILENCE_MS);
    },
    end: () => clearTimeout(timer),
  };
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}

/** @throws ModelError for refusals that stay, Busy for those that pass, whatever fetch throws without an answer. */
async function send(
  { fetch, token }: HubConnection,
  address: string,
  headers: Readonly<Record<string, string>>,
  asked: Asked,
  signal: AbortSignal,
): Promise<Response> {
  // A redirect to another host drops the token: browsers and Node take Authorization off by themselves.
  const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(address, {
    headers: { ...headers, ...authorization },
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
    cache: 'no-store',
    signal,
  });
  if (response.ok) return response;
  await response.body?.cancel();
  const after = Number.parseInt(response.headers.get('retry-after') ?? '', 10);
  const seconds = Number.isInteger(after) && after >= 0 ? after : null;
  const fault = refusal(response.status, asked, seconds);
  const passes = response.status === 429 || response.status >= 500;
  throw passes ? new Busy(fault, seconds === null ? null : seconds * 1000) : fault;
}

/** Bytes to skip until the wanted one. @throws ModelError where the answer is another stretch or another file. */
function checkRange(response: Response, asked: Asked, file: HubFile, from: number): number {
  if (response.status !== 206) {
    if (from <= MOST_SKIPPED_BYTES) return from;
    throw new ModelError(
      'unsupported',
      `The server of ${whatOf(asked)} answers no ranges, so a file of ${file.size} bytes can't be read in parts; download it and choose it as a file.`,
    );
  }
  const [, start, total] =
    /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '') ?? [];
  // A server that does not let pages read Content-Range is taken at its status.
  if (start === undefined) return 0;
  if (Number(start) === from && (total === '*' || Number(total) === file.size)) return 0;
  throw new ModelError(
    'corrupt',
    `${whatOf(asked)} has ${total} bytes where its listing says ${file.size}; it was changed meanwhile: load it again.`,
    { size: Number(total), listed: file.size },
  );
}

async function* piecesOf(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      // A connection that breaks rejects here; what came before has been taken.
      const next = await reader.read().catch(() => null);
      if (next === null || next.done) return;
      yield next.value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function readBounded(response: Response, most: number, asked: Asked): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of piecesOf(response)) {
    size += piece.length;
    if (size > most)
      throw new ModelError(
        'too-large',
        `The hub's answer for ${whatOf(asked)} is larger than ${most} bytes.`,
      );
    pieces.push(piece);
  }
  const decoder = new TextDecoder();
  return pieces.map((piece) => decoder.decode(piece, { stream: true })).join('') + decoder.decode();
}
