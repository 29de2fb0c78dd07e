/** The doors of @huggingface/transformers: nothing but lent folders is ever fetched. */
import { expect, test } from 'vitest';
import { memorySource } from '../../../src/engine/files/byte-source.ts';
import { lendFolder, loadTransformers } from '../../../src/engine/tokenizer/transformers.ts';
import type { ModelFolder } from '../../../src/engine/weights/open.ts';

const bytes = Uint8Array.from({ length: 20_000_000 }, (_, i) => i & 255);
const folder: ModelFolder = {
  name: 'here',
  file: async (name) => (name === 'onnx/model.onnx' ? memorySource(name, bytes) : null),
};

test('an address outside of lent folders is refused before any request', async () => {
  const { env } = await loadTransformers();
  for (const address of [
    'https://huggingface.co/owner/name/resolve/main/config.json',
    'https://cdn.jsdelivr.net/npm/onnxruntime-web/dist/x.wasm',
    `${env.remoteHost}lent/folder-99999/resolve/main/config.json`,
    `${env.remoteHost}elsewhere/resolve/main/config.json`,
  ]) {
    await expect(env.fetch(address)).rejects.toThrow(`Nothing is fetched from ${address}.`);
  }
  expect(env).toMatchObject({
    allowLocalModels: false,
    useBrowserCache: false,
    useFSCache: false,
    useWasmCache: false,
  });
});

test('a lent folder’s files are there, whole and by their first byte, until it is given back', async () => {
  const { env } = await loadTransformers();
  const loan = lendFolder(folder);
  const address = (name: string) => `${env.remoteHost}${loan.id}/resolve/main/${name}`;
  expect((await env.fetch(address('config.json'))).status).toBe(404);
  const first = await env.fetch(address('onnx/model.onnx'), { headers: { Range: 'bytes=0-0' } });
  expect([first.status, first.headers.get('content-range')]).toEqual([206, 'bytes 0-0/20000000']);
  const whole = await env.fetch(address('onnx/model.onnx'));
  expect(whole.headers.get('content-length')).toBe('20000000');
  expect(Buffer.compare(new Uint8Array(await whole.arrayBuffer()), bytes)).toBe(0);
  loan.giveBack();
  await expect(env.fetch(address('onnx/model.onnx'))).rejects.toThrow(/Nothing is fetched/);
});
