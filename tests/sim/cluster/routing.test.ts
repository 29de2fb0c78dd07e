/** Routers, disaggregation, swap, speculation: what a cluster of replicas does with its requests. */
import { describe, expect, test } from 'vitest';
import { run, textRow } from './cluster.ts';

describe('routers', () => {
  const rows = Array.from({ length: 4 }, (_, i) => textRow(i, 160, i === 0 ? 400 : 2, 1000 * i));

  test('round robin takes turns', () => {
    const { told } = run(rows, { cluster: { replicas: 3, router: 'round-robin' } });
    expect(told.replica).toEqual([0, 1, 2, 0]);
  });

  test('least loaded avoids the busy one', () => {
    const late = rows.map((row, i) => ({ ...row, arrivalMs: i * 500 }));
    const { told } = run(late, { cluster: { replicas: 2, router: 'least-loaded' } });
    expect(told.replica).toEqual([0, 1, 1, 1]);
  });

  test('prefix-aware goes where the text is, until that replica has too much to do', () => {
    const same = [
      textRow(0, 321, 1, 0),
      textRow(500, 321, 1, 700),
      ...Array.from({ length: 6 }, (_, i) => textRow(1000 + i / 100, 321, 300, 0)),
    ];
    const { told } = run(same, { cluster: { replicas: 2, router: 'prefix-aware' } });
    expect(told.replica.slice(0, 3)).toEqual([0, 0, 0]);
    expect(told.cached[2]).toBe(320);
    expect(told.replica.slice(3)).toContain(1);
    expect(told.replica.slice(3)).toContain(0);
  });
});

test('prefix-aware knows what a replica’s own tier holds', () => {
  const host = { kind: 'host', capacityGB: 10, bandwidthGBps: 50, latencyUs: 10, shared: false } as const;
  // The first text goes to replica 0 and is driven out there by long ones that are sent to both in turn.
  const rows = [
    textRow(0, 321, 1, 0),
    ...Array.from({ length: 6 }, (_, i) => textRow(1000 * (i + 1), 381, 1, 1000 * (i + 1))),
    textRow(9000, 321, 1, 0),
  ];
  const last = (tiers: readonly (typeof host)[]) => {
    const { told } = run(rows, {
      numBlocks: 25,
      cluster: { replicas: 2, router: 'prefix-aware', tiers: [...tiers], offload: 'write-through' },
    });
    return told.cached.at(-1);
  };
  expect(last([])).toBe(0);
  expect(last([host])).toBe(320);
});

