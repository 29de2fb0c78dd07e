/** Requests that a scenario draws: what is shared, who waits for whom, and that engines see the same requests. */
import { describe, expect, test } from 'vitest';
import type { RequestTable } from '../../../src/core/schedule/requests.ts';
import { requestTable } from '../../../src/core/schedule/requests.ts';
import { parseSimulation } from '../../../src/core/scenario/parse.ts';
import type { SimScenario } from '../../../src/core/scenario/simulate/schema.ts';
import { generateRequests } from '../../../src/core/workload/generate.ts';
import { requestsContradiction } from '../../../src/core/workload/limits.ts';
import { multiTurnReuse } from '../../../src/core/workload/sharing.ts';
import { readTrace } from '../../../src/core/workload/traces/read.ts';
import type { Trace } from '../../../src/core/workload/traces/trace.ts';

function scenario(layer: object): SimScenario {
  const parsed = parseSimulation({ version: 1, kind: 'simulate', ...layer });
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.scenario;
}

const fixed = (tokens: number) => ({ kind: 'fixed', tokens });
const draw = (workload: object, engine: object = {}, seed = 1) =>
  generateRequests(scenario({ workload: { requests: 200, ...workload }, engine, seed }), null);

function idsOf({ blockStart, blockIds }: RequestTable, row: number): number[] {
  return [...blockIds.subarray(blockStart[row], blockStart[row + 1])];
}

const shared = (a: readonly number[], b: readonly number[]): number => {
  const at = a.findIndex((id, i) => id !== b[i]);
  return at < 0 ? a.length : at;
};

/** Share of prompt tokens that stood in an earlier row, in whole blocks. */
function reusedTokens(table: RequestTable, blockSize: number): number {
  const seen = new Set<number>();
  let reused = 0;
  for (let row = 0; row < table.size; row++) {
    const ids = idsOf(table, row);
    const inPrompt = ids.slice(0, Math.floor((table.promptTokens[row] ?? 0) / blockSize));
    const miss = inPrompt.findIndex((id) => !seen.has(id));
    reused += (miss < 0 ? inPrompt.length : miss) * blockSize;
    ids.forEach((id) => seen.add(id));
  }
  return reused;
}

const SHARING = [
  { kind: 'none' },
  { kind: 'system', prompts: 5, systemTokens: 100, exponent: 1 },
  { kind: 'sessions', systemTokens: 50, turns: 4, thinkSeconds: 3 },
  { kind: 'agents', systemTokens: 50, branching: 3, depth: 3 },
];

describe.each(SHARING)('sharing $kind', (sharing) => {
  test('gives a sound table', () => {
    const table = draw({ sharing });
    expect(table.size).toBe(200);
    let last = 0;
    for (let row = 0; row < table.size; row++) {
      const after = table.after[row] ?? -1;
      const arrival = table.arrivalMs[row] ?? -1;
      expect(after).toBeLessThan(row);
      expect(arrival).toBeGreaterThanOrEqual(after < 0 ? last : 0);
      if (after < 0) last = arrival;
      expect(table.promptTokens[row]).toBeGreaterThan(0);
      expect(table.outputTokens[row]).toBeGreaterThan(0);
      const total = (table.promptTokens[row] ?? 0) + (table.outputTokens[row] ?? 0);
      expect(idsOf(table, row)).toHaveLength(sharing.kind === 'none' ? 0 : Math.floor(total / 16));
    }
  });

  test('is the same for the same seed, and for any engine', () => {
    const table = draw({ sharing });
    expect(draw({ sharing })).toEqual(table);
    expect(draw({ sharing }, { tokenBudget: 512, cachePolicy: 'sieve' })).toEqual(table);
    const { blockStart: _starts, blockIds: _ids, ...rest } = table;
    expect(draw({ sharing }, { blockSize: 32 })).toMatchObject(rest);
    expect(draw({ sharing }, {}, 2).arrivalMs).not.toEqual(table.arrivalMs);
  });

  test('a lower rate stretches the arrivals and changes no length', () => {
    const at = (rate: number) => draw({ sharing, arrivals: { kind: 'poisson', rate } });
    const [slow, fast] = [at(2), at(4)];
    expect(slow.promptTokens).toEqual(fast.promptTokens);
    expect(slow.outputTokens).toEqual(fast.outputTokens);
    expect(slow.blockIds).toEqual(fast.blockIds);
    slow.arrivalMs.forEach((ms, row) => {
      if ((slow.after[row] ?? -1) < 0) expect(ms / (fast.arrivalMs[row] ?? 0)).toBeCloseTo(2, 9);
    });
  });
});

