/**
 * Why a page can't ask a server, told apart: nobody there, a page of https that may not ask http, the local network that
 * the browser guards, a server that does not allow other pages (CORS), or one that sends the question on. A browser answers
 * all of them with one `TypeError`.
 *
 * Each is answered with the command that does the same without a browser.
 */
import type { Endpoint } from './endpoint.ts';
import { EndpointError } from './fault.ts';

export type RefusalKind = 'mixed content' | 'local network' | 'no CORS' | 'redirect' | 'nobody there';

export interface Refusal {
  readonly kind: RefusalKind;
  readonly sentence: string;
}

/** A host that browsers treat as secure whatever its scheme. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || /^127\./.test(host) || host === '[::1]';
}

function isPrivate(host: string): boolean {
  return (
    isLoopback(host) ||
    /^(10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.)/.test(host) ||
    /^\[(fc|fd|fe80)/i.test(host) ||
    host.endsWith('.local')
  );
}

/** This machine, its network, the rest of the world. */
function nearness(host: string): number {
  return isLoopback(host) ? 2 : isPrivate(host) ? 1 : 0;
}

/** What the page was told of the local network; null where the browser does not guard it, or does not say. */
export type LocalAccess = 'granted' | 'denied' | 'prompt' | null;

const SAME = 'run the command below, which needs no browser';

function refusal(kind: RefusalKind, sentence: string): Refusal {
  return { kind, sentence };
}

/**
 * @param page origin of the page, such as `https://example.org`
 * @param fault what the first question met
 * @param localAccess asked only where it matters
 */
export async function whyRefused(
  endpoint: Endpoint,
  page: string,
  fault: EndpointError,
  localAccess: () => Promise<LocalAccess> = () => Promise.resolve(null),
): Promise<Refusal> {
  if (fault.kind !== 'unreachable') return refusal('nobody there', fault.message);
  const [server, own] = [new URL(endpoint.root), new URL(page)];
  // Browsers guard what is nearer than the page itself, and let it be asked over http once they were given leave.
  const guarded = nearness(server.hostname) > nearness(own.hostname);
  const access = guarded ? await localAccess() : null;
  if (
    own.protocol === 'https:' &&
    server.protocol === 'http:' &&
    !isLoopback(server.hostname) &&
    access === null
  ) {
    return refusal(
      'mixed content',
      `A page of https may not ask a server of http (mixed content); give the server https, or ${SAME}.`,
    );
  }
  if (access === 'denied') {
    return refusal(
      'local network',
      `The browser keeps this page from the local network: allow “Local network access” in the site’s settings, or ${SAME}.`,
    );
  }
  if (await sendsOn(endpoint)) {
    return refusal(
      'redirect',
      'The server sends the question on to another address, which is not followed; name that address itself.',
    );
  }
  if (await hasAnswer(endpoint)) {
    return refusal(
      'no CORS',
      `The server is there, but does not let other pages ask it (CORS); start it so that it does, such as with --cors-origins or --allowed-origins, or ${SAME}.`,
    );
  }
  if (guarded && access !== 'granted') {
    return refusal(
      'local network',
      `Nobody listens there, or the browser guards the local network from this page; allow it in the site’s settings, or ${SAME}.`,
    );
  }
  return refusal(
    'nobody there',
    'Nobody listens at the endpoint; start the server or correct host and port.',
  );
}

/** Whether the answer is a redirect, as far as the page may know: one without CORS looks like any other refusal. */
function sendsOn(endpoint: Endpoint): Promise<boolean> {
  return endpoint
    .fetch(`${endpoint.api}/models`, { redirect: 'manual', credentials: 'omit' })
    .then(({ type, status }) => type === 'opaqueredirect' || (status >= 300 && status < 400))
    .catch(() => false);
}

/**
 * An answer that the page may not read still tells that somebody is there. Browsers let such a question follow redirects;
 * it carries neither key nor text.
 */
function hasAnswer(endpoint: Endpoint): Promise<boolean> {
  return endpoint
    .fetch(`${endpoint.api}/models`, { mode: 'no-cors', credentials: 'omit' })
    .then(() => true)
    .catch(() => false);
}
