/**
 * A model by its repository's name, against a server on this machine that speaks the hub's paths. No hub was reached:
 * what the real one answers beyond its documentation is not covered.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ModelError } from '../../../src/engine/files/error.ts';
import { hubModel, standardFiles, type HubOptions, type HubProgress } from '../../../src/engine/hub/hub.ts';
import { openModelStore, SEGMENT_BYTES, type ModelStore } from '../../../src/engine/hub/store.ts';
import { fakeCaches } from '../../support/fake-caches.ts';
import { COMMIT, startHub, type HubServer } from '../../support/hub-server.ts';

const REPO = 'owner/tiny-model';
/** Two and a half segments, no two of their bytes' neighbourhoods alike. */
const WEIGHTS = Uint8Array.from(
  { length: 2.5 * SEGMENT_BYTES },
  (_, i) => (i * 31 + (i >>> 8) + (i >>> 17)) & 255,
);
const text = (content: string) => new TextEncoder().encode(content);

let hub: HubServer;
let store: ModelStore | null;
beforeEach(async () => {
  hub = await startHub();
  hub.repositories.set(REPO, {
    commit: COMMIT,
    files: new Map([
      ['config.json', text('{"model_type":"llama"}')],
      ['model.safetensors', WEIGHTS],
      ['tokenizer.json', text('{"model":{}}')],
      ['chat_template.jinja', text('{{ messages }}')],
      ['onnx/model.onnx', text('onnx')],
      ['README.md', text('# no')],
    ]),
  });
  store = await openModelStore(fakeCaches());
});
afterEach(() => hub.close());

const open = (options: HubOptions = {}) =>
  hubModel(REPO, { hub: hub.url, store, pauseMs: () => 1, ...options });

async function fault(work: Promise<unknown>): Promise<ModelError> {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ModelError)) throw new Error(`No ModelError: ${String(error)}`);
  // One sentence: it ends once, and has no line end.
  expect(error.message).toMatch(/^[^\n]+[.]$/);
  return error;
}

async function readAll(options: HubOptions = {}): Promise<Uint8Array> {
  const file = await (await open(options)).file('model.safetensors');
  if (!file) throw new Error('no weights');
  return file.read(0, WEIGHTS.length);
}

describe('reading', () => {
  test('files come by name through redirects, any stretch of them', async () => {
    const model = await open();
    expect(model).toMatchObject({ name: REPO, commit: COMMIT, offline: false, isKept: true });
    expect(await model.file('missing.json')).toBeNull();
    const file = await model.file('model.safetensors');
    expect(file?.size).toBe(WEIGHTS.length);
    for (const [offset, length] of [
      [0, 8],
      [SEGMENT_BYTES - 3, 7],
      [SEGMENT_BYTES, SEGMENT_BYTES],
      [100, 2 * SEGMENT_BYTES],
      [WEIGHTS.length - 5, 5],
      [WEIGHTS.length, 0],
    ] as const) {
      const bytes = (await file?.read(offset, length)) ?? new Uint8Array(1);
      expect(Buffer.compare(bytes, WEIGHTS.subarray(offset, offset + length))).toBe(0);
    }
    expect(await fault(file?.read(WEIGHTS.length - 4, 5) ?? Promise.resolve())).toMatchObject({
      code: 'corrupt',
    });
    expect(hub.sentBytes).toBe(WEIGHTS.length);
  });

  test('a whole model arrives once, with progress to its end, and is then here', async () => {
    const progress: HubProgress[] = [];
    await (await open({ onProgress: (at) => progress.push(at) })).download();
    const total = progress[0]?.totalBytes ?? 0;
    expect(total).toBe(WEIGHTS.length + 22 + 12 + 14);
    expect(progress.at(-1)).toMatchObject({ loadedBytes: total });
    expect(progress.every((at, i) => at.loadedBytes >= (progress[i - 1]?.loadedBytes ?? 0))).toBe(true);
    const sent = hub.sentBytes;
    const again: HubProgress[] = [];
    await (await open({ onProgress: (at) => again.push(at) })).download();
    expect(hub.sentBytes).toBe(sent);
    expect(again.at(-1)).toMatchObject({ loadedBytes: total, from: 'store' });
  });

  test('the tokenizer’s files come as text', async () => {
    expect(await (await open()).tokenizerFiles()).toEqual({
      tokenizerJson: '{"model":{}}',
      chatTemplate: '{{ messages }}',
    });
    hub.repositories.set('owner/ids', { commit: COMMIT, files: new Map([['config.json', text('{}')]]) });
    expect(await (await hubModel('owner/ids', { hub: hub.url, store: null })).tokenizerFiles()).toBeNull();
  });

  test('a token opens a gated model and goes to the hub', async () => {
    const files = hub.repositories.get(REPO)?.files ?? new Map();
    hub.repositories.set(REPO, { commit: COMMIT, files, token: 'hf_right' });
    expect(await fault(open())).toMatchObject({ code: 'http', data: { status: 401 } });
    expect((await fault(open({ token: 'hf_wrong' }))).message).toMatch(
      /^This token may not read owner\/tiny-model/,
    );
    expect((await fault(open({ token: 'a b' }))).message).toMatch(/characters that no token has/);
    expect((await (await open({ token: 'hf_right' })).file('config.json'))?.size).toBe(22);
  });

  test('of several layouts the single file goes before its shards, and other formats are left', () => {
    const named = (...names: string[]) => names.map((name) => ({ name, size: 1 }));
    const shards = named('model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors');
    const index = named('model.safetensors.index.json');
    const other = named('pytorch_model.bin', 'onnx/model.onnx', 'consolidated.safetensors');
    expect(standardFiles([...shards, ...index, ...other])).toEqual([...shards, ...index]);
    expect(standardFiles([...shards, ...index, ...named('model.safetensors')])).toEqual(
      named('model.safetensors'),
    );
  });
});

