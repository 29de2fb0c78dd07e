/** Acts on a server's cache: what each server is asked, and what is refused before it is asked. */
import { expect, test } from 'vitest';
import type { LoadedServer } from '../../src/core/run/load.ts';
import { actOnServer, type ServerAct } from '../../src/endpoints/control.ts';
import { endpointAt } from './support.ts';

const SERVER: LoadedServer = {
  kind: 'llama.cpp',
  version: null,
  models: ['m'],
  maxModelTokens: 512,
  maxSequences: 4,
  kvTokens: 2048,
  vocabulary: 512,
  metrics: true,
};

function bench(answer: string, status = 200) {
  const asked: [string, string, unknown][] = [];
  const endpoint = {
    ...endpointAt('http://host:1'),
    fetch: async (url: unknown, options: RequestInit = {}) => {
      asked.push([options.method ?? 'GET', String(url), options.body]);
      return new Response(answer, { status });
    },
  };
  return { endpoint, asked };
}

const wish = (act: ServerAct, slot = 1, file = 'a.bin') => ({ act, slot, file });

test.each([
  [
    'save a slot',
    '{"n_saved":165,"n_written":108424}',
    'save',
    '{"filename":"a.bin"}',
    'Slot 1 was saved as a.bin (165 tokens, 108,424 bytes).',
  ],
  [
    'restore a slot',
    '{"n_restored":165,"n_read":1}',
    'restore',
    '{"filename":"a.bin"}',
    'Slot 1 was restored from a.bin (165 tokens, 1 bytes).',
  ],
  ['erase a slot', '{"n_erased":165}', 'erase', undefined, 'Slot 1 was erased (165 tokens).'],
] as const)('llama.cpp: %s', async (act, answer, action, body, sentence) => {
  const { endpoint, asked } = bench(answer);
  expect(await actOnServer(endpoint, SERVER, wish(act))).toBe(sentence);
  expect(asked).toEqual([['POST', `http://host:1/slots/1?action=${action}`, body]]);
});

test.each([
  ['vllm', ['http://host:1/reset_prefix_cache']],
  ['sglang', ['http://host:1/flush_cache']],
  ['llama.cpp', [0, 1, 2, 3].map((slot) => `http://host:1/slots/${slot}?action=erase`)],
] as const)('%s is asked to empty its prefix cache', async (kind, urls) => {
  const { endpoint, asked } = bench('{}');
  await actOnServer(endpoint, { ...SERVER, kind }, wish('reset the prefix cache'));
  expect(asked.map(([, url]) => url)).toEqual(urls);
});

test.each([
  ['a slot that is not there', SERVER, wish('erase a slot', 4), /no slot 4; the server has 4, from 0 to 3/],
  ['a name with a folder', SERVER, wish('save a slot', 0, '../../etc/passwd'), /no folder/],
  [
    'what a server has no way to do',
    { ...SERVER, kind: 'vllm' as const },
    wish('save a slot'),
    /vLLM can’t save a slot: it can reset/,
  ],
  [
    'a server that has no way at all',
    { ...SERVER, kind: 'tgi' as const },
    wish('erase a slot'),
    /nothing of the kind/,
  ],
] as const)('%s is refused before anybody is asked', async (_name, server, asks, says) => {
  const { endpoint, asked } = bench('{}');
  await expect(actOnServer(endpoint, server, asks)).rejects.toThrow(says);
  expect(asked).toEqual([]);
});

test('a server that was started without slots says so', async () => {
  const { endpoint } = bench('{"error":{"message":"Start it with `--slot-save-path`"}}', 501);
  await expect(actOnServer(endpoint, SERVER, wish('erase a slot'))).rejects.toThrow(/slot-save-path/);
});
