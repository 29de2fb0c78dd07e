/** Static, Orca, Sarathi and speculation: what each one promises (soak.test.ts: what all of them keep). */
import { describe, expect, test } from 'vitest';
import { continuousBatching, staticBatching } from '../../../src/core/schedule/batching.ts';
import { SCHEDULERS } from '../../../src/core/schedule/index.ts';
import { expectedTokens } from '../../../src/core/schedule/speculation.ts';
import { lengthBucket } from '../../../src/core/schedule/static.ts';
import { SCHEDULER_NAMES } from '../../../src/core/scenario/simulate/schema.ts';
import { vectors } from '../../golden/vectors.ts';
import { createEngine, runAll, turn, type Row, type Step } from './engine.ts';

/** Step after which each request ended. */
function endsOf(steps: readonly Step[]): number[] {
  const ends: number[] = [];
  steps.forEach(({ finished }, i) => finished.forEach((row) => (ends[row] = i + 1)));
  return ends;
}

describe.each(vectors('sched/static-vs-continuous/').map((v) => [v.id, v] as const))('%s', (_, { input }) => {
  const outputs = input['output_lens'] as number[];
  const slots = input['slots'] as number;
  const rows = outputs.map((outputTokens) => ({ promptTokens: 1, outputTokens }));
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

  test('the static scheduler ends requests when the formula says', () => {
    const { scheduler } = createEngine('static', rows, { maxSequences: slots, numBlocks: 10_000 });
    rows.forEach((_row, i) => scheduler.add(i));
    const ends = endsOf(runAll(scheduler));
    const expected = staticBatching(outputs, slots, 1);
    expect(Math.max(...ends)).toBe(expected.makespan);
    expect(mean(ends)).toBe(expected.meanFinish);
  });

  test.each(['orca', 'sarathi', 'vllm'] as const)('%s ends requests as continuous batching does', (name) => {
    const { scheduler } = createEngine(name, rows, { maxSequences: slots, numBlocks: 10_000 });
    rows.forEach((_row, i) => scheduler.add(i));
    const ends = endsOf(runAll(scheduler));
    const expected = continuousBatching(outputs, slots, 1);
    expect(Math.max(...ends)).toBe(expected.makespan);
    expect(mean(ends)).toBe(expected.meanFinish);
  });
});