describe('broken downloads', () => {
  test('a connection that breaks is taken up where it broke', async () => {
    hub.faults.breakAfter = [1_000_000, 500_000, 0];
    expect(Buffer.compare(await readAll(), WEIGHTS)).toBe(0);
    expect(hub.sentBytes).toBe(WEIGHTS.length);
    expect(hub.log.filter((line) => line.includes('bytes=1000000-'))).not.toEqual([]);
  });

  test('one that breaks for good says where, and the next try goes on from what is kept', async () => {
    const model = await open();
    const file = await model.file('model.safetensors');
    await file?.read(0, 10);
    hub.faults.breakAfter = [200_000, 0, 0, 0, 0];
    const error = await fault(file?.read(0, WEIGHTS.length) ?? Promise.resolve());
    expect(error.message).toBe(
      `The download of model.safetensors of ${REPO} broke off at byte ${SEGMENT_BYTES + 200_000} of ${WEIGHTS.length}; ` +
        'what arrived is kept: load it again to go on from there.',
    );
    hub.faults.breakAfter = [];
    const before = hub.sentBytes;
    expect(Buffer.compare(await readAll(), WEIGHTS)).toBe(0);
    expect(hub.sentBytes - before).toBe(WEIGHTS.length - SEGMENT_BYTES);
  });

  test('a connection that often breaks but brings something goes on', async () => {
    hub.faults.breakAfter = Array.from({ length: 12 }, () => 300_000);
    expect(Buffer.compare(await readAll(), WEIGHTS)).toBe(0);
  });

  test('a server that ignores ranges is read through', async () => {
    hub.faults.ignoreRanges = true;
    const file = await (await open()).file('model.safetensors');
    const bytes = (await file?.read(SEGMENT_BYTES + 5, 9)) ?? new Uint8Array();
    expect([...bytes]).toEqual([...WEIGHTS.subarray(SEGMENT_BYTES + 5, SEGMENT_BYTES + 14)]);
  });

  test('a file that changed since it was listed is refused', async () => {
    const model = await open();
    const files = new Map(hub.repositories.get(REPO)?.files).set(
      'model.safetensors',
      WEIGHTS.subarray(0, -1),
    );
    hub.repositories.set(REPO, { commit: COMMIT, files });
    const file = await model.file('model.safetensors');
    expect((await fault(file?.read(0, 8) ?? Promise.resolve())).message).toMatch(
      /has 20971519 bytes where its listing says 20971520; it was changed/,
    );
  });

  test('a reader who leaves stops it', async () => {
    const controller = new AbortController();
    const model = await open({ onProgress: () => controller.abort() });
    const file = await model.file('model.safetensors');
    const error = await fault(file?.read(0, WEIGHTS.length, controller.signal) ?? Promise.resolve());
    expect(error.code).toBe('cancelled');
    expect(hub.sentBytes).toBeLessThan(WEIGHTS.length);
  });
});