test('one way of sharing changes no length of another', () => {
  const alone = draw({});
  const system = draw({ sharing: { kind: 'system', prompts: 3, systemTokens: 64, exponent: 1 } });
  expect(system.arrivalMs).toEqual(alone.arrivalMs);
  expect(system.outputTokens).toEqual(alone.outputTokens);
  expect(system.promptTokens.map((tokens) => tokens - 64)).toEqual(alone.promptTokens);
});

describe('system prompts', () => {
  test('are shared in whole blocks, and nothing else is', () => {
    const table = draw({
      requests: 400,
      sharing: { kind: 'system', prompts: 2, systemTokens: 40, exponent: 0 },
      promptTokens: fixed(30),
    });
    // 40 tokens are two blocks of 16; the third holds text of the request's own.
    const heads = new Set<string>();
    const tails = new Set<number>();
    for (let row = 0; row < table.size; row++) {
      const ids = idsOf(table, row);
      heads.add(ids.slice(0, 2).join());
      ids.slice(2).forEach((id) => tails.add(id));
    }
    expect([...heads].sort()).toEqual(['0,1', '2,3']);
    expect(tails.size).toBe(table.blockIds.length - 2 * 400);
  });

  test('follow Zipf', () => {
    const table = draw({
      requests: 6000,
      sharing: { kind: 'system', prompts: 4, systemTokens: 16, exponent: 1 },
    });
    const counts = [0, 0, 0, 0];
    for (let row = 0; row < table.size; row++) {
      const [first = 0] = idsOf(table, row);
      counts[first] = (counts[first] ?? 0) + 1;
    }
    const sum = 1 + 1 / 2 + 1 / 3 + 1 / 4;
    counts.forEach((count, k) => expect(Math.abs(count / 6000 - 1 / (k + 1) / sum)).toBeLessThan(0.02));
  });
});

describe('sessions', () => {
  const sharing = { kind: 'sessions', systemTokens: 64, turns: 5, thinkSeconds: 10 };

  test('resend their history, and find all of it that filled blocks', () => {
    const table = draw({ requests: 20, sharing, promptTokens: fixed(32), outputTokens: fixed(96) });
    for (let row = 0; row < table.size; row++) {
      const turn = row % 5;
      expect(table.promptTokens[row]).toBe(64 + turn * 128 + 32);
      expect(table.after[row]).toBe(turn === 0 ? -1 : row - 1);
      if (turn > 0) expect(shared(idsOf(table, row), idsOf(table, row - 1))).toBe((64 + turn * 128) / 16);
    }
    // Sessions share the system prompt.
    expect(shared(idsOf(table, 0), idsOf(table, 5))).toBe(4);
    const oneSession = multiTurnReuse({ systemTokens: 64, userTokens: 32, assistantTokens: 96, turns: 5 });
    expect(reusedTokens(table, 16)).toBe(4 * oneSession.reusableTokens + 3 * 64);
  });

  test('a turn whose history ends inside a block shares the whole blocks before it', () => {
    const table = draw({ requests: 5, sharing, promptTokens: fixed(7), outputTokens: fixed(6) });
    for (let turn = 1; turn < 5; turn++) {
      const history = 64 + turn * 13;
      expect(shared(idsOf(table, turn), idsOf(table, turn - 1))).toBe(Math.floor(history / 16));
    }
  });

  test('come at the rate of requests, and think as long as told', () => {
    const table = draw({ requests: 50_000, sharing, arrivals: { kind: 'poisson', rate: 10 } });
    expect((table.arrivalMs[49_995] ?? 0) / 1000 / (50_000 / 10)).toBeCloseTo(1, 1);
    const pauses = table.arrivalMs.filter((_, row) => row % 5 !== 0);
    expect(pauses.reduce((a, b) => a + b, 0) / pauses.length / 1000).toBeCloseTo(10, 0);
  });
});