describe('static batching', () => {
  const rows: Row[] = [
    { promptTokens: 10, outputTokens: 3 },
    { promptTokens: 40, outputTokens: 1 },
    { promptTokens: 12, outputTokens: 2 },
    { promptTokens: 33, outputTokens: 1 },
  ];

  test('everyone pays the longest prompt and the longest output', () => {
    const { scheduler, manager } = createEngine('static', rows, { maxSequences: 2 });
    rows.forEach((_, i) => scheduler.add(i));
    const first = turn(scheduler);
    expect(first?.chunks).toEqual([
      [0, 40, 0],
      [1, 40, 0],
    ]);
    expect(first?.prefilled).toEqual([0, 1]);
    expect(first?.finished).toEqual([]);
    // 64 tokens are reserved for each, though one needs 13 and the other 41
    expect(manager.numActiveBlocks).toBe(32);
    expect(turn(scheduler)).toMatchObject({ decodes: 2, decodeContext: 82, decodeMax: 41, finished: [] });
    expect(turn(scheduler)).toMatchObject({ decodes: 2, decodeContext: 84, finished: [0, 1] });
    expect(scheduler.numRunning).toBe(0);
    expect(turn(scheduler)?.joined).toEqual([2, 3]);
  });

  test('buckets put like lengths together and serve the oldest first', () => {
    const { scheduler } = createEngine('static-bucketed', rows, { maxSequences: 2 });
    rows.forEach((_, i) => scheduler.add(i));
    expect(runAll(scheduler).flatMap(({ joined }) => (joined.length ? [joined] : []))).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });

  describe('waits for a full batch', () => {
    const patient = { maxSequences: 2, batchWaitMs: 100 };

    test('as long as its oldest request may wait', () => {
      const { scheduler } = createEngine('static', rows, patient);
      expect(scheduler.wakeMs).toBeNull();
      scheduler.add(0, 10);
      expect(scheduler.schedule(10)).toBeNull();
      expect(scheduler.wakeMs).toBe(110);
      expect(scheduler.schedule(109)).toBeNull();
      expect(scheduler.schedule(110)?.joined).toEqual([0]);
      expect(scheduler.wakeMs).toBeNull();
    });

    test('and no longer than until it is full', () => {
      const { scheduler } = createEngine('static', rows, patient);
      scheduler.add(0, 10);
      scheduler.add(1, 20);
      expect(scheduler.schedule(20)?.joined).toEqual([0, 1]);
    });

    test('of as many as the pool can reserve for', () => {
      const { scheduler } = createEngine('static', rows, { ...patient, maxSequences: 8, numBlocks: 35 });
      scheduler.add(0, 0);
      expect(scheduler.schedule(1)).toBeNull();
      scheduler.add(1, 1);
      expect(scheduler.schedule(1)?.joined).toEqual([0, 1]);
    });

    test('in any bucket, until the oldest request has waited long enough', () => {
      const { scheduler } = createEngine('static-bucketed', [...rows, ...rows], patient);
      scheduler.add(0, 0);
      scheduler.add(1, 10);
      expect(scheduler.schedule(10)).toBeNull();
      // Request 3 fills the bucket of the long ones, though the short one came first.
      scheduler.add(3, 50);
      const plan = scheduler.schedule(50);
      expect(plan?.joined).toEqual([1, 3]);
      if (plan) scheduler.complete(plan);
      // Two more long ones fill a batch again, but now the short one has waited its time.
      scheduler.add(5, 60);
      scheduler.add(7, 60);
      expect(scheduler.schedule(100)?.joined).toEqual([0]);
    });
  });

  test.each([
    [1, 0],
    [2, 1],
    [512, 9],
    [513, 10],
    [1024, 10],
  ])('%i tokens are bucket %i', (tokens, bucket) => expect(lengthBucket(tokens)).toBe(bucket));

  test('a batch is as large as its reservations fit', () => {
    const { scheduler } = createEngine('static', rows, { maxSequences: 4, numBlocks: 35 });
    rows.forEach((_, i) => scheduler.add(i));
    expect(turn(scheduler)?.joined).toEqual([0, 1]);
  });
});

describe('Orca', () => {
  test('computes prompts whole, whatever the budget, beside the decodes of others', () => {
    const rows = [
      { promptTokens: 4, outputTokens: 4 },
      { promptTokens: 50, outputTokens: 2 },
    ];
    const { scheduler } = createEngine('orca', rows, { tokenBudget: 16 });
    scheduler.add(0);
    turn(scheduler);
    scheduler.add(1);
    expect(turn(scheduler)).toMatchObject({ decodes: 1, chunks: [[1, 50, 0]], prefilled: [1] });
  });

  test('admits only what it can reserve, so nobody is ever preempted', () => {
    const rows = Array.from({ length: 6 }, () => ({ promptTokens: 8, outputTokens: 20 }));
    const { scheduler, manager } = createEngine('orca', rows, { numBlocks: 33 });
    rows.forEach((_, i) => scheduler.add(i));
    const steps = runAll(scheduler);
    expect(steps[0]?.joined).toEqual([0, 1]);
    expect(steps.every(({ preempted }) => preempted.length === 0)).toBe(true);
    expect(manager.numActiveBlocks).toBe(0);
  });
});

