/** Laws that hold whatever the scenario: nobody is lost, blocks come back, Little's law, the same run twice. */
import { describe, expect, test } from 'vitest';
import { createRandom, type Random } from '../../../src/core/random.ts';
import { requestTable, type RequestRow } from '../../../src/core/schedule/requests.ts';
import {
  ROUTER_NAMES,
  SCHEDULER_NAMES,
  TIER_KINDS,
  type Cluster,
  type SimEngine,
} from '../../../src/core/scenario/simulate/schema.ts';
import { createCluster } from '../../../src/sim/cluster.ts';
import { createLinear } from '../../../src/sim/cost/linear.ts';
import { LINEAR, run, scenarioOf, type TestOptions } from './cluster.ts';

const BLOCK_POLICIES = ['lru', 'fifo', 'sieve', 's3fifo', 'arc', 'suffix'] as const;
/** Llama-3.1-8B in bf16. */
const KV_BYTES_A_TOKEN = 131_072;
const SEEDS = Array.from({ length: 60 }, (_, i) => i + 1);

function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[random.below(items.length)];
  if (item === undefined) throw new Error('Nothing to pick from.');
  return item;
}

/** Texts that share prefixes, in chains of turns where one waits for another. */
function randomRows(random: Random, blockSize: number): RequestRow[] {
  let nowMs = 0;
  return Array.from({ length: 40 + random.below(60) }, (_, i) => {
    nowMs += random.below(60);
    const follows = i > 0 && random.below(4) === 0;
    const promptTokens = 1 + random.below(300);
    const outputTokens = random.below(120);
    const family = random.below(5);
    const blocks = Math.floor((promptTokens + outputTokens) / blockSize);
    return {
      arrivalMs: follows ? random.below(50) : nowMs,
      ...(follows ? { after: random.below(i) } : {}),
      promptTokens,
      outputTokens,
      priority: random.below(2),
      blockIds: Array.from({ length: blocks }, (_b, depth) =>
        depth < 8 ? family * 1000 + depth : 10_000 + i * 1000 + depth,
      ),
    };
  });
}

function randomEngine(random: Random): Partial<SimEngine> {
  const scheduler = pick(random, [...SCHEDULER_NAMES, 'vllm', 'sarathi'] as const);
  const paged = scheduler === 'vllm' || scheduler === 'sarathi';
  return {
    scheduler,
    blockSize: 1 + random.below(20),
    tokenBudget: 16 + random.below(400),
    maxSequences: 1 + random.below(12),
    longPrefillTokens: random.below(3) === 0 ? 32 : 0,
    priorities: pick(random, ['fcfs', 'priority']),
    preemption: pick(random, ['recompute', 'swap', 'faster']),
    watermark: pick(random, [0, 0.01, 0.2]),
    reserveFullPrompt: random.below(2) === 0,
    prefixCache: pick(random, ['off', 'hash', 'hash']),
    cachePolicy: pick(random, BLOCK_POLICIES),
    speculation:
      paged && random.below(4) === 0
        ? { draftTokens: 1 + random.below(4), acceptance: 0.6, draftCost: 0.1 }
        : null,
  };
}

function randomCluster(random: Random, paged: boolean): Partial<Cluster> {
  const link = { linkGBps: pick(random, [0.5, 10, 100]), linkLatencyUs: pick(random, [0, 500]) };
  return {
    replicas: 1 + random.below(3),
    router: pick(random, ROUTER_NAMES),
    disaggregation:
      paged && random.below(3) === 0
        ? { prefillReplicas: 1 + random.below(2), decodeReplicas: 1 + random.below(2), ...link }
        : null,
    tiers: Array.from({ length: random.below(3) }, () => ({
      kind: pick(random, TIER_KINDS),
      capacityGB: pick(random, [0.1, 1, 50]),
      bandwidthGBps: pick(random, [0.2, 5, 50]),
      latencyUs: pick(random, [0, 100, 5000]),
      shared: random.below(2) === 0,
    })),
    offload: pick(random, ['write-through', 'on-evict']),
    tierLoads: pick(random, ['always', 'when-faster']),
  };
}

function randomCase(seed: number): { rows: RequestRow[]; options: TestOptions } {
  const random = createRandom(seed).fork('scenario');
  const engine = randomEngine(random);
  const blockSize = engine.blockSize ?? 16;
  const rows = randomRows(random.fork('rows'), blockSize);
  return {
    rows,
    options: {
      engine,
      cluster: randomCluster(random, engine.scheduler === 'vllm' || engine.scheduler === 'sarathi'),
      // Sometimes too few for the longest requests.
      numBlocks: Math.ceil((250 + random.below(900)) / blockSize),
      seed,
      log: true,
    },
  };
}

const runs = new Map<number, ReturnType<typeof run>>();

/** A random case's run, done once for all tests that look at it. */
function runOf(seed: number): ReturnType<typeof run> {
  const { rows, options } = randomCase(seed);
  const known = runs.get(seed) ?? run(rows, options);
  runs.set(seed, known);
  return known;
}

