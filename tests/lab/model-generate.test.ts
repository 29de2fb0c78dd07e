/** A generation over a port of the engine: what it asks for, what it tells, and how it outlives a lost device. */
import { expect, test } from 'vitest';
import type { GenerationRequest, StepReport } from '../../src/engine/engine-types.ts';
import { generate, type EnginePort, type GenerationHooks } from '../../src/lab/model/generate.ts';
import type { GenerationUpdate } from '../../src/lab/model/types.ts';

const GREEDY = { temperature: 0, topP: 1, topK: 0, seed: 7 };

const IDLE: StepReport = {
  ...{ step: 0, startMs: 0, endMs: 1, gpuMs: null, decodeSequences: 0, decodeContextTokens: 0 },
  ...{ prefillTokens: 0, prefillChunks: 0, prefillPairs: 0, joined: [], joinedCachedTokens: [] },
  ...{ preempted: [], lostTokens: [], events: [], numRunning: 0, numWaiting: 0 },
  ...{ numActiveBlocks: 0, numCachedBlocks: 0, numWastedSlots: 0 },
};

/** The token that follows a text is the sum of its ids and its length: what was said before decides what comes. */
const nextToken = (ids: readonly number[]): number => (ids.reduce((a, b) => a + b, 0) + ids.length) % 97;

function continued(prompt: readonly number[], tokens: number): number[] {
  const ids = [...prompt];
  for (let i = 0; i < tokens; i++) ids.push(nextToken(ids));
  return ids.slice(prompt.length);
}

/** Every running request gets one token a step; `failsAt`: the step that throws. */
class FakeEngine implements EnginePort {
  readonly numBlocks = 64;
  readonly kvBytesPerToken = 32;
  readonly requests: (GenerationRequest & { ids: number[]; output: number; open: boolean })[] = [];
  readonly #failsAt: number;
  #steps = 0;
  #joined = 0;

  constructor(failsAt = Infinity) {
    this.#failsAt = failsAt;
  }

  submit(request: GenerationRequest): number {
    return this.requests.push({ ...request, ids: [...request.promptIds], output: 0, open: true }) - 1;
  }