describe('Sarathi', () => {
  const rows = [
    { promptTokens: 20, outputTokens: 3 },
    { promptTokens: 5, outputTokens: 4 },
    { promptTokens: 7, outputTokens: 2 },
  ];

  test('takes decodes first, then running prompts, then new ones, within the budget', () => {
    const { scheduler } = createEngine('sarathi', rows, { tokenBudget: 8, maxSequences: 3 });
    rows.forEach((_, i) => scheduler.add(i));
    const steps = runAll(scheduler).map(({ decodes, chunks, finished }) => ({ decodes, chunks, finished }));
    expect(steps).toEqual([
      { decodes: 0, chunks: [[0, 8, 0]], finished: [] },
      { decodes: 0, chunks: [[0, 8, 8]], finished: [] },
      {
        decodes: 0,
        chunks: [
          [0, 4, 16],
          [1, 4, 0],
        ],
        finished: [],
      },
      {
        decodes: 1,
        chunks: [
          [1, 1, 4],
          [2, 6, 0],
        ],
        finished: [],
      },
      { decodes: 2, chunks: [[2, 1, 6]], finished: [0] },
      { decodes: 2, chunks: [], finished: [2] },
      { decodes: 1, chunks: [], finished: [1] },
    ]);
  });

  test('a long prompt does not hold up those that decode, however small the budget', () => {
    const many = [
      ...Array.from({ length: 6 }, () => ({ promptTokens: 1, outputTokens: 12 })),
      { promptTokens: 200, outputTokens: 1 },
    ];
    const { scheduler } = createEngine('sarathi', many, { tokenBudget: 4, maxSequences: 8 });
    many.forEach((_, i) => scheduler.add(i));
    const steps = runAll(scheduler);
    let decoding = 0;
    for (const { decodes, prefilled, finished } of steps) {
      expect(decodes).toBe(decoding);
      decoding += prefilled.length - finished.length;
    }
  });
});

describe('speculation', () => {
  const rows = Array.from({ length: 40 }, (_, i) => ({
    promptTokens: 5 + ((i * 7) % 30),
    outputTokens: 200,
  }));

  test('gives the expected number of tokens a step', () => {
    const settings = { speculation: { draftTokens: 4, acceptance: 0.7 }, tokenBudget: 512, maxSequences: 40 };
    const { scheduler } = createEngine('vllm', rows, settings);
    rows.forEach((_, i) => scheduler.add(i));
    const steps = runAll(scheduler);
    const decodes = steps.reduce((sum, step) => sum + step.decodes, 0);
    const perStep = (40 * 199) / decodes;
    // The last step of a sequence keeps no more than what is left, so the mean lies a little below.
    expect(perStep).toBeGreaterThan(0.96 * expectedTokens(0.7, 4));
    expect(perStep).toBeLessThan(1.02 * expectedTokens(0.7, 4));
  });

  test('verifies γ tokens beside its own, in budget and context', () => {
    const settings = { speculation: { draftTokens: 3, acceptance: 1 }, tokenBudget: 8 };
    const two = [
      { promptTokens: 4, outputTokens: 9 },
      { promptTokens: 4, outputTokens: 9 },
      { promptTokens: 4, outputTokens: 9 },
    ];
    const { scheduler } = createEngine('vllm', two, settings);
    two.forEach((_, i) => scheduler.add(i));
    expect(turn(scheduler)).toMatchObject({ joined: [0, 1], decodes: 0 });
    expect(turn(scheduler)).toMatchObject({ decodes: 2, decodeContext: 16, chunks: [] });
    expect(turn(scheduler)).toMatchObject({ decodes: 2, decodeContext: 24, finished: [0, 1] });
  });

  test.each(['orca', 'static', 'static-bucketed'] as const)('is refused by %s', (name) => {
    const speculation = { draftTokens: 2, acceptance: 0.5 };
    expect(() => createEngine(name, rows, { speculation })).toThrow(
      /does not speculate; use vllm or sarathi/,
    );
  });
});

test('every scheduler of the schema is in the table', () => {
  expect(Object.keys(SCHEDULERS).sort()).toEqual([...SCHEDULER_NAMES].sort());
});
