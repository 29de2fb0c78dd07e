/**
 * One request and its stream: when each piece of text came, and what the server counted.
 *
 * A piece's time is when the bytes that complete its event were read. Servers may put several tokens into an event, and
 * the network several events into a read: the count of tokens is the server's, the times are of pieces.
 */
import { headersOf, withoutSecrets, type Endpoint } from './endpoint.ts';
import { EndpointError, faultOfFetch, faultOfStatus, notAnApi } from './fault.ts';
import { bodyOf, readEvent, type Asked, type StreamEvent, type Usage } from './request.ts';
import { EventStreamReader, EventTooLongError } from './sse.ts';

/** Filled while the stream comes, so that what came before a fault is kept. */
export interface Streamed {
  /** On the endpoint's clock. */
  chunkMs: number[];
  text: string;
  usage: Usage | null;
}

export function emptyStream(): Streamed {
  return { chunkMs: [], text: '', usage: null };
}

const NO_USAGE: Usage = { promptTokens: null, outputTokens: null, cachedTokens: null };
const MAX_ERROR_CHARACTERS = 4000;
/** What a server may take to end an answer after its [DONE]. */
const DRAIN_MS = 250;

export interface StreamOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Whether the request may take a connection that is open; a browser does not ask. */
  readonly reuse?: boolean;
}

/** @throws EndpointError of the kind that it is; what came until then is in `into` */
export async function stream(
  endpoint: Endpoint,
  asked: Asked,
  into: Streamed,
  { signal, timeoutMs, reuse = false }: StreamOptions,
): Promise<void> {
  const controller = new AbortController();
  let timedOut = false;
  const stop = (): void => controller.abort();
  const timer = setTimeout(() => {
    timedOut = true;
    stop();
  }, timeoutMs);
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  let [began, over] = [false, false];
  try {
    const path = asked.api === 'chat' ? 'chat/completions' : 'completions';
    const response = await endpoint.fetch(`${endpoint.api}/${path}`, {
      method: 'POST',
      headers: { ...headersOf(endpoint), ...(reuse ? {} : { connection: 'close' }) },
      body: bodyOf(asked),
      signal: controller.signal,
      redirect: 'error',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
    });
    began = true;
    await readAnswer(response, endpoint, into);
    over = true;
  } catch (error) {
    if (signal.aborted) throw new EndpointError('cancelled', 'The request was cancelled.');
    if (timedOut) {
      const seconds = timeoutMs / 1000;
      throw new EndpointError(
        'timeout',
        `The request was not over after ${seconds} s (client.timeoutSeconds); raise it or lower the load.`,
      );
    }
    throw faultOfFetch(error, began);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    // A stream that is left in the middle is closed, so that the server stops as well.
    if (!over) controller.abort();
  }
}

async function readAnswer(response: Response, endpoint: Endpoint, into: Streamed): Promise<void> {
  if (!response.ok) {
    const body = (await response.text()).slice(0, MAX_ERROR_CHARACTERS);
    throw faultOfStatus(response.status, body, endpoint);
  }
  const type = response.headers.get('content-type') ?? '';
  if (/html/i.test(type)) throw notAnApi(response.status);
  if (/application\/json/i.test(type)) {
    const event = readEvent((await response.text()).slice(0, MAX_ERROR_CHARACTERS));
    if (event?.error != null) throw failure(event.error, endpoint);
    throw new EndpointError(
      'not streamed',
      'The server answers in one piece and not as a stream, so times per token can’t be told; let it stream.',
      response.status,
    );
  }
  if (response.body === null) throw empty();
  const reader = response.body.getReader();
  const state = { done: false, finished: false };
  const events = new EventStreamReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      const now = endpoint.now();
      // What is no event at the very end was cut inside.
      const whole = done ? events.end().filter(isWhole) : events.push(value);
      for (const data of whole) take(data, now, into, state, endpoint);
      if (done) break;
      if (state.done) {
        await drained(reader);
        break;
      }
    }
  } catch (error) {
    reader.cancel().catch(() => undefined);
    if (!(error instanceof EventTooLongError)) throw error;
    throw new EndpointError('unreadable stream', error.message);
  }
  if (!state.done && !state.finished) {
    throw new EndpointError(
      'stream cut',
      `The stream ended after ${into.chunkMs.length} ${into.chunkMs.length === 1 ? 'piece' : 'pieces'} without its end; the server or a proxy cut it.`,
    );
  }
  if (into.chunkMs.length === 0) throw empty();
}

function isWhole(data: string): boolean {
  return data.trim() === '[DONE]' || readEvent(data) !== null;
}

/** A connection whose answer was read to its end can be used again; a server that never ends it is left. */
async function drained(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  const timer = setTimeout(() => void reader.cancel().catch(() => undefined), DRAIN_MS);
  try {
    while (!(await reader.read()).done);
  } catch {
    // All that was asked for has come; how the connection ends is no fault of the request.
  } finally {
    clearTimeout(timer);
  }
}

function take(
  data: string,
  nowMs: number,
  into: Streamed,
  state: { done: boolean; finished: boolean },
  endpoint: Endpoint,
): void {
  if (state.done) return;
  if (data.trim() === '[DONE]') {
    state.done = true;
    return;
  }
  const event = readEvent(data);
  if (event === null) {
    throw new EndpointError(
      'unreadable stream',
      `Event ${into.chunkMs.length + 1} of the stream is no JSON; the server, or a proxy in between, speaks another language.`,
    );
  }
  if (event.error !== null) throw failure(event.error, endpoint);
  keep(event, nowMs, into);
  if (event.finished) state.finished = true;
}

function keep({ text, usage }: StreamEvent, nowMs: number, into: Streamed): void {
  if (text !== '') {
    into.chunkMs.push(nowMs);
    into.text += text;
  }
  if (usage !== null) into.usage = { ...(into.usage ?? NO_USAGE), ...usage };
}

function failure(message: string, endpoint: Endpoint): EndpointError {
  const said = withoutSecrets(message, endpoint).slice(0, 160);
  return new EndpointError('server error', `The server failed in its answer: ${said}`);
}

function empty(): EndpointError {
  return new EndpointError(
    'no tokens',
    'The server ended the stream without a token; raise workload.outputTokens or check the model.',
  );
}
