/** A model from any server of files, even one whose connections break all the time. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { httpFolder } from '../../../src/engine/files/http-folder.ts';
import { readHostWeights } from '../../../src/engine/weights/host.ts';
import { openModelFolder } from '../../../src/engine/weights/open.ts';
import { randomModel } from '../../../src/engine/weights/random.ts';
import { llamaConfigJson, safetensorsFile, tensorsOf } from '../../support/model-files.ts';
import { SMALL_CONFIGS } from '../../support/small-models.ts';

let server: Server | null = null;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Serves files in ranges; every answer breaks off after `cut` bytes. */
async function serve(files: Readonly<Record<string, Uint8Array>>, cut: number): Promise<string> {
  server = createServer((request, response) => {
    const bytes = files[(request.url ?? '').split('/').at(-1) ?? ''];
    if (!bytes) return void response.writeHead(404).end();
    const [, from = '0', to = '0'] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
    const [begin, end] = [Number(from), Number(to) + 1];
    response.writeHead(206, {
      'Content-Range': `bytes ${begin}-${end - 1}/${bytes.byteLength}`,
      'Content-Length': end - begin,
    });
    if (end - begin <= cut) response.end(bytes.subarray(begin, end));
    else response.write(bytes.subarray(begin, begin + cut), () => response.destroy());
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/models/tiny/`;
}

test('a model comes whole over a connection that breaks every 20,000 bytes', async () => {
  const source = randomModel(SMALL_CONFIGS.llama, 4);
  const address = await serve(
    {
      'config.json': new TextEncoder().encode(llamaConfigJson(source.config)),
      'model.safetensors': safetensorsFile(await tensorsOf(source)),
    },
    20_000,
  );
  const model = await openModelFolder(httpFolder(address, { wait: async () => undefined }));
  expect(model.config.name).toBe('tiny');
  expect(await readHostWeights(model)).toEqual(await readHostWeights(source));
});

test('a file that the server lacks is missing, in words', async () => {
  const address = await serve(
    { 'config.json': new TextEncoder().encode(llamaConfigJson(SMALL_CONFIGS.llama)) },
    1e9,
  );
  await expect(openModelFolder(httpFolder(address))).rejects.toThrow('tiny has no model.safetensors');
});
