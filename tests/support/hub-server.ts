/**
 * A hub on this machine, for tests: it speaks the paths of huggingface.co (listing, `resolve` with a redirect to another
 * path that answers ranges), and fails on demand. No test of this repository reaches the real one.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HubRepository {
  readonly commit: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Asks for this token. */
  readonly token?: string;
}

/** How the next answers go wrong. Each is taken away when its count is used up. */
export interface HubFaults {
  /** Statuses to answer instead, one a request. */
  statuses: number[];
  retryAfter: string | null;
  /** A file's answer ends in the middle after so many bytes, one a request. */
  breakAfter: number[];
  ignoreRanges: boolean;
}

export interface HubServer {
  readonly url: string;
  readonly repositories: Map<string, HubRepository>;
  readonly faults: HubFaults;
  /** Every request as `METHOD /path range`. */
  readonly log: string[];
  /** Bytes of files sent. */
  readonly sentBytes: number;
  /** Answers a request on the paths of a hub; false where the path is none of them. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  close(): Promise<void>;
}

export const COMMIT = '0123456789abcdef0123456789abcdef01234567';

export async function startHub(): Promise<HubServer> {
  const repositories = new Map<string, HubRepository>();
  const faults: HubFaults = { statuses: [], retryAfter: null, breakAfter: [], ignoreRanges: false };
  const log: string[] = [];
  let sentBytes = 0;

  const plain = (response: ServerResponse, status: number, headers: Record<string, string> = {}): void => {
    response.writeHead(status, { 'access-control-allow-origin': '*', ...headers });
    response.end();
  };

  const allowed = (repository: HubRepository, request: IncomingMessage): boolean =>
    repository.token === undefined || request.headers.authorization === `Bearer ${repository.token}`;

  function handle(request: IncomingMessage, response: ServerResponse): boolean {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://hub').pathname);
    const listing = /^\/api\/models\/(.+)\/revision\/([^/]+)$/.exec(path);
    const resolve = /^\/(.+?)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    const stored = /^\/stored\/(.+?)\/-\/(.+)$/.exec(path);
    if (!listing && !resolve && !stored) return false;
    log.push(`${request.method} ${path}${request.headers.range ? ` ${request.headers.range}` : ''}`);
    if (request.method === 'OPTIONS') {
      plain(response, 204, { 'access-control-allow-headers': 'authorization, range' });
      return true;
    }
    const status = faults.statuses.shift();
    if (status !== undefined) {
      plain(response, status, faults.retryAfter === null ? {} : { 'retry-after': faults.retryAfter });
      return true;
    }
    const [, id = '', second = '', third = ''] = listing ?? resolve ?? stored ?? [];
    const repository = repositories.get(id);
    if (!repository || (!stored && ![repository.commit, 'main'].includes(second)))
      plain(response, repository ? 404 : 401);
    else if (!stored && !allowed(repository, request))
      plain(response, request.headers.authorization ? 403 : 401);
    else if (listing) answerListing(response, repository);
    else if (resolve) redirect(response, repository, id, third);
    else answerFile(request, response, repository.files.get(second));
    return true;
  }

  function answerListing(response: ServerResponse, { commit, files }: HubRepository): void {
    response.writeHead(200, { 'access-control-allow-origin': '*', 'content-type': 'application/json' });
    const siblings = [...files].map(([rfilename, bytes]) => ({ rfilename, size: bytes.length, blobId: 'x' }));
    response.end(JSON.stringify({ id: 'x', sha: commit, siblings, downloads: 7 }));
  }

  function redirect(response: ServerResponse, { files }: HubRepository, id: string, file: string): void {
    if (!files.has(file)) plain(response, 404);
    else plain(response, 302, { location: `/stored/${id}/-/${encodeURIComponent(file)}` });
  }

  function answerFile(
    request: IncomingMessage,
    response: ServerResponse,
    bytes: Uint8Array | undefined,
  ): void {
    if (!bytes) return plain(response, 404);
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const ranged = from !== undefined && !faults.ignoreRanges;
    const start = ranged ? Number(from) : 0;
    const body = ranged ? bytes.subarray(start, Number(to) + 1) : bytes;
    response.writeHead(ranged ? 206 : 200, {
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'Content-Range',
      'content-length': body.length,
      'accept-ranges': 'bytes',
      ...(ranged ? { 'content-range': `bytes ${start}-${start + body.length - 1}/${bytes.length}` } : {}),
    });
    const stop = faults.breakAfter.shift();
    if (stop === undefined || stop >= body.length) {
      sentBytes += body.length;
      response.end(body);
      return;
    }
    sentBytes += stop;
    response.write(body.subarray(0, stop), () => setTimeout(() => response.destroy(), 20));
  }

  const server: Server = createServer((request, response) => {
    if (!handle(request, response)) plain(response, 404);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    repositories,
    faults,
    log,
    get sentBytes() {
      return sentBytes;
    },
    handle,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
