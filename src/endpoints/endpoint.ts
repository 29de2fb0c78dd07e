/**
 * Where a server is, and what may be said of it: the address and the key of one session, which never enter a run.
 *
 * Whatever a server answers may quote both, so every sentence that is kept goes through `withoutSecrets`.
 */

export interface Endpoint {
  /** Without a path of the API and without a slash at the end: `http://host:8000`. */
  readonly root: string;
  /** With it: `http://host:8000/v1`. */
  readonly api: string;
  readonly key: string | null;
  /** What asks; a double in tests. */
  readonly fetch: typeof fetch;
  /** Milliseconds that only rise. */
  readonly now: () => number;
}

export type ReadEndpoint =
  { readonly ok: true; readonly endpoint: Endpoint } | { readonly ok: false; readonly sentence: string };

export interface EndpointParts {
  readonly url: string;
  readonly key?: string | null;
  readonly fetch?: typeof fetch;
  readonly now?: () => number;
}

function refuse(sentence: string): ReadEndpoint {
  return { ok: false, sentence };
}

/** Takes a server's address however it is written: with or without `/v1`, or with the whole path of a completion. */
export function readEndpoint({ url, key = null, ...doubles }: EndpointParts): ReadEndpoint {
  const given = url.trim();
  const address = URL.canParse(given) ? new URL(given) : null;
  if (address === null || !/^https?:$/.test(address.protocol)) {
    return refuse('The endpoint is no address; write it as http://HOST:PORT, such as http://127.0.0.1:8000.');
  }
  if (address.username !== '' || address.password !== '') {
    return refuse('The endpoint has a name or password in it; give the key by itself.');
  }
  if (key !== null && !/^[\x21-\x7e]+$/.test(key)) {
    return refuse(
      'The key has characters that no HTTP header takes; copy it again without spaces and line ends.',
    );
  }
  const path = address.pathname
    .replace(/\/+$/, '')
    .replace(/\/(chat\/)?completions$/, '')
    .replace(/\/metrics$/, '');
  const root = `${address.origin}${path.replace(/\/v1$/, '')}`;
  const ask = doubles.fetch ?? globalThis.fetch.bind(globalThis);
  const now = doubles.now ?? ((): number => performance.now());
  return { ok: true, endpoint: { root, api: `${root}/v1`, key, fetch: ask, now } };
}

export function headersOf({ key }: Pick<Endpoint, 'key'>): Record<string, string> {
  return {
    'content-type': 'application/json',
    ...(key === null ? {} : { authorization: `Bearer ${key}` }),
  };
}

/** A text with the address, its host and the key taken out, on one line. */
export function withoutSecrets(text: string, { root, key }: Pick<Endpoint, 'root' | 'key'>): string {
  const { host, hostname, port } = new URL(root);
  const secrets = [key, root, host, ...(hostname.length > 2 ? [hostname] : [])];
  const clean = secrets.reduce<string>(
    (said, secret) => (secret === null || secret === '' ? said : said.replaceAll(secret, '…')),
    text,
  );
  const portless = port === '' ? clean : clean.replaceAll(`:${port}`, ':…');
  // Keys as the field writes them, also those that a server shortened.
  return portless
    .replace(/\b(?:sk|hf|nvapi|gsk|pk)[-_][\w*-]{4,}/g, '…')
    .replace(/\s+/g, ' ')
    .trim();
}
