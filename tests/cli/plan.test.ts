/** The planner from the command line: the contract of its JSON, names in any form, refusals in one sentence. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { kvlab } from '../support/run-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'kvlab-plan-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function json(...argv: string[]) {
  const { status, out } = await kvlab(...argv, '--json');
  expect(status).toBe(0);
  return JSON.parse(out);
}

const EIGHT = ['--model', 'meta-llama/Llama-3.1-8B', '--gpu', 'H100', '--isl', '1024', '--osl', '128'];

test('plan answers all that it promises', async () => {
  const answer = await json(
    'plan',
    ...EIGHT,
    '--tp',
    '1',
    '--weights',
    'fp16',
    '--kv',
    'fp16',
    '--concurrency',
    '8',
  );
  expect(answer).toMatchObject({
    feasible: true,
    memory: {
      weightsBytes: expect.any(Number),
      kvBytesPerToken: 131_072,
      activationBytes: expect.any(Number),
      overheadBytes: expect.any(Number),
      kvTokens: expect.any(Number),
    },
    batch: 8,
    ttftMs: expect.any(Number),
    tpotMs: expect.any(Number),
    outputTokensPerSecond: expect.any(Number),
    requestsPerSecond: expect.any(Number),
    costPerMillionOutputTokens: expect.any(Number),
    interval: { tpotMs: [expect.any(Number), expect.any(Number)] },
    flags: expect.stringContaining('vllm serve meta-llama/Llama-3.1-8B'),
    benchmark: expect.stringContaining('vllm bench serve'),
    phases: {
      prefill: { bound: expect.any(String) },
      decode: {
        arithmeticIntensity: expect.any(Number),
        ridge: expect.any(Number),
        bound: 'memory',
        mfu: expect.any(Number),
        mbu: expect.any(Number),
      },
    },
    prefixCache: { hitRatio: 0, ttftSaved: 0, memorySaved: 0, throughputRatio: 1 },
    cost: { perHour: expect.any(Number), perRequest: expect.any(Number), perMonth: expect.any(Number) },
  });
  const [low, high] = answer.interval.tpotMs;
  expect(low).toBeLessThan(answer.tpotMs);
  expect(high).toBeGreaterThan(answer.tpotMs);
});

test.each([
  ['llama-3.1-8b', 'h100-sxm'],
  ['Meta-Llama-3.1-8B', 'NVIDIA H100 80GB HBM3'],
  ['LLAMA-3.1-8B-INSTRUCT', 'H100 SXM'],
])('%s on %s is one deployment', async (model, gpu) => {
  const { memory } = await json('plan', '--model', model, '--gpu', gpu, '--tp', '1');
  expect(memory.kvBytesPerToken).toBe(131_072);
});

test('a shared prefix answers with what its cache saves, an API price with the break-even', async () => {
  const answer = await json(
    'plan',
    ...EIGHT,
    '--rps',
    '4',
    '--set',
    'load.sharedPrefix={"tokens":768,"prompts":2}',
    '--set',
    'prices.apiPerMillionOutput=0.5',
  );
  expect(answer.prefixCache).toMatchObject({
    hitRatio: expect.any(Number),
    ttftSaved: expect.any(Number),
    memorySaved: expect.any(Number),
    throughputRatio: expect.any(Number),
  });
  expect(answer.prefixCache.hitRatio).toBeGreaterThan(0.6);
  expect(answer.cost.breakEven).toBeGreaterThan(0);
});

test('what does not fit is an answer with its reason and remedies', async () => {
  const answer = await json(
    'plan',
    '--model',
    'llama-3.1-70b',
    '--gpu',
    'RTX 4090',
    '--count',
    '1',
    '--weights',
    'fp8',
  );
  expect(answer).toMatchObject({
    feasible: false,
    reason: expect.stringContaining('does not fit'),
    flags: null,
  });
  expect(answer.memory.remedies.length).toBeGreaterThan(0);
});

test('every engine gets its own settings', async () => {
  for (const [engine, command] of [
    ['sglang', 'sglang'],
    ['tensorrt-llm', 'trtllm'],
    ['llama.cpp', 'llama-server'],
  ] as const) {
    const { flags, choice } = await json('plan', ...EIGHT, '--engine', engine, '--concurrency', '4');
    expect(choice.engine).toBe(engine);
    expect(flags).toContain(command);
  }
});

test('a search follows its goal and lists what it was chosen from', async () => {
  const args = [
    '--model',
    'llama-3.1-8b',
    '--gpus',
    'H100,A100 80GB SXM,L4',
    '--rps',
    '5',
    '--isl',
    '512',
    '--osl',
    '128',
  ];
  const [cheap, fast] = [
    await json('plan', ...args, '--goal', 'cost'),
    await json('plan', ...args, '--goal', 'latency'),
  ];
  expect(cheap.cost.perHour).toBeLessThanOrEqual(fast.cost.perHour);
  expect(fast.tpotMs).toBeLessThanOrEqual(cheap.tpotMs);
  expect(cheap.explanation).toHaveLength(5);
  expect(cheap.searched.candidates).toBeGreaterThan(20);
});

test('compare ranks GPUs, those that can’t last with the reason', async () => {
  const { rows } = await json(
    'compare',
    '--model',
    'llama-3.1-70b',
    '--gpus',
    'H100,L4,Apple M2',
    '--rps',
    '2',
    '--goal',
    'cost',
  );
  expect(rows).toHaveLength(3);
  expect(rows.at(-1)).toMatchObject({ feasible: false, reason: expect.any(String) });
  expect(rows[0]).toMatchObject({ feasible: true, reason: null });
});

test('plans are written in four forms, and two of them compared', async () => {
  const [a, b] = [join(folder, 'a.json'), join(folder, 'b.yaml')];
  await kvlab('plan', ...EIGHT, '--tp', '1', '--out', a);
  await kvlab('plan', ...EIGHT, '--tp', '2', '--out', b);
  for (const name of ['c.md', 'c.html']) {
    await kvlab('plan', ...EIGHT, '--out', join(folder, name));
    expect(readFileSync(join(folder, name), 'utf8')).toContain('H100');
  }
  const { fields } = await json('compare', a, b);
  const tensor = fields.find(({ path }: { path: string }) => path === 'choice.tensorParallel');
  expect(tensor).toMatchObject({ a: 1, b: 2, same: false });
});

test('a trace is a load', async () => {
  const path = join(folder, 'trace.jsonl');
  const rows = Array.from({ length: 60 }, (_, i) =>
    JSON.stringify({ timestamp: i * 500, input_length: 1024, output_length: 64, hash_ids: [1, 100 + i] }),
  );
  writeFileSync(path, `${rows.join('\n')}\n`);
  const answer = await json('plan', '--model', 'llama-3.1-8b', '--gpu', 'h100-sxm', '--trace', path);
  expect(answer.requestsPerSecond).toBeCloseTo(2, 1);
  expect(answer.prefixCache.hitRatio).toBeGreaterThan(0.4);
});

test('gpus and models list what there is, by maker, kind and name', async () => {
  const laptops = await json('gpus', '--filter', 'laptop');
  expect(laptops.every(({ kind }: { kind: string }) => kind === 'laptop')).toBe(true);
  expect((await json('gpus')).length).toBeGreaterThanOrEqual(100);
  const [h100] = await json('gpus', '--filter', 'h100-sxm');
  expect(h100.prices[0]).toMatchObject({ gpu: 'h100-sxm', date: expect.stringMatching(/^20\d\d-/) });
  expect((await json('models')).length).toBeGreaterThanOrEqual(100);
  const one = await json('models', 'meta-llama/Llama-3.1-8B');
  expect(one).toMatchObject({ id: 'llama-3.1-8b', kvBytesPerToken: 131_072 });
  expect(one.parameters).toBe(8_030_261_248);
});

test.each([
  {
    argv: ['plan', '--model', 'llama-9', '--gpu', 'H100'],
    says: /The model “llama-9” is not known; the nearest are/,
  },
  {
    argv: ['plan', '--model', 'llama-3.1-8b', '--gpu', 'H1000'],
    says: /The GPU “H1000” is not known; the nearest are/,
  },
  { argv: ['plan', ...EIGHT, '--rps', '-3'], says: /--rps is “-3”; a number from/ },
  { argv: ['plan', ...EIGHT, '--rps', '5', '--concurrency', '5'], says: /give one of them/ },
  { argv: ['plan', ...EIGHT, '--goal', 'glory'], says: /--goal is “glory”; one of cost, latency/ },
  {
    argv: ['plan', ...EIGHT, '--goal', 'quality', '--weights', 'int4'],
    says: /The goal is quality, but engine.weights int4/,
  },
  { argv: ['plan', ...EIGHT, '--weights', 'fp7'], says: /fp7/ },
  { argv: ['plan', ...EIGHT, '--tp', '3'], says: /the nearest that works is 2 or 4/ },
  { argv: ['plan', ...EIGHT, '--out', 'plan.docx'], says: /a plan is written as/ },
  { argv: ['compare', 'one.json'], says: /takes two plans/ },
  { argv: ['gpus', '--filter', 'toaster'], says: /No GPU is “toaster”/ },
  { argv: ['plan', 'no-such-plan'], says: /There is no file and no plan “no-such-plan”/ },
])('$says', async ({ argv, says }) => {
  const { status, err, out } = await kvlab(...argv, '--json');
  expect(status).toBe(2);
  expect(err.trim()).toMatch(says);
  expect(err.trim().split('\n')).toHaveLength(1);
  expect(JSON.parse(out)).toMatchObject({ error: { code: 'bad-input' } });
});

test('models of a GPU: what fits, the largest first', async () => {
  const rows = await json(
    'models',
    '--gpu',
    'RTX 4090',
    '--concurrency',
    '1',
    '--isl',
    '1024',
    '--osl',
    '128',
  );
  const fitting = rows.filter(({ fits }: { fits: boolean }) => fits);
  const sizes = fitting.map(({ parameters }: { parameters: number }) => parameters);
  expect(sizes).toEqual([...sizes].sort((a: number, b: number) => b - a));
  expect(sizes[0]).toBeGreaterThan(2e10);
  expect(fitting.every(({ gpus }: { gpus: number }) => gpus === 1)).toBe(true);
  const large = rows.find(({ id }: { id: string }) => id === 'llama-3.1-405b');
  expect(large).toMatchObject({ fits: false, reason: expect.stringContaining('does not fit') });
});

test('guessing ahead makes a lonely request faster; thinking makes answers long', async () => {
  const args = ['plan', '--model', 'llama-3.1-8b', '--gpu', 'h100-sxm', '--concurrency', '1'];
  const [plain, eagle] = [await json(...args), await json(...args, '--speculation', 'eagle3')];
  expect(eagle.tpotMs).toBeLessThan(plain.tpotMs / 2);
  const thinking = await json(...args, '--reasoning', 'qwq-code');
  expect(thinking.choice.maxModelTokens).toBeGreaterThan(12_000);
  expect(thinking.e2eMs).toBeGreaterThan(5 * plain.e2eMs);
});

test('text for people says what does not work first', async () => {
  const { out } = await kvlab('plan', '--model', 'llama-3.1-70b', '--gpu', 'L4', '--count', '1');
  expect(out).toMatch(/^This plan does not work\./);
  expect((await kvlab('plan', ...EIGHT)).out).toContain('vllm serve');
});

test('an engine runs where it runs: refused in words, and on a phone the one that does is taken', async () => {
  const small = ['plan', '--model', 'llama-3.2-1b', '--concurrency', '1'];
  const refused = await json(...small, '--gpu', 'MI300X', '--engine', 'tensorrt-llm');
  expect(refused).toMatchObject({
    feasible: false,
    reason: 'tensorrt-llm does not run on Instinct MI300X; vllm does.',
  });
  const phone = await json(...small, '--gpu', 'apple-a18');
  expect(phone).toMatchObject({ feasible: true, choice: { engine: 'llama.cpp' } });
  const mac = await json(...small, '--gpu', 'm3-max');
  expect(mac.flags).toContain('vllm-metal');
  const fleet = await json('compare', '--model', 'llama-3.2-1b', '--gpus', 'H100,apple-a18', '--rps', '1');
  expect(fleet.rows.at(-1)).toMatchObject({ feasible: false, choice: { gpu: 'apple-a18' } });
  expect(fleet.rows.at(-1).reason).toContain('vllm does not run on Apple A18');
});
