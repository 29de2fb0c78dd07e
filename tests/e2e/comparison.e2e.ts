/**
 * @huggingface/transformers beside our engine, as it is packed into the page: from a hub on this machine, on WASM and on
 * WebGPU, with ONNX Runtime's wasm from the page's own folder and no request to anywhere else. The model is the reference
 * model, written as an ONNX file for this test; its greedy tokens are known.
 */
import { readFileSync, readdirSync, rmSync, mkdtempSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM_ARGS, findChromium } from '../../scripts/chromium.mjs';
import { memorySource } from '../../src/engine/files/byte-source.ts';
import { readSafetensors } from '../../src/engine/weights/safetensors.ts';
import { referenceBytes, referenceText, whyNoReferenceData } from '../reference-data.ts';
import { COMMIT, startHub, type HubServer } from '../support/hub-server.ts';
import { onnxLlama } from '../support/onnx-llama.ts';
import type { Answer, Question } from './support/comparison/protocol.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = 'weights/tinystories-656k';
const REPO = 'owner/tinystories-656k';
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};
const missing = whyNoReferenceData('weights/golden_greedy.json');

let dist = '';
let hub: HubServer;
let server: Server;
let browser: Browser;
let url = '';
/** Every address that the page asked for. */
const asked: string[] = [];
const problems: string[] = [];

async function onnxFile(): Promise<Uint8Array> {
  const tensors = await readSafetensors(
    memorySource('model.safetensors', await referenceBytes(`${FOLDER}/model.safetensors`)),
    0,
  );
  const read = new Map<string, { shape: readonly number[]; values: Float32Array }>();
  for (const [name, tensor] of tensors) {
    read.set(name, { shape: tensor.shape, values: await tensor.readRows(0, tensor.shape[0] ?? 0) });
  }
  const shape = { layers: 2, hidden: 128, queryHeads: 8, kvHeads: 4, headDim: 16, vocab: 2048 };
  return onnxLlama({ ...shape, maxPositions: 512, theta: 10_000, epsilon: 1e-6 }, (name) => {
    // Its embedding and its head are one matrix, which the file calls lm_head.
    const found = read.get(name === 'model.embed_tokens.weight' ? 'lm_head.weight' : name);
    if (!found) throw new Error(`no ${name}`);
    return found;
  });
}

