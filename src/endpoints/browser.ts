/**
 * Why a page can't ask a server, told apart: nobody there, a page of https that may not ask http, the local network that
 * the browser guards, or a server that does not allow other pages (CORS). A browser answers all four with one `TypeError`.
 *
 * Each is answered with the command that does the same without a browser.
 */
import type { Endpoint } from './endpoint.ts';
import { EndpointError } from './fault.ts';

export type RefusalKind = 'mixed content' | 'local network' | 'no CORS' | 'nobody there';

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

const COMMAND = 'npm run kvlab -- load SCENARIO --endpoint URL';

/**
 * @param page origin of the page, such as `https://example.org`
 * @param fault what the first question met
 */
export async function whyRefused(endpoint: Endpoint, page: string, fault: EndpointError): Promise<Refusal> {
  if (fault.kind !== 'unreachable') return { kind: 'nobody there', sentence: fault.message };
  const [server, own] = [new URL(endpoint.root), new URL(page)];
  if (own.protocol === 'https:' && server.protocol === 'http:' && !isLoopback(server.hostname)) {
    return {
      kind: 'mixed content',
      sentence: `A page of https may not ask a server of http (mixed content); run ${COMMAND} or give the server https.`,
    };
  }
  // An answer that the page may not read still tells that somebody is there.
  const somebody = await endpoint
    .fetch(`${endpoint.api}/models`, { mode: 'no-cors', credentials: 'omit' })
    .then(() => true)
    .catch(() => false);
  if (somebody) {
    return {
      kind: 'no CORS',
      sentence: `The server is there, but does not let other pages ask it (CORS); start it so that it does, or run ${COMMAND}.`,
    };
  }
  if (isPrivate(server.hostname) && !isPrivate(own.hostname)) {
    return {
      kind: 'local network',
      sentence: `Nobody listens there, or the browser guards the local network from this page; allow it in the site’s settings, or run ${COMMAND}.`,
    };
  }
  return {
    kind: 'nobody there',
    sentence: 'Nobody listens at the endpoint; start the server or correct host and port.',
  };
}