describe('prefill and decode apart', () => {
  const split = { prefillReplicas: 1, decodeReplicas: 1, linkGBps: 10, linkLatencyUs: 100 };
  // 131,072 bytes a token at 10 GB/s
  const sendMs = (tokens: number) => (tokens * 131_072) / 1e7;

  test('a prompt is sent layer by layer while it is computed, then decodes elsewhere', () => {
    const { told, replicas, traffic } = run([textRow(0, 1000, 3, 0)], { cluster: { disaggregation: split } });
    // computed in 110 ms; the link is the faster one, so one layer and the latency are left at the end
    expect(told.prefilledMs[0]).toBeCloseTo(110, 9);
    const arrivesMs = 110 + sendMs(1000) / 32 + 0.1;
    // two more tokens, 10.1 ms each
    expect(told.finishedMs[0]).toBeCloseTo(arrivesMs + 2 * 10.1, 9);
    expect(told.finishes).toEqual([1]);
    expect(traffic()).toEqual([
      { kind: 'prefill to decode', outBytes: 1000 * 131_072, inBytes: 1000 * 131_072, hitTokens: 0 },
    ]);
    expect(replicas.map(({ numActiveBlocks }) => numActiveBlocks)).toEqual([0, 0]);
  });

  test('a slow link is what takes the time, and prompts queue on it', () => {
    const slow = { ...split, linkGBps: 0.5 };
    const rows = [textRow(0, 1000, 3, 0), textRow(0, 1000, 3, 500)];
    const { told } = run(rows, { cluster: { disaggregation: slow } });
    // One step computes both in 210 ms; sending begins with its first layer.
    const begin = 210 / 32;
    const oneMs = 20 * sendMs(1000);
    expect(told.finishedMs[0]).toBeGreaterThan(begin + oneMs);
    expect(told.finishedMs[1]).toBeCloseTo(begin + 2 * oneMs + 0.1 + 2 * 10.1, 6);
  });

  test('a request of one token ends where it is prefilled', () => {
    const { told, traffic } = run([textRow(0, 100, 1, 0)], { cluster: { disaggregation: split } });
    expect(told.finishedMs[0]).toBeCloseTo(20, 9);
    expect(traffic()[0]?.outBytes).toBe(0);
  });

  test('decodes are not held up by prompts, as they are when they share a replica', () => {
    const rows = [
      textRow(0, 100, 60, 0),
      ...Array.from({ length: 10 }, (_, i) => textRow(50 + 20 * i, 2000, 1, 1000 * (i + 1))),
    ];
    const apart = run(rows, { numBlocks: 4000, cluster: { disaggregation: split } }).told;
    const together = run(rows, { numBlocks: 4000 }).told;
    expect(apart.finishedMs[0]).toBeLessThan(0.5 * (together.finishedMs[0] ?? 0));
  });

  test('a prompt that was preempted while it was computed is sent once', () => {
    const rows = [textRow(0, 300, 2, 0), textRow(1, 300, 2, 500)];
    const { told } = run(rows, {
      numBlocks: 30,
      engine: { tokenBudget: 80, longPrefillTokens: 40, prefixCache: 'off' },
      cluster: { disaggregation: split },
    });
    expect(told.preemptions).toBeGreaterThan(0);
    expect(told.outBytes).toBe(600 * 131_072);
    expect(told.finishes).toEqual([1, 1]);
  });

  test('a hybrid model’s states are sent once, with the last chunk', () => {
    const sent = (promptTokens: number) =>
      run([textRow(0, promptTokens, 2, 0)], {
        model: 'Nemotron-H-56B',
        engine: { tokenBudget: 64, prefixCache: 'off' },
        cluster: { disaggregation: split },
      }).told.outBytes;
    const [one, two, three] = [sent(100), sent(200), sent(300)];
    expect(three - two).toBe(two - one);
    expect(one - (two - one)).toBeGreaterThan(1e6);
  });

  test('what fits no decode replica is sent back at once', () => {
    const { told, loop } = run([textRow(0, 100, 200, 0), textRow(1, 100, 5, 50)], {
      numBlocks: 10,
      cluster: { disaggregation: split },
    });
    expect(told.rejected).toEqual([0]);
    expect(told.finishes).toEqual([undefined, 1]);
    expect(loop.numDone).toBe(2);
  });
});

describe('swap', () => {
  const rows = Array.from({ length: 4 }, (_, i) => textRow(i, 160, 160, 1000 * i));
  const at = (preemption: 'recompute' | 'swap' | 'faster', bandwidthGBps: number) =>
    run(rows, {
      numBlocks: 50,
      engine: { preemption, prefixCache: 'off' },
      cluster: {
        tiers: [{ kind: 'host', capacityGB: 10, bandwidthGBps, latencyUs: 10, shared: false }],
      },
    });

  test('KV goes to the host and comes back, byte for byte', () => {
    const { told, traffic } = at('swap', 50);
    expect(told.preemptions).toBeGreaterThan(0);
    const swap = traffic().find(({ kind }) => kind === 'swap');
    expect(swap?.outBytes).toBeGreaterThan(0);
    expect(swap?.inBytes).toBe(swap?.outBytes);
    expect(told.finishes).toEqual([1, 1, 1, 1]);
  });

  test('over a fast link it beats computing again, over a slow one it loses, and the faster one is chosen', () => {
    const end = (preemption: 'recompute' | 'swap' | 'faster', GBps: number) =>
      Math.max(...at(preemption, GBps).told.finishedMs);
    expect(end('swap', 50)).toBeLessThan(end('recompute', 50));
    expect(end('swap', 0.1)).toBeGreaterThan(end('recompute', 0.1));
    expect(end('faster', 50)).toBe(end('swap', 50));
    expect(end('faster', 0.1)).toBe(end('recompute', 0.1));
  });
});

describe('speculation', () => {
  const rows = [textRow(0, 160, 101, 0)];
  const decodeMs = (draftCost: number, acceptance: number) => {
    const speculation = { draftTokens: 4, acceptance, draftCost };
    const { told } = run(rows, { engine: { speculation } });
    return (told.finishedMs[0] ?? 0) - (told.prefilledMs[0] ?? 0);
  };

  test('a step costs its draft and the tokens that it verifies', () => {
    // Nothing accepted: 100 steps of 5 tokens, and 4 draft tokens of a tenth of a 10.1 ms step.
    expect(decodeMs(0.1, 0)).toBeCloseTo(100 * (10.5 + 0.4 * 10.1), 6);
    // All accepted: 5 tokens a step.
    expect(decodeMs(0.1, 1)).toBeCloseTo(20 * (10.5 + 0.4 * 10.1), 6);
  });
});
