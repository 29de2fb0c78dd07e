/** Queueing, batching, routing, speculation and tiers in closed form, against the exact vectors. */
import { describe, expect, test } from 'vitest';
import {
  breakEvenBandwidth,
  effectiveLatency,
  loadOrRecompute,
  offloadVerdict,
  recomputeOrSwap,
} from '../../../src/core/kv/load-or-recompute.ts';
import {
  erlangC,
  meanWaitKingman,
  meanWaitMG1,
  ttftMD1,
  ttftParallel,
} from '../../../src/core/metrics/queueing.ts';
import { createRandom } from '../../../src/core/random.ts';
import {
  chunkedPrefillReads,
  continuousBatching,
  staticBatching,
} from '../../../src/core/schedule/batching.ts';
import { cacheAwareRoute, dynamoLogit } from '../../../src/core/schedule/routing.ts';
import {
  bestDraftTokens,
  drawAccepted,
  expectedTokens,
  speculativeSpeedup,
} from '../../../src/core/schedule/speculation.ts';
import { isWithin, vectors, type Vector } from '../../golden/vectors.ts';

type Inputs = Record<string, number>;
const n = (input: Inputs, name: string): number => {
  const value = input[name];
  if (value === undefined) throw new Error(`The vector has no ${name}.`);
  return value;
};
const lists = (vector: Vector) => vector.input as Record<string, number[]>;

/** What our function says for a vector, in the vector's own shape. */
const ANSWERS: Record<string, (i: Inputs, vector: Vector) => unknown> = {
  avgTtftMD1: (i) => ttftMD1(n(i, 'rate'), n(i, 'service_s')),
  interVsIntra: (i) => {
    const { interOp, intraOp } = ttftParallel(n(i, 'rate'), n(i, 'service_s'), n(i, 'speedup_K'));
    return { inter_op: interOp, intra_op: intraOp };
  },
  erlangC: (i) => {
    const { waits, meanWait } = erlangC(n(i, 'arrival'), n(i, 'service_rate'), n(i, 'servers'));
    return { p_wait: waits, wq: meanWait };
  },
  mg1Wait: (i) => meanWaitMG1(n(i, 'arrival'), n(i, 'service_mean'), n(i, 'scv')),
  kingman: (i) => meanWaitKingman(n(i, 'rho'), n(i, 'service_mean'), n(i, 'ca2'), n(i, 'cs2')),
  staticVsContinuous: (i, vector) => {
    const args = [lists(vector)['output_lens'] ?? [], n(i, 'slots'), n(i, 'step_cost')] as const;
    const [fixed, continuous] = [staticBatching(...args), continuousBatching(...args)];
    return {
      static_makespan: fixed.makespan,
      static_mean_finish: fixed.meanFinish,
      static_slot_utilisation: fixed.slotUtilisation,
      continuous_makespan: continuous.makespan,
      continuous_mean_finish: continuous.meanFinish,
      continuous_slot_utilisation: continuous.slotUtilisation,
    };
  },
  chunkedPrefillKvReads: (i) => {
    const { chunks, rereadTokens } = chunkedPrefillReads(n(i, 'prompt'), n(i, 'chunk'));
    return { chunks, kv_token_reads: rereadTokens };
  },
  specDecode: (i) => ({
    expected_tokens: expectedTokens(n(i, 'alpha'), n(i, 'gamma')),
    speedup: speculativeSpeedup(n(i, 'alpha'), n(i, 'gamma'), n(i, 'c')),
  }),
  bestGamma: (i) => bestDraftTokens(n(i, 'alpha'), n(i, 'c'), n(i, 'max_gamma')),
  dynamoLogit: (i) =>
    dynamoLogit(
      n(i, 'isl'),
      n(i, 'block_size'),
      n(i, 'overlap_blocks'),
      n(i, 'decode_blocks'),
      n(i, 'overlap_weight'),
    ),
  sglangRoute: (i, vector) =>
    cacheAwareRoute(lists(vector)['loads'] ?? [], lists(vector)['prefix_match_rate'] ?? [], {
      balanceAbsolute: n(i, 'balance_abs'),
      balanceRelative: n(i, 'balance_rel'),
      cacheThreshold: n(i, 'cache_threshold'),
    }),
  loadOrRecompute: (i) => {
    const { loadSeconds, recomputeSeconds, choose } = loadOrRecompute(
      n(i, 'tokens'),
      n(i, 'kv_bytes_per_token'),
      { bytesPerSecond: n(i, 'link_Bps'), latencySeconds: n(i, 'link_latency_s') },
      { flopsPerSecond: n(i, 'peak_flops') * n(i, 'mfu'), params: n(i, 'params') },
    );
    return { swap_s: loadSeconds, recompute_s: recomputeSeconds, choose };
  },
  breakEvenBandwidth: (i) =>
    breakEvenBandwidth(n(i, 'kv_bytes_per_token'), {
      flopsPerSecond: n(i, 'peak_flops') * n(i, 'mfu'),
      params: n(i, 'params'),
    }),
  effectiveLatency: (_, vector) => {
    const tiers = (vector.input as { tiers: { hit: number; latency_s: number }[] }).tiers;
    return effectiveLatency(tiers.map(({ hit, latency_s }) => ({ share: hit, latencySeconds: latency_s })));
  },
};

