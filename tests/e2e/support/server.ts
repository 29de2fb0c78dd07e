/** A static host as a visitor meets one: a sub-path, gzip, plain 404s. It counts what it sends. */
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { gzipSync } from 'node:zlib';

const BASE = '/some/sub-path/';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
};
const PACKED = new Set(['.woff2']);

export interface Sent {
  readonly path: string;
  /** Bytes of the body as they went over the wire. */
  readonly bytes: number;
  readonly status: number;
}

export interface StaticHost {
  /** Address of the page, with a slash at its end. */
  readonly url: string;
  readonly sent: readonly Sent[];
  close(): Promise<void>;
}

export async function serve(folder: string): Promise<StaticHost> {
  const sent: Sent[] = [];
  const server: Server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://host');
    void answer(folder, pathname).then(({ status, type, body }) => {
      sent.push({ path: pathname, bytes: body.length, status });
      const encoding = type.packed ? {} : { 'content-encoding': 'gzip' };
      response.writeHead(status, { 'content-type': type.name, 'cache-control': 'no-cache', ...encoding });
      response.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // localhost is a secure context, so that WebGPU and service workers are there.
  const url = `http://localhost:${(server.address() as AddressInfo).port}${BASE}`;
  return {
    url,
    sent,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(folder: string, pathname: string) {
  const path = normalize(decodeURIComponent(pathname.startsWith(BASE) ? pathname.slice(BASE.length) : '..'));
  const file = path === '.' ? 'index.html' : path;
  const extension = extname(file);
  const type = { name: TYPES[extension] ?? 'application/octet-stream', packed: PACKED.has(extension) };
  try {
    if (file.startsWith('..')) throw new Error('outside');
    const body = await readFile(join(folder, file));
    return { status: 200, type, body: type.packed ? body : gzipSync(body, { level: 9 }) };
  } catch {
    return { status: 404, type: { name: 'text/plain', packed: false }, body: gzipSync('Not found') };
  }
}