  step(): Promise<StepReport | null> {
    if (++this.#steps === this.#failsAt) return Promise.reject(new Error('The GPU is gone.'));
    const joined = this.requests.slice(this.#joined).map((_, i) => this.#joined + i);
    this.#joined = this.requests.length;
    const open = this.requests.filter((request) => request.open);
    if (open.length === 0) return Promise.resolve(null);
    const events = open.map((request) => {
      const token = nextToken(request.ids);
      request.ids.push(token);
      const index = request.output++;
      if (request.output === request.maxTokens) request.open = false;
      const finished = request.open ? ('no' as const) : ('length' as const);
      return { request: this.requests.indexOf(request), token, index, finished };
    });
    return Promise.resolve({
      ...IDLE,
      ...{ step: this.#steps, events, joined, joinedCachedTokens: joined.map(() => 0) },
    });
  }

  cancel(request: number): void {
    const found = this.requests[request];
    if (found) found.open = false;
  }

  cacheOf(request: number) {
    const { ids, open } = this.requests[request] ?? { ids: [], open: false };
    const blocks = open ? [0, request + 1] : [];
    return { blocks, storedTokens: ids.length - 1, evictedTokens: 0 };
  }
}

function hooks(changes: Partial<GenerationHooks> = {}): GenerationHooks & { updates: GenerationUpdate[] } {
  const updates: GenerationUpdate[] = [];
  let clock = 0;
  return {
    updates,
    now: () => (clock += 20),
    signal: new AbortController().signal,
    tokenizer: null,
    onUpdate: (update) => updates.push(update),
    recover: () => Promise.resolve(null),
    ...changes,
  };
}

const ASKED = {
  ...{ samples: 1, maxTokens: 6, sampling: GREEDY, ignoreEnd: false },
  cache: { kvFormat: 'f32' as const },
};

test('every token is told once, with the time it came at', async () => {
  const heard = hooks();
  const result = await generate(new FakeEngine(), [[1, 2, 3], [9]], ASKED, heard);
  expect(result.sequences.map(({ tokens }) => tokens)).toEqual([continued([1, 2, 3], 6), continued([9], 6)]);
  for (const [number, { tokens, tokenTimesMs }] of result.sequences.entries()) {
    const told = heard.updates
      .flatMap((update) => update.tokens)
      .filter(({ sequence }) => sequence === number);
    expect(told.map(({ token }) => token)).toEqual(tokens);
    expect(told.map(({ atMs }) => atMs)).toEqual(tokenTimesMs);
    expect(told.at(-1)?.finished).toBe('length');
  }
  expect(result).toMatchObject({ complete: true, kvBytesPerToken: 32, resumed: 0 });
});

test('blocks that two sequences hold are counted as shared', async () => {
  const heard = hooks();
  await generate(new FakeEngine(), [[1], [2]], ASKED, heard);
  const caches = heard.updates[0]?.caches ?? [];
  expect(caches.map(({ blocks, references }) => ({ blocks, references }))).toEqual([
    { blocks: [0, 1], references: [2, 1] },
    { blocks: [0, 2], references: [2, 1] },
  ]);
});

test('the samples of a prompt fork its first, each with a seed of its own', async () => {
  const engine = new FakeEngine();
  await generate(engine, [[1], [2]], { ...ASKED, samples: 2 }, hooks());
  expect(engine.requests.map(({ forkOf, sampling }) => [forkOf, sampling.seed])).toEqual([
    [undefined, 7],
    [0, 8],
    [undefined, 7],
    [2, 8],
  ]);
});

test('where blocks can’t be shared, the samples of a prompt are requests of their own', async () => {
  const engine = new FakeEngine();
  await generate(engine, [[1]], { ...ASKED, samples: 2, cache: { kvFormat: 'int2' } }, hooks());
  expect(engine.requests.map(({ forkOf, sampling }) => [forkOf, sampling.seed])).toEqual([
    [undefined, 7],
    [undefined, 8],
  ]);
});

test('going on past the end means no token that ends', async () => {
  const engine = new FakeEngine();
  await generate(engine, [[1]], { ...ASKED, ignoreEnd: true }, hooks());
  await generate(engine, [[1]], ASKED, hooks());
  expect(engine.requests.map(({ stopTokens }) => stopTokens)).toEqual([[], undefined]);
});

test.each([1, 2, 4, 6])('a device lost at step %i changes no token', async (failsAt) => {
  const second = new FakeEngine();
  const heard = hooks({ recover: () => Promise.resolve(second) });
  const result = await generate(new FakeEngine(failsAt), [[1, 2, 3], [9]], ASKED, heard);
  expect(result.sequences.map(({ tokens }) => tokens)).toEqual([continued([1, 2, 3], 6), continued([9], 6)]);
  expect(result.resumed).toBe(1);
  expect(second.requests.map(({ promptIds, maxTokens }) => [promptIds.length, maxTokens])).toEqual([
    [3 + failsAt - 1, 6 - failsAt + 1],
    [1 + failsAt - 1, 6 - failsAt + 1],
  ]);
});

test('a device lost twice in a row, the second time before a token came, changes no token', async () => {
  const engines = [new FakeEngine(1), new FakeEngine()];
  const heard = hooks({ recover: () => Promise.resolve(engines.shift() ?? null) });
  const result = await generate(new FakeEngine(3), [[1, 2, 3]], ASKED, heard);
  expect(result.sequences[0]?.tokens).toEqual(continued([1, 2, 3], 6));
  expect(result.resumed).toBe(2);
});

test('a device that is lost again and again, and any other error, is thrown', async () => {
  const losing = hooks({ recover: () => Promise.resolve(new FakeEngine(1)) });
  await expect(generate(new FakeEngine(1), [[1]], ASKED, losing)).rejects.toThrow('The GPU is gone.');
  await expect(generate(new FakeEngine(2), [[1]], ASKED, hooks())).rejects.toThrow('The GPU is gone.');
});

test('a cancelled generation answers with what had come, and leaves the engine empty', async () => {
  const cancel = new AbortController();
  const engine = new FakeEngine();
  const heard = hooks({ signal: cancel.signal, onUpdate: () => cancel.abort() });
  const result = await generate(engine, [[1, 2]], { ...ASKED, maxTokens: 50 }, heard);
  expect(result.complete).toBe(false);
  expect(result.sequences[0]).toMatchObject({ finished: 'cancelled', tokens: continued([1, 2], 1) });
  expect(await engine.step()).toBeNull();
});