test('agents branch from what their parent read and wrote', () => {
  const sharing = { kind: 'agents', systemTokens: 32, branching: 2, depth: 3 };
  const table = draw({ requests: 14, sharing, promptTokens: fixed(16), outputTokens: fixed(16) });
  expect([...table.after]).toEqual([-1, 0, 0, 1, 1, 2, 2, -1, 7, 7, 8, 8, 9, 9]);
  const depths = [0, 1, 1, 2, 2, 2, 2];
  for (let row = 0; row < 14; row++) expect(table.promptTokens[row]).toBe(48 + 32 * (depths[row % 7] ?? 0));
  // Siblings share what their parent has, cousins only the root's.
  expect(shared(idsOf(table, 3), idsOf(table, 4))).toBe(6);
  expect(shared(idsOf(table, 3), idsOf(table, 5))).toBe(4);
  expect(shared(idsOf(table, 3), idsOf(table, 10))).toBe(2);
  expect([...table.arrivalMs.filter((_, row) => row % 7 !== 0)]).toEqual(new Array(12).fill(0));
});

describe('a closed loop', () => {
  test('has as many requests in flight as users', () => {
    const table = draw({ requests: 7, arrivals: { kind: 'closed', users: 3, thinkSeconds: 0 } });
    expect([...table.after]).toEqual([-1, -1, -1, 0, 1, 2, 3]);
    expect([...table.arrivalMs]).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });

  test('goes from the last turn of a session to the first of the next, which does not share it', () => {
    const table = draw({
      requests: 8,
      arrivals: { kind: 'closed', users: 2, thinkSeconds: 1 },
      sharing: { kind: 'sessions', systemTokens: 16, turns: 2, thinkSeconds: 0 },
      promptTokens: fixed(16),
      outputTokens: fixed(16),
    });
    expect([...table.after]).toEqual([-1, 0, -1, 2, 1, 4, 3, 6]);
    expect(shared(idsOf(table, 4), idsOf(table, 1))).toBe(1);
    expect(table.arrivalMs[4]).toBeGreaterThan(0);
  });
});

test('priorities have the share that is asked for, and change nothing else', () => {
  const table = draw({ requests: 5000, highPriorityShare: 0.2 });
  expect(table.priority.reduce((sum, p) => sum + p, 0) / 5000).toBeCloseTo(0.2, 1);
  expect({ ...table, priority: null }).toEqual({ ...draw({ requests: 5000 }), priority: null });
});