describe('refusals', () => {
  test.each([
    [[404], 'http', /has no model owner\/tiny-model; check owner and name/],
    [[418], 'http', /refuses owner\/tiny-model \(418\)/],
    [[429, 429, 429, 429], 'http', /asked too often \(429\); try again in a few minutes, or give a token\.$/],
    [[503, 500, 502, 503], 'http', /has a fault of its own \(503\) and can't give owner\/tiny-model/],
  ])('%j', async (statuses, code, sentence) => {
    hub.faults.statuses = statuses;
    const error = await fault(open({ store: null }));
    expect(error).toMatchObject({ code, message: expect.stringMatching(sentence) });
    expect(hub.faults.statuses).toEqual([]);
  });

  test('one that passes is waited for; a long wait is told at once', async () => {
    hub.faults.statuses = [503, 429];
    expect((await open()).commit).toBe(COMMIT);
    hub.faults.statuses = [429];
    hub.faults.retryAfter = '300';
    expect((await fault(open())).message).toMatch(/try again in 300 s/);
  });

  test('a file that went missing, a revision that never was', async () => {
    const model = await open();
    const file = await model.file('config.json');
    hub.faults.statuses = [404];
    expect((await fault(file?.read(0, 4) ?? Promise.resolve())).message).toMatch(
      new RegExp(`^${REPO} has no config.json at revision ${COMMIT}; http.*/tree/`),
    );
    expect((await fault(open({ revision: 'v9' }))).message).toMatch(/no model .* with a revision v9/);
  });

  test.each([
    '',
    'a/b/c',
    '../etc',
    'a//b',
    'a b/c',
    'a/b--c',
    'javascript:alert(1)',
    'a/../b',
    `a/${'b'.repeat(97)}`,
  ])('%j is no repository', async (name) => {
    expect((await fault(hubModel(name, { hub: hub.url, store: null }))).message).toMatch(
      /is no repository; write/,
    );
    expect(hub.log).toEqual([]);
  });

  test.each([
    ['https://huggingface.co/owner/tiny-model/tree/main', undefined],
    ['owner/tiny-model@main', undefined],
    [' owner/tiny-model ', COMMIT],
  ])('%j is one', async (name, revision) => {
    const model = await hubModel(name, { hub: hub.url, store: null, ...(revision ? { revision } : {}) });
    expect(model.repository).toBe(REPO);
  });

  test.each(['ftp://x', 'http://example.org', 'nowhere', 'javascript:0'])('%j is no hub', async (address) => {
    expect((await fault(hubModel(REPO, { hub: address, store: null }))).message).toMatch(
      /no address of a hub/,
    );
  });

  test('a listing that is none, too large, or has names that climb out', async () => {
    const files = new Map([
      ['../../secret', text('x')],
      ['ok.json', text('{}')],
    ]);
    hub.repositories.set(REPO, { commit: COMMIT, files });
    expect((await open()).files.map(({ name }) => name)).toEqual(['ok.json']);
    hub.repositories.set(REPO, { commit: 'not a commit', files });
    expect(await fault(open())).toMatchObject({ code: 'corrupt' });
  });
});

describe('offline', () => {
  test('what is kept answers, what is not says so', async () => {
    await (await open()).download();
    const { url } = hub;
    await hub.close();
    const model = await hubModel(REPO, { hub: url, store, pauseMs: () => 1 });
    expect(model).toMatchObject({ offline: true, commit: COMMIT });
    const file = await model.file('model.safetensors');
    expect(Buffer.compare((await file?.read(0, WEIGHTS.length)) ?? text(''), WEIGHTS)).toBe(0);
    const other = await model.file('onnx/model.onnx');
    expect(await fault(other?.read(0, 4) ?? Promise.resolve())).toMatchObject({ code: 'network' });
    expect((await fault(hubModel('owner/never', { hub: url, store, pauseMs: () => 1 }))).message).toMatch(
      /does not answer for owner\/never; check the network, or choose files from a folder\.$/,
    );
    hub = await startHub();
  });
});

describe('the store', () => {
  test('lists what is kept and deletes it', async () => {
    await (await open()).download();
    const bytes = WEIGHTS.length + 22 + 12 + 14;
    expect(await store?.list()).toEqual([
      {
        hub: hub.url,
        id: REPO,
        commit: COMMIT,
        bytes,
        files: ['chat_template.jinja', 'config.json', 'model.safetensors', 'tokenizer.json'],
      },
    ]);
    expect(await store?.delete(hub.url, 'owner/tiny')).toBe(0);
    expect(await store?.delete(hub.url, REPO)).toBe(bytes);
    expect(await store?.list()).toEqual([]);
  });

  test('a browser without room runs the model and says that it is not kept', async () => {
    store = await openModelStore(fakeCaches(SEGMENT_BYTES + 1000));
    const model = await open();
    await model.download();
    expect(model.isKept).toBe(false);
    expect(Buffer.compare(await readAll(), WEIGHTS)).toBe(0);
  });

  test('a browser that keeps nothing has no store', async () => {
    expect(await openModelStore(undefined)).toBeNull();
    const refusing = { open: () => Promise.reject(new DOMException('private')) } as unknown as CacheStorage;
    expect(await openModelStore(refusing)).toBeNull();
  });

  test('a segment that was stored cut off is fetched again', async () => {
    const caches = fakeCaches();
    store = await openModelStore(caches);
    await (await open()).download();
    const cache = await caches.open('');
    const request = (await cache.keys()).find(({ url }) => url.endsWith('/model.safetensors/1'));
    if (!request) throw new Error('no such segment');
    const kept = await cache.match(request);
    await cache.put(request, new Response('short', { headers: kept?.headers ?? {} }));
    expect(Buffer.compare(await readAll(), WEIGHTS)).toBe(0);
  });
});
