/** Random requests in pools that are too small: every scheduler ends, and gives back what it took. */
import { describe, expect, test } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import type { KvConnector } from '../../../src/core/schedule/connector.ts';
import { SCHEDULER_NAMES } from '../../../src/core/scenario/simulate/schema.ts';
import { createEngine, runAll, turn, type EngineSettings, type Row, type Step } from './engine.ts';

/** Requests of all sizes that share prefixes, in a pool that is too small for them. */
function randomCase(seed: number): { rows: Row[]; settings: EngineSettings } {
  const random = createRandom(seed).fork('case');
  const blockSize = 1 + random.below(8);
  const rows = Array.from({ length: 30 + random.below(30) }, (_, i) => {
    const promptTokens = 1 + random.below(40);
    const outputTokens = 1 + random.below(30);
    const shared = random.below(4);
    const blocks = Math.floor((promptTokens + outputTokens) / blockSize);
    const blockIds = Array.from({ length: blocks }, (_b, depth) =>
      depth < 3 ? shared * 100 + depth : 1000 + i * 100 + depth,
    );
    return { promptTokens, outputTokens, priority: random.below(3), blockIds };
  });
  const longest = Math.max(...rows.map((row) => row.promptTokens + row.outputTokens));
  return {
    rows,
    settings: {
      blockSize,
      numBlocks: Math.ceil(longest / blockSize) + random.below(20),
      tokenBudget: 4 + random.below(60),
      maxSequences: 1 + random.below(10),
      longPrefillTokens: random.below(2) * 7,
      watermarkBlocks: random.below(12),
      maxTokens: longest,
      random: createRandom(seed),
    },
  };
}

const SEEDS = Array.from({ length: 12 }, (_, i) => i + 1);

/** Adds requests while it runs; returns the steps and how often each request finished. */
function soak(name: (typeof SCHEDULER_NAMES)[number], seed: number, extra: EngineSettings) {
  const { rows, settings } = randomCase(seed);
  const { scheduler, manager } = createEngine(name, rows, { ...settings, ...extra });
  const random = createRandom(seed).fork('arrivals');
  const finished = new Array<number>(rows.length).fill(0);
  const prefilled = new Set<number>();
  const steps: Step[] = [];
  let added = 0;
  for (let i = 0; i < 20_000; i++) {
    while (added < rows.length && random.below(3) === 0) scheduler.add(added++);
    const step = turn(scheduler);
    manager.check();
    if (!step && added === rows.length) break;
    if (!step) continue;
    steps.push(step);
    for (const row of step.prefilled) prefilled.add(row);
    for (const row of step.finished) finished[row] = (finished[row] ?? 0) + 1;
  }
  return { steps, finished, prefilled, scheduler, manager };
}

describe.each(SCHEDULER_NAMES)('%s, over random requests in a small pool', (name) => {
  const paged = name === 'vllm' || name === 'sarathi';
  const variants: { title: string; extra: EngineSettings }[] = [
    { title: 'first come first served', extra: {} },
    { title: 'priorities', extra: { priorities: 'priority' } },
    ...(paged
      ? [
          { title: 'a prefix cache', extra: { prefixCaching: true } },
          { title: 'speculation', extra: { speculation: { draftTokens: 3, acceptance: 0.6 } } },
          {
            title: 'speculation, a prefix cache and priorities',
            extra: {
              speculation: { draftTokens: 2, acceptance: 0.8 },
              prefixCaching: true,
              priorities: 'priority' as const,
            },
          },
        ]
      : []),
  ];

  test.each(variants)('everyone ends once and every block comes back: $title', ({ extra }) => {
    for (const seed of SEEDS) {
      const { finished, prefilled, scheduler, manager } = soak(name, seed, { ...extra });
      expect(new Set(finished), `seed ${seed}`).toEqual(new Set([1]));
      expect(prefilled.size).toBe(finished.length);
      expect([scheduler.numRunning, scheduler.numWaiting, scheduler.numRunningTokens]).toEqual([0, 0, 0]);
      expect(manager.numActiveBlocks).toBe(0);
    }
  });
});

test('without draft tokens, speculation is the vLLM scheduler step for step', () => {
  let preemptions = 0;
  for (const seed of SEEDS) {
    const extra = { prefixCaching: seed % 2 === 0 };
    const plain = soak('vllm', seed, extra);
    const speculative = soak('vllm', seed, { ...extra, speculation: { draftTokens: 0, acceptance: 0.5 } });
    expect(speculative.steps).toEqual(plain.steps);
    preemptions += plain.steps.reduce((sum, { preempted }) => sum + preempted.length, 0);
  }
  expect(preemptions).toBeGreaterThan(50);
});

describe.each(['vllm', 'sarathi'] as const)('%s with swap', (name) => {
  /** Host memory without bounds or time. */
  function swapSpace(): KvConnector & { readonly kept: Map<number, number>; loads: number } {
    const kept = new Map<number, number>();
    return {
      kept,
      loads: 0,
      matched: (request, found) => Math.max(0, (kept.get(request) ?? 0) - found),
      load(request) {
        kept.delete(request);
        this.loads++;
      },
      keep: (request, computed) => {
        kept.set(request, computed);
        return true;
      },
    };
  }

  test('a preempted request goes on where it stood', () => {
    const rows = Array.from({ length: 3 }, () => ({ promptTokens: 8, outputTokens: 6 }));
    const connector = swapSpace();
    const { scheduler } = createEngine(name, rows, { numBlocks: 7, connector });
    rows.forEach((_, i) => scheduler.add(i));
    const steps = runAll(scheduler);
    const resumed = steps.flatMap(({ chunks }) => chunks.filter(([, , before]) => (before ?? 0) > 0));
    expect(resumed.length).toBeGreaterThan(0);
    // All that is left to compute is the token after those that were kept.
    for (const [, tokens] of resumed) expect(tokens).toBe(1);
    const computed = steps.reduce((sum, { chunks }) => sum + chunks.reduce((s, [, n]) => s + (n ?? 0), 0), 0);
    expect(computed).toBe(24 + resumed.length);
    expect(connector.kept.size).toBe(0);
  });

  test('nothing is lost over random requests', () => {
    let swaps = 0;
    for (const seed of SEEDS) {
      const connector = swapSpace();
      const { finished, manager } = soak(name, seed, { connector });
      expect(new Set(finished)).toEqual(new Set([1]));
      expect(manager.numActiveBlocks).toBe(0);
      swaps += connector.loads;
    }
    expect(swaps).toBeGreaterThan(20);
  });
});