beforeAll(async () => {
  if (missing !== null) return;
  dist = mkdtempSync(join(tmpdir(), 'kvlab-comparison-'));
  const mode = process.env['NODE_ENV'];
  process.env['NODE_ENV'] = 'production';
  await build({
    root: `${ROOT}tests/e2e/support/comparison`,
    configFile: `${ROOT}vite.config.ts`,
    publicDir: `${ROOT}public`,
    logLevel: 'error',
    build: { outDir: dist, emptyOutDir: true },
  });
  if (mode === undefined) delete process.env['NODE_ENV'];
  else process.env['NODE_ENV'] = mode;

  hub = await startHub();
  const files = new Map<string, Uint8Array>();
  for (const name of ['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json']) {
    files.set(name, await referenceBytes(`${FOLDER}/${name}`));
  }
  hub.repositories.set(REPO, {
    commit: COMMIT,
    files: new Map(files).set('onnx/model.onnx', await onnxFile()),
  });
  hub.repositories.set('owner/no-onnx', { commit: COMMIT, files });
  const broken = new TextEncoder().encode('this is no ONNX file');
  hub.repositories.set('owner/broken', {
    commit: COMMIT,
    files: new Map(files).set('onnx/model.onnx', broken),
  });

  server = createServer((request, response) => {
    if (hub.handle(request, response)) return;
    const path = new URL(request.url ?? '/', 'http://host').pathname;
    try {
      const body = readFileSync(join(dist, path === '/' ? 'index.html' : path));
      response.writeHead(200, {
        'content-type': TYPES[extname(path) || '.html'] ?? 'application/octet-stream',
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://localhost:${(server.address() as AddressInfo).port}`;
  const executablePath = findChromium();
  browser = await chromium.launch({
    ...(executablePath ? { executablePath } : {}),
    args: [...CHROMIUM_ARGS],
  });
}, 300_000);

afterAll(async () => {
  await browser?.close();
  await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  await hub?.close();
  if (dist !== '') rmSync(dist, { recursive: true, force: true });
});

async function visit(): Promise<Page> {
  const page = await browser.newPage();
  page.on('request', (request) => asked.push(request.url()));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.goto(url);
  return page;
}

function askPage(page: Page, question: Partial<Question>): Promise<Answer> {
  const whole: Question = {
    hub: url,
    repo: REPO,
    device: 'wasm',
    promptText: 'Once upon a time',
    maxTokens: 24,
    ...question,
  };
  return page.evaluate(
    (asked) => (window as unknown as { ask: (question: Question) => Promise<Answer> }).ask(asked),
    whole,
  );
}

describe.skipIf(missing !== null)(`comparison backend${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const golden = missing ? null : JSON.parse(referenceText('weights/golden_greedy.json'))['tinystories-656k'];

  test('WASM: the golden tokens to the end of the story, from a hub, without a request to anywhere else', async () => {
    const page = await visit();
    const answer = await askPage(page, { maxTokens: 200, cancelAfterTokens: 3 });
    if (!answer.ok) throw new Error(answer.sentence);
    const { timing, promptIds } = answer;
    expect(promptIds).toEqual(golden.prompt);
    expect(answer.name).toMatch(/^@huggingface\/transformers \d+\.\d+\.\d+ \(WASM, fp32\)$/);
    // Greedy, and over at the model's end token, which is its last.
    expect([...promptIds, ...timing.tokens]).toEqual(golden.greedy_tokens);
    expect(answer.told).toEqual(timing.tokens);
    expect(timing.tokenTimesMs).toHaveLength(timing.tokens.length);
    expect(timing.tokenTimesMs[0]).toBe(timing.ttftMs);
    expect(timing.tokenTimesMs).toEqual([...timing.tokenTimesMs].sort((a, b) => a - b));
    // f32 keys and values of every token but the last one: it was never an input.
    expect(answer.kvBytes).toBe((golden.greedy_tokens.length - 1) * 2 * 2 * 4 * 16 * 4);
    expect(answer.text).toContain('Lily lived in a small house');
    expect(answer.progress.at(-1)).toBe(hub.repositories.get(REPO)?.files.get('onnx/model.onnx')?.length);
    expect(answer.sentences).toEqual([
      expect.stringMatching(/cancelled\. 3$/),
      '@huggingface/transformers runs one prompt at a time; wait for the other.',
      'Prompt and output have 5006 tokens; this model takes 512.',
      'A request needs a prompt and tokens to make; it has 6 and 0.',
      '2048 is no token of this model, which has 2048.',
    ]);

    const elsewhere = asked.filter(
      (address) => new URL(address).origin !== url && !address.startsWith('blob:'),
    );
    expect(elsewhere).toEqual([]);
    expect(asked.filter((address) => /ort-wasm.*\.wasm$/.test(address))).toHaveLength(1);
    expect(problems.splice(0)).toEqual([]);
    await page.close();
  });

  test('the model is kept in the browser: a second visit runs it with the hub gone', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(url);
    const first = await askPage(page, { maxTokens: 4 });
    if (!first.ok) throw new Error(first.sentence);
    const bytes = [...(hub.repositories.get(REPO)?.files.values() ?? [])].reduce(
      (sum, file) => sum + file.length,
      0,
    );
    expect(first.kept).toEqual([{ id: REPO, bytes }]);
    await page.reload();
    hub.faults.statuses = Array.from({ length: 50 }, () => 503);
    const again = await askPage(page, { maxTokens: 4 });
    hub.faults.statuses = [];
    if (!again.ok) throw new Error(again.sentence);
    expect(again.offline).toBe(true);
    expect(again.timing.tokens).toEqual(first.timing.tokens);
    await context.close();
  });

  test('WebGPU: the golden tokens', async () => {
    const page = await visit();
    const answer = await askPage(page, { device: 'webgpu', maxTokens: 16 });
    if (!answer.ok) throw new Error(answer.sentence);
    expect(answer.name).toContain('(WebGPU, fp32)');
    expect(answer.timing.tokens).toEqual(golden.greedy_tokens.slice(6, 22));
    await page.close();
    problems.length = 0;
  });

  test.each([
    [
      { repo: 'owner/no-onnx' },
      /^owner\/no-onnx has no ONNX files \(onnx\/model\.onnx\), so .* onnx-community\.$/,
    ],
    [{ repo: 'owner/broken' }, /^@huggingface\/transformers can't run owner\/broken on WASM \(.+\)\.$/],
    [{ repo: 'owner/never' }, /^owner\/never does not exist, or is gated or private/],
  ])('refusals in one sentence: %j', async (question, sentence) => {
    const page = await visit();
    const answer = await askPage(page, question);
    expect(answer).toEqual({ ok: false, sentence: expect.stringMatching(sentence) });
    await page.close();
    problems.length = 0;
  });

  test('one wasm of ONNX Runtime lies in the page’s folder, and the service worker does not fetch it ahead', () => {
    const files = readdirSync(dist, { recursive: true, encoding: 'utf8' });
    const wasm = files.filter((file) => file.endsWith('.wasm'));
    expect(wasm).toEqual([expect.stringMatching(/^assets\/ort-wasm-simd-threaded\.asyncify-[^/]+\.wasm$/)]);
    const worker = readFileSync(join(dist, 'sw.js'), 'utf8');
    const ahead = [...worker.matchAll(/url:\s*"([^"]+)"/g)].map(([, path = '']) => path);
    expect(ahead.length).toBeGreaterThan(1);
    expect(ahead.filter((path) => path.endsWith('.wasm'))).toEqual([]);
    expect(worker).toContain('kvlab-onnx-runtime');
  });
});