const PREFIXES = ['queue/', 'route/', 'spec/', 'tier/', 'sched/static-vs-continuous/', 'sched/chunk-reread/'];

describe.each(PREFIXES)('%s', (prefix) => {
  test.each(vectors(prefix).map((vector) => [vector.id, vector] as const))('%s', (_, vector) => {
    const answer = ANSWERS[vector.fn]?.(vector.input as Inputs, vector);
    const pairs =
      typeof vector.expected === 'object' && vector.expected !== null
        ? Object.entries(vector.expected).map(([key, value]) => [
            key,
            (answer as Record<string, unknown>)[key],
            value,
          ])
        : [['', answer, vector.expected]];
    expect(pairs.length).toBeGreaterThan(0);
    for (const [key, actual, expected] of pairs) {
      expect(isWithin(actual, expected, vector.tol), `${key}: ${actual}, not ${expected}`).toBe(true);
    }
  });
});

test('a queue that is offered too much has no mean wait', () => {
  expect(meanWaitMG1(10, 0.1, 1)).toBe(Infinity);
  expect(meanWaitKingman(1, 0.1, 1, 1)).toBe(Infinity);
  expect(erlangC(8, 1, 8)).toEqual({ waits: 1, meanWait: Infinity });
});

test('drawn acceptance has the mean of the formula', () => {
  const random = createRandom(5);
  const draws = 40_000;
  let sum = 0;
  for (let i = 0; i < draws; i++) sum += drawAccepted(0.7, 4, random);
  expect(Math.abs(sum / draws - expectedTokens(0.7, 4))).toBeLessThan(0.03);
  expect(drawAccepted(0, 4, random)).toBe(1);
  expect(drawAccepted(1, 4, random)).toBe(5);
});

test('speculation that does not pay is left off', () => {
  expect(bestDraftTokens(0.1, 0.5)).toBe(0);
});

test('a better match wins over a lower load until the loads are far apart', () => {
  expect(cacheAwareRoute([5, 30], [0.2, 0.9])).toEqual({ worker: 1, reason: 'cache' });
  expect(cacheAwareRoute([5, 60], [0.2, 0.9])).toEqual({ worker: 0, reason: 'imbalanced' });
  expect(cacheAwareRoute([5, 6], [0.2, 0.1], undefined, [90, 10])).toEqual({
    worker: 1,
    reason: 'low-match',
  });
});

describe('the verdict on offloading', () => {
  const fast = { bytesPerSecond: 25e9, latencySeconds: 1e-4 };
  const slow = { bytesPerSecond: 2e9, latencySeconds: 1e-4 };

  test('helps above the break-even bandwidth and hurts below it', () => {
    const helped = offloadVerdict(2048, 131_072, fast, 0.0621);
    expect(helped.helps).toBe(true);
    expect(helped.sentence).toMatch(/^Offloading helps here: loading 2048 tokens takes 10\.8 ms/);
    const hurt = offloadVerdict(2048, 131_072, slow, 0.0621);
    expect(hurt.helps).toBe(false);
    expect(hurt.sentence).toContain('break-even at 4.33 GB/s, the link has 2.00 GB/s');
    expect(hurt.breakEvenBandwidth).toBe(helped.breakEvenBandwidth);
  });

  test('at the break-even bandwidth both take the same time', () => {
    const { breakEvenBandwidth: bytesPerSecond } = offloadVerdict(2048, 131_072, fast, 0.0621);
    expect(1e-4 + (2048 * 131_072) / bytesPerSecond).toBeCloseTo(0.0621, 12);
  });

  test('a latency longer than the prefill: no bandwidth helps', () => {
    const verdict = offloadVerdict(16, 131_072, { bytesPerSecond: 1e12, latencySeconds: 0.01 }, 0.001);
    expect(verdict).toMatchObject({ helps: false, breakEvenBandwidth: Infinity });
    expect(verdict.sentence).toContain("the link's latency alone is 10.0 ms");
  });
});

test('a preempted sequence is swapped over a fast link and recomputed over a slow one', () => {
  const choose = (bytesPerSecond: number) => recomputeOrSwap(2000, 131_072, bytesPerSecond, 16, 5e-6, 0.0607);
  expect(choose(50e9)).toBe('swap');
  expect(choose(1e9)).toBe('recompute');
});