describe.each(SEEDS)('random cluster %i', (seed) => {
  const { rows, options } = randomCase(seed);

  test('everyone ends once or is sent back, in order, and every block comes back', () => {
    const { told, replicas, loop } = runOf(seed);
    expect(loop.numDone).toBe(rows.length);
    rows.forEach((_, i) => {
      if (told.rejected.includes(i)) {
        expect(told.finishes[i]).toBeUndefined();
        return;
      }
      expect(told.finishes[i], `request ${i}`).toBe(1);
      const moments = [told.arrivedMs[i], told.startedMs[i], told.prefilledMs[i], told.finishedMs[i]];
      expect(moments).toEqual([...moments].sort((a, b) => (a ?? NaN) - (b ?? NaN)));
    });
    for (const { manager, numActiveBlocks, numRunning, numWaiting, numWaitingTokens } of replicas) {
      manager.check();
      expect([numActiveBlocks, numRunning, numWaiting, numWaitingTokens]).toEqual([0, 0, 0, 0]);
    }
  });

  test('every byte that is told is in the books, and tiers give what they are said to have hit', () => {
    const { told, traffic } = runOf(seed);
    const books = traffic();
    const sent = books.filter(({ kind }) => kind === 'prefill to decode');
    const rest = books.filter(({ kind }) => kind !== 'prefill to decode');
    const sum = (list: typeof books, of: 'inBytes' | 'outBytes') =>
      list.reduce((all, row) => all + row[of], 0);
    expect(told.outBytes).toBe(sum(books, 'outBytes'));
    expect(told.inBytes).toBe(sum(rest, 'inBytes'));
    expect(sum(sent, 'inBytes')).toBe(sum(sent, 'outBytes'));
    for (const { kind, inBytes, outBytes, hitTokens } of rest) {
      if (kind === 'swap') expect(inBytes).toBeLessThanOrEqual(outBytes);
      else expect(inBytes).toBe(hitTokens * KV_BYTES_A_TOKEN);
    }
    told.cached.forEach((tokens, i) => {
      // A decode replica is handed the whole prompt; whoever computes it computes its last token.
      expect(tokens).toBeLessThan(rows[i]?.promptTokens ?? 0);
    });
  });

  test('the same again is the same, word for word, in steps of any size', () => {
    const first = runOf(seed).told.log;
    expect(first.length).toBeGreaterThan(rows.length);
    expect(run(rows, { ...options, stride: 1 }).told.log).toEqual(first);
  });
});

test('the random cases cover what they are meant to', () => {
  const cases = SEEDS.map((seed) => ({ ...runOf(seed), options: randomCase(seed).options }));
  const count = (holds: (one: (typeof cases)[number]) => boolean) => cases.filter(holds).length;
  const moved = (kind: string) =>
    count(({ traffic }) => traffic().some((row) => row.kind === kind && row.inBytes > 0));
  expect(count(({ told }) => told.preemptions > 0)).toBeGreaterThan(8);
  expect(count(({ told }) => told.rejected.length > 0)).toBeGreaterThan(3);
  expect(count(({ told }) => told.loaded.length > 0)).toBeGreaterThan(3);
  expect(moved('swap')).toBeGreaterThan(3);
  expect(moved('prefill to decode')).toBeGreaterThan(5);
  for (const name of SCHEDULER_NAMES) {
    expect(
      count(({ options }) => options.engine?.scheduler === name),
      name,
    ).toBeGreaterThan(2);
  }
});

describe('Little’s law: requests in the system on average = throughput · mean time in it', () => {
  test.each(SCHEDULER_NAMES)('%s, three replicas', (scheduler) => {
    const random = createRandom(11);
    const rows = randomRows(random, 16).map(({ arrivalMs, promptTokens, outputTokens }) => ({
      arrivalMs,
      promptTokens,
      outputTokens,
    }));
    const arrivedMs: number[] = [];
    let timesInSystem = 0;
    const { loop, replicas } = createCluster({
      scenario: scenarioOf({
        engine: { scheduler, maxSequences: 4 },
        cluster: { replicas: 3, router: 'least-loaded' },
      }),
      requests: requestTable([...rows].sort((a, b) => a.arrivalMs - b.arrivalMs)),
      cost: createLinear(LINEAR),
      numBlocks: 80,
      observer: {
        arrived: (request, nowMs) => void (arrivedMs[request] = nowMs),
        finished: (request, nowMs) => void (timesInSystem += nowMs - (arrivedMs[request] ?? NaN)),
      },
    });
    let area = 0;
    for (;;) {
      const [before, inSystem] = [
        loop.nowMs,
        replicas.reduce((sum, { numRunning, numWaiting }) => sum + numRunning + numWaiting, 0),
      ];
      const more = loop.advance(1);
      area += inSystem * (loop.nowMs - before);
      if (!more) break;
    }
    expect(timesInSystem).toBeGreaterThan(0);
    expect(Math.abs(area / timesInSystem - 1)).toBeLessThan(1e-9);
  });
});
