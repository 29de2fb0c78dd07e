/** What went wrong with a request: a kind to count by, and one clear sentence without an address or a key. */
import type { FaultKind } from '../core/run/load.ts';
import { withoutSecrets, type Endpoint } from './endpoint.ts';

const MAX_QUOTE = 160;

export class EndpointError extends Error {
  readonly code = 'endpoint';
  readonly kind: FaultKind;
  readonly status: number | null;

  constructor(kind: FaultKind, sentence: string, status: number | null = null) {
    super(sentence.slice(0, 400));
    this.name = 'EndpointError';
    this.kind = kind;
    this.status = status;
  }
}

/** Faults that may be gone a moment later. */
const PASSING: ReadonlySet<FaultKind> = new Set<FaultKind>([
  'unreachable',
  'timeout',
  'connection lost',
  'stream cut',
  'rate limited',
  'server error',
]);

export function mayPass(kind: FaultKind): boolean {
  return PASSING.has(kind);
}

/** Faults that say that nobody is there any more. */
export function isGone(kind: FaultKind): boolean {
  return kind === 'unreachable' || kind === 'connection lost' || kind === 'refused by the browser';
}

function quote(text: string, endpoint: Endpoint): string {
  const said = withoutSecrets(text, endpoint);
  return said.length > MAX_QUOTE ? `${said.slice(0, MAX_QUOTE)}…` : said;
}

/** The sentence inside an error answer: OpenAI's `error.message`, vLLM's `message`, FastAPI's `detail`. */
function messageIn(body: string): string {
  try {
    const document: unknown = JSON.parse(body);
    return messageOf(document) ?? body;
  } catch {
    return body;
  }
}

export function messageOf(document: unknown): string | null {
  if (typeof document !== 'object' || document === null) return null;
  if ('error' in document) {
    const { error } = document;
    return typeof error === 'string' ? error : messageOf(error);
  }
  for (const name of ['message', 'detail'] as const) {
    const said: unknown = name in document ? Reflect.get(document, name) : null;
    if (typeof said === 'string') return said;
  }
  return null;
}

function isHtml(body: string): boolean {
  return /^\s*(<!doctype html|<html|<\?xml)/i.test(body);
}

/** The fault of an answer whose status is no success. */
export function faultOfStatus(status: number, body: string, endpoint: Endpoint): EndpointError {
  if (isHtml(body) && status < 500 && status !== 429) return notAnApi(status);
  const message = isHtml(body) ? '' : quote(messageIn(body), endpoint);
  const said = message === '' ? '' : `: ${message.replace(/[.\s]+$/, '')}`;
  if (status === 401 || status === 403) {
    return new EndpointError(
      'unauthorized',
      `The server refuses the key (${status}${said}); give one that it takes.`,
      status,
    );
  }
  if (status === 429) {
    return new EndpointError(
      'rate limited',
      `The server limits the rate (429${said}); lower the load or raise its limit.`,
      status,
    );
  }
  if (status === 501) {
    const sentence = `The server can’t do this as it was started (501${said}); start it so that it can.`;
    return new EndpointError('wrong path', sentence, status);
  }
  if (status >= 500) {
    return new EndpointError(
      'server error',
      `The server failed (${status}${said}); its log says why.`,
      status,
    );
  }
  if (
    /model/i.test(message) &&
    /not (found|exist)|does not exist|unknown|no such|not served/i.test(message)
  ) {
    return new EndpointError(
      'wrong model',
      `The server does not know the model (${status}${said}); name one that it lists.`,
      status,
    );
  }
  if (status === 404 || status === 405) {
    return new EndpointError(
      'wrong path',
      `The server has no such API (${status}${said}); check the address, or choose the other of completions and chat.`,
      status,
    );
  }
  return new EndpointError(
    'bad request',
    `The server refuses the request (${status}${said}); change what it names.`,
    status,
  );
}

export function notAnApi(status: number | null): EndpointError {
  return new EndpointError(
    'not an API',
    'The address answers with a web page (HTML) and not with JSON; check the port and the path of the API.',
    status,
  );
}

/** The code that Node hangs on a failed fetch; a browser gives none. */
function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  if ('errors' in error && Array.isArray(error.errors)) return codeOf(error.errors[0]);
  return 'cause' in error ? codeOf(error.cause) : '';
}

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nobody listens at the endpoint’s port; start the server or correct the port.',
  ENOTFOUND: 'The endpoint’s host name is not known; correct it.',
  EAI_AGAIN: 'The endpoint’s host name can’t be looked up now; check the network.',
  EHOSTUNREACH: 'The endpoint’s host can’t be reached; check the network.',
  ENETUNREACH: 'The endpoint’s network can’t be reached; check the network.',
  UND_ERR_CONNECT_TIMEOUT: 'The endpoint does not take the connection; check address and firewall.',
  ETIMEDOUT: 'The endpoint does not take the connection; check address and firewall.',
};

/**
 * The fault of a fetch that did not come to an end.
 * @param began whether part of the answer had come
 */
export function faultOfFetch(error: unknown, began: boolean): EndpointError {
  if (error instanceof EndpointError) return error;
  const code = codeOf(error);
  const sentence = UNREACHABLE[code];
  if (sentence !== undefined) return new EndpointError('unreachable', sentence);
  if (began) {
    return new EndpointError(
      'connection lost',
      'The connection broke in the middle of the stream; the server may have stopped.',
    );
  }
  if (/CERT|TLS|SSL|ALTNAME/.test(code)) {
    return new EndpointError(
      'unreachable',
      `The server’s certificate is not accepted (${code}); use its own name or http.`,
    );
  }
  if (code !== '') {
    return new EndpointError(
      'connection lost',
      `The server closed the connection before it answered (${code}); it may have stopped.`,
    );
  }
  return new EndpointError(
    'unreachable',
    'The endpoint can’t be reached: nobody listens there, or the browser forbids it.',
  );
}
