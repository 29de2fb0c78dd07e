/** Files over HTTP against a local server that breaks, refuses, changes its mind, and knows no ranges. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ModelError } from '../../../src/engine/files/error.ts';
import { openHttp, type HttpOptions } from '../../../src/engine/files/http-source.ts';

const BYTES = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 31 + (i >> 8)) & 255);

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** Starts a server. @returns its address, and the Range headers it was sent */
async function serve(answer: Answer): Promise<{ url: string; ranges: (string | undefined)[] }> {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range);
    answer(request, response, ranges.length);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/folder/model.safetensors?download=true`, ranges };
}

function rangeOf(request: IncomingMessage): [number, number] {
  const [, from = '0', to = '0'] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
  return [Number(from), Number(to) + 1];
}

/** Sends the range asked for; `cut` bytes of it and then nothing but a broken connection. */
function sendRange(
  request: IncomingMessage,
  response: ServerResponse,
  { cut = Infinity, etag = '"a"' } = {},
): void {
  const [from, to] = rangeOf(request);
  response.writeHead(206, {
    'Content-Range': `bytes ${from}-${to - 1}/${BYTES.byteLength}`,
    'Content-Length': to - from,
    ETag: etag,
  });
  if (to - from <= cut) {
    response.end(BYTES.subarray(from, to));
    return;
  }
  response.write(BYTES.subarray(from, from + cut), () => response.destroy());
}

const WAITED: number[] = [];
const FAST: HttpOptions = {
  wait: async (ms) => {
    WAITED.push(ms);
  },
};

async function failure(work: Promise<unknown>): Promise<ModelError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ModelError)) throw new Error(`It did not fail as it should: ${String(error)}`);
  return error;
}

describe('ranges', () => {
  test('only what is asked for is fetched', async () => {
    const { url, ranges } = await serve((request, response) => sendRange(request, response));
    const source = await openHttp(url, FAST);
    expect(source).toMatchObject({ name: 'model.safetensors', size: 100_000 });
    expect(await source.read(50, 100)).toEqual(BYTES.slice(50, 150));
    expect(await source.read(0, 0)).toHaveLength(0);
    expect(ranges).toEqual(['bytes=0-0', 'bytes=50-149']);
  });

  test('a download that breaks is taken up at the byte it broke at', async () => {
    const { url, ranges } = await serve((request, response, count) =>
      sendRange(request, response, count === 1 ? {} : { cut: 30_000 }),
    );
    const source = await openHttp(url, FAST);
    expect(await source.read(0, 100_000)).toEqual(BYTES);
    expect(source.receivedBytes).toBe(100_000);
    expect(ranges.slice(1)).toEqual([
      'bytes=0-99999',
      'bytes=30000-99999',
      'bytes=60000-99999',
      'bytes=90000-99999',
    ]);
  });

  test('a connection that dies for good is given up after the retries, waiting longer each time', async () => {
    WAITED.length = 0;
    const { url, ranges } = await serve((request, response, count) =>
      count === 1 ? sendRange(request, response) : response.destroy(),
    );
    const source = await openHttp(url, { ...FAST, retries: 3 });
    const error = await failure(source.read(0, 10));
    expect(error.code).toBe('network');
    expect(error.message).toContain("model.safetensors can't be reached: the network is down");
    expect(ranges).toHaveLength(5);
    expect(WAITED).toEqual([250, 500, 1000]);
  });

  test('a server that falls silent counts as broken', async () => {
    const { url } = await serve((request, response, count) => {
      if (count !== 2) return sendRange(request, response);
      const [from, to] = rangeOf(request);
      response.writeHead(206, {
        'Content-Range': `bytes ${from}-${to - 1}/${BYTES.byteLength}`,
        ETag: '"a"',
      });
      response.write(BYTES.subarray(from, from + 10));
    });
    const source = await openHttp(url, { ...FAST, stallMs: 200 });
    expect(await source.read(0, 1000)).toEqual(BYTES.slice(0, 1000));
  });

  test('a file that changes on the server is noticed', async () => {
    const { url } = await serve((request, response, count) =>
      sendRange(request, response, { etag: count === 1 ? '"a"' : '"b"' }),
    );
    const source = await openHttp(url, FAST);
    expect((await failure(source.read(0, 10))).message).toContain(
      'was changed on the server while it was read',
    );
  });

  test('another part than was asked for is refused', async () => {
    const { url } = await serve((request, response, count) => {
      if (count === 1) return sendRange(request, response);
      response.writeHead(206, { 'Content-Range': 'bytes 7-16/100000' });
      response.end(BYTES.subarray(7, 17));
    });
    const source = await openHttp(url, FAST);
    expect((await failure(source.read(0, 10))).message).toContain('another part than was asked for');
  });

  test('more than the file has is a file cut off', async () => {
    const { url } = await serve((request, response) => sendRange(request, response));
    const source = await openHttp(url, FAST);
    expect((await failure(source.read(99_990, 20))).message).toContain(
      'ends at byte 100000, before byte 100010',
    );
  });
});

describe('servers without ranges', () => {
  test('the whole file is downloaded once', async () => {
    const { url, ranges } = await serve((_, response) => response.end(BYTES));
    const source = await openHttp(url, FAST);
    expect(source.size).toBe(100_000);
    expect(await source.read(5, 10)).toEqual(BYTES.slice(5, 15));
    expect(await source.read(99_000, 1000)).toEqual(BYTES.slice(99_000));
    expect(ranges).toHaveLength(1);
  });

  test('it begins again where it breaks', async () => {
    const { url, ranges } = await serve((_, response, count) => {
      response.writeHead(200, { 'Content-Length': BYTES.byteLength });
      if (count === 1) response.write(BYTES.subarray(0, 5000), () => response.destroy());
      else response.end(BYTES);
    });
    const source = await openHttp(url, FAST);
    expect(await source.read(0, 100_000)).toEqual(BYTES);
    expect(ranges).toHaveLength(2);
  });

  test('a file too large to keep is refused', async () => {
    const { url } = await serve((_, response) => response.end(BYTES));
    const error = await failure(openHttp(url, { ...FAST, maxWholeBytes: 50_000 }));
    expect(error.message).toContain('sends whole files only, and this one is larger than 50000 bytes');
  });

  test('one that hides Content-Range is asked for the whole file', async () => {
    const { url } = await serve((request, response) => {
      if (request.headers.range === undefined) return response.end(BYTES);
      response.writeHead(206);
      response.end(BYTES.subarray(0, 1));
    });
    expect(await (await openHttp(url, FAST)).read(1, 3)).toEqual(BYTES.slice(1, 4));
  });
});

describe('refusals', () => {
  test.each([
    {
      status: 401,
      says: 'the server answers 401, so it wants a sign-in or the licence accepted',
      requests: 1,
    },
    { status: 403, says: 'the server answers 403, so it wants a sign-in', requests: 1 },
    { status: 404, says: 'the server answers 404, so there is no such file', requests: 1 },
    { status: 429, says: 'the server answers 429, so it is asked too often', requests: 3 },
    { status: 500, says: 'the server answers 500, so it has a fault of its own', requests: 3 },
  ])('$status', async ({ status, says, requests }) => {
    const { url, ranges } = await serve((_, response) => response.writeHead(status).end());
    const error = await failure(openHttp(url, { ...FAST, retries: 2 }));
    expect(error).toMatchObject({ code: 'http', data: { status } });
    expect(error.message).toContain(says);
    expect(ranges).toHaveLength(requests);
  });

  test('a fault that passes is passed over', async () => {
    const { url } = await serve((request, response, count) =>
      count === 1 ? response.writeHead(503).end() : sendRange(request, response),
    );
    expect((await openHttp(url, FAST)).size).toBe(100_000);
  });

  test('an address that is none', async () => {
    const error = await failure(openHttp('no%zz address', { ...FAST, retries: 0 }));
    expect(error.message).toContain("no%zz address can't be reached");
  });

  test('no network', async () => {
    const { url } = await serve((_, response) => response.end());
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
    const error = await failure(openHttp(url, { ...FAST, retries: 1 }));
    expect(error.code).toBe('network');
    expect(error.message).toContain(
      "model.safetensors can't be reached: the network is down or the server refuses",
    );
  });

  test('cancelled while it waits for bytes, and before a repetition', async () => {
    const controller = new AbortController();
    const { url } = await serve((request, response, count) => {
      if (count === 1) return sendRange(request, response);
      setTimeout(() => controller.abort(), 20);
    });
    const source = await openHttp(url, FAST);
    expect((await failure(source.read(0, 10, controller.signal))).code).toBe('cancelled');
    const { url: broken } = await serve((_, response) => response.destroy());
    const second = new AbortController();
    setTimeout(() => second.abort(), 50);
    // With its real waits, which a signal ends at once.
    expect((await failure(openHttp(broken, { retries: 100 }, second.signal))).code).toBe('cancelled');
  });
});