describe('a trace', () => {
  const trace = (...rows: { input: number; ids: number[] }[]) =>
    readTrace(
      rows
        .map(({ input, ids }, i) => ({
          timestamp: 100 * i,
          input_length: input,
          output_length: i,
          hash_ids: ids,
        }))
        .map((row) => JSON.stringify(row))
        .join('\n'),
    );
  const mooncake = trace({ input: 1100, ids: [7, 9, 12] }, { input: 600, ids: [7, 10] });
  const replay = trace({ input: 100, ids: [1, 2, 3, 4, 5, 6] }, { input: 70, ids: [1, 2, 3, 9] });
  const take = (file: Trace | null, blockSize: number, workload: object = {}) =>
    generateRequests(
      scenario({
        engine: { blockSize },
        workload: { requests: 0, trace: { name: 'a', speed: 2 }, ...workload },
      }),
      file,
    );

  test('keeps its lengths, with arrivals at the speed', () => {
    const table = take(mooncake, 512);
    expect([...table.arrivalMs]).toEqual([0, 50]);
    expect([...table.promptTokens]).toEqual([1100, 600]);
    // An engine gives one token at least.
    expect([...table.outputTokens]).toEqual([1, 1]);
    expect([idsOf(table, 0), idsOf(table, 1)]).toEqual([[0, 1], [0]]);
  });

  test('is cut to the first requests', () => {
    expect(take(mooncake, 512, { requests: 1 }).size).toBe(1);
    expect(take(mooncake, 512, { requests: 9 }).size).toBe(2);
  });

  test('a block of 512 is 32 engine blocks of 16, as far as they are full', () => {
    const table = take(mooncake, 16);
    const [a, b] = [idsOf(table, 0), idsOf(table, 1)];
    expect([a.length, b.length]).toEqual([Math.floor(1100 / 16), Math.floor(600 / 16)]);
    expect(shared(a, b)).toBe(32);
    expect(new Set([...a, ...b]).size).toBe(a.length + b.length - 32);
  });

  test('an engine block of 64 is known by the last of its four blocks of 16', () => {
    const table = take(replay, 64);
    expect([idsOf(table, 0), idsOf(table, 1)]).toEqual([[0], [1]]);
    expect(shared(idsOf(take(replay, 16), 0), idsOf(take(replay, 16), 1))).toBe(3);
    expect(shared(idsOf(take(replay, 8), 0), idsOf(take(replay, 8), 1))).toBe(6);
  });

  test('whose ids do not go with the block size is refused with the nearest that do', () => {
    expect(() => take(mooncake, 24)).toThrow(
      'engine.blockSize is 24, which neither divides nor is a multiple of the 512 tokens that an id of the trace stands for; use 16 or 32.',
    );
    expect(() => take(null, 16)).toThrow(
      'The scenario asks for the trace “a”; give its file beside the scenario.',
    );
  });

  test('of rates draws its requests along them', () => {
    const rates = readTrace('time,rate\n0,10\n100,0\n200,30\n300,0\n');
    const table = take(rates, 16, { trace: { name: 'a', speed: 1 } });
    expect(table.size).toBe(4000);
    const inWindow = (from: number, to: number) =>
      table.arrivalMs.filter((ms) => ms >= from * 1000 && ms < to * 1000).length;
    expect(inWindow(100, 200)).toBe(0);
    expect(inWindow(0, 100)).toBeGreaterThan(900);
    expect(inWindow(0, 100)).toBeLessThan(1100);
    expect(inWindow(200, 300)).toBeGreaterThan(2800);
    const faster = take(rates, 16, { trace: { name: 'a', speed: 2 } });
    expect(faster.arrivalMs.map((ms) => ms * 2)).toEqual(table.arrivalMs);
  });
});

describe('the longest request', () => {
  const table = requestTable([
    { arrivalMs: 0, promptTokens: 10, outputTokens: 5 },
    { arrivalMs: 0, promptTokens: 100, outputTokens: 20 },
  ]);
  test.each([
    { maxModelTokens: 120, numBlocks: 8, says: null },
    {
      maxModelTokens: 119,
      numBlocks: 8,
      says: 'Request 2 has 100 tokens of prompt and 20 of output, 120 in all, more than the 119 that the model takes; cut prompts at 99, or raise engine.maxModelTokens where it is lower than the model’s.',
    },
    {
      maxModelTokens: 120,
      numBlocks: 7,
      says: 'Request 2 has 100 tokens of prompt and 20 of output, 120 in all, which takes 8 KV blocks of 16; a replica has 7: set hardware.kvBlocks to 8 or more, or cut prompts at 92.',
    },
  ])('against $maxModelTokens tokens and $numBlocks blocks', ({ says, ...limits }) => {
    expect(requestsContradiction(table, { ...limits, blockSize: 16 })).toBe(says);
  });

  test('fits where layers forget', () => {
    const limits = { maxModelTokens: 120, numBlocks: 3, blockSize: 16, blocksOf: () => 3 };
    expect(requestsContradiction(table, limits)).toBeNull();
  });
});

test('a million requests are 25 bytes each', () => {
  const table = draw({ requests: 1_000_000 });
  const bytes = Object.values(table).reduce<number>(
    (sum, column: number | ArrayBufferView) => sum + (typeof column === 'number' ? 0 : column.byteLength),
    0,
  );
  expect(bytes / table.size).toBeLessThan(26);
});
