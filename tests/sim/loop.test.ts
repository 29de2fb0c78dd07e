import { describe, expect, it } from 'vitest';
import { BlockManager } from '../../src/core/kv/block-manager.ts';
import { requestTable, type RequestRow } from '../../src/core/schedule/requests.ts';
import { StaticScheduler } from '../../src/core/schedule/static.ts';
import { Sequences } from '../../src/core/schedule/sequences.ts';
import { VllmScheduler } from '../../src/core/schedule/vllm.ts';
import { emptyBasis, type CostModel } from '../../src/sim/cost/model.ts';
import { EventQueue, type EventKind } from '../../src/sim/events.ts';
import { createRandom } from '../../src/core/random.ts';
import { SimLoop } from '../../src/sim/loop.ts';
import { Replica } from '../../src/sim/replica.ts';
import type { SimObserver } from '../../src/sim/types.ts';

/** Every step takes 10 ms. */
const TEN: CostModel = {
  name: 'ten',
  about: 'Ten milliseconds a step.',
  stepMs: () => 10,
  basis: emptyBasis(),
};

function run(
  rows: readonly RequestRow[],
  { numBlocks = 100, maxSequences = 8, batchWaitMs = -1 } = {},
): string[] {
  const requests = requestTable(rows);
  const told: string[] = [];
  const tell =
    (what: string) =>
    (request: number, nowMs: number): void =>
      void told.push(`${nowMs} ${what} ${request}`);
  const observer: SimObserver = {
    arrived: tell('arrived'),
    rejected: tell('rejected'),
    started: tell('started'),
    prefilled: tell('prefilled'),
    preempted: tell('preempted'),
    finished: tell('finished'),
  };
  const manager = new BlockManager({ numBlocks, blockSize: 4, requests, prefixCaching: false });
  const parts = {
    manager,
    sequences: new Sequences(requests, 4),
    tokenBudget: 64,
    maxSequences,
    longPrefillTokens: 0,
    priorities: 'fcfs' as const,
    watermarkBlocks: 0,
    reserveFullPrompt: false,
  };
  const scheduler =
    batchWaitMs < 0
      ? new VllmScheduler(parts)
      : new StaticScheduler(
          { ...parts, batchWaitMs, maxTokens: 16, speculation: null, random: createRandom(1) },
          false,
        );
  const replica = new Replica(0, { requests, scheduler, manager, cost: TEN }, observer);
  const loop = new SimLoop({ requests, replicas: [replica], observer });
  while (loop.advance(3));
  manager.check();
  expect(manager.numFreeBlocks).toBe(numBlocks);
  expect(loop.numDone).toBe(rows.length);
  return told;
}

const request = (arrivalMs: number, outputTokens: number, after?: number): RequestRow => ({
  arrivalMs,
  promptTokens: 6,
  outputTokens,
  ...(after === undefined ? {} : { after }),
});

describe('the loop', () => {
  it('starts a request that arrives in the middle of a step with the next one', () => {
    expect(run([request(0, 2), request(5, 1)])).toEqual([
      '0 arrived 0',
      '0 started 0',
      '5 arrived 1',
      '10 prefilled 0',
      '10 started 1',
      '20 prefilled 1',
      '20 finished 0',
      '20 finished 1',
    ]);
  });

  it('lets a step see whoever arrives at the instant when it begins', () => {
    expect(run([request(0, 2), request(10, 1)])).toContain('10 started 1');
  });

  it('wakes a replica that has waited long enough for a full batch', () => {
    const told = run([request(0, 2), request(20, 1), request(21, 1)], { maxSequences: 2, batchWaitMs: 15 });
    expect(told).toEqual([
      '0 arrived 0',
      '15 started 0',
      '20 arrived 1',
      '21 arrived 2',
      '25 prefilled 0',
      '35 finished 0',
      // Full by now; that the oldest has waited 15 ms is no matter.
      '35 started 1',
      '35 started 2',
      '45 prefilled 1',
      '45 prefilled 2',
      '45 finished 1',
      '45 finished 2',
    ]);
  });

  it('does not wake one whose batch was full before, nor one that waits anew too early', () => {
    const rows = [request(0, 1), request(5, 1), request(20, 1)];
    const told = run(rows, { maxSequences: 2, batchWaitMs: 30 });
    // The first wait would have ended at 30 ms; the second ends at 50.
    expect(told.filter((line) => line.includes('started'))).toEqual([
      '5 started 0',
      '5 started 1',
      '50 started 2',
    ]);
  });

  it('sends a follower after its predecessor’s end and the pause', () => {
    expect(run([request(0, 1), request(7, 1, 0)])).toEqual([
      '0 arrived 0',
      '0 started 0',
      '10 prefilled 0',
      '10 finished 0',
      '17 arrived 1',
      '17 started 1',
      '27 prefilled 1',
      '27 finished 1',
    ]);
  });

  it('sends back what can never fit, and its followers go on', () => {
    expect(run([request(0, 400), request(1, 1, 0)], { numBlocks: 4 })).toEqual([
      '0 arrived 0',
      '0 rejected 0',
      '1 arrived 1',
      '1 started 1',
      '11 prefilled 1',
      '11 finished 1',
    ]);
  });

  it('preempts the youngest when blocks run out, and finishes it later', () => {
    const told = run([request(0, 8), request(0, 8)], { numBlocks: 5 });
    expect(told.filter((line) => line.includes('preempted'))).toEqual(['30 preempted 1']);
    expect(told.at(-1)).toMatch(/finished 1$/);
  });
});

describe('the event queue', () => {
  it('orders by time, kind and when an event was scheduled', () => {
    const queue = new EventQueue();
    const events: [number, EventKind, number][] = [
      [5, 'step-begin', 0],
      [5, 'arrival', 2],
      [1, 'arrival', 9],
      [5, 'arrival', 1],
      [5, 'step-end', 0],
      [0, 'step-begin', 3],
    ];
    for (const [timeMs, kind, subject] of events) queue.push({ timeMs, kind, subject });
    const order = events.map(() => queue.pop());
    expect(order.map((event) => `${event?.timeMs} ${event?.kind} ${event?.subject}`)).toEqual([
      '0 step-begin 3',
      '1 arrival 9',
      '5 step-end 0',
      '5 arrival 2',
      '5 arrival 1',
      '5 step-begin 0',
    ]);
    expect(queue.pop()).toBeUndefined();
  });

  it('refuses a time that is in no order', () => {
    expect(() => new EventQueue().push({ timeMs: NaN, kind: 'arrival', subject: 0 })).toThrow('NaN');
  });
});
