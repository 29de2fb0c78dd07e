/** What the recorder says of blocks and requests, against the block manager and the scheduler that it listened to. */
import { describe, expect, test } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import type { RequestRow } from '../../src/core/schedule/requests.ts';
import { historyBuffers } from '../../src/sim/recorder-history.ts';
import { HistoryReader } from '../../src/sim/recorder-reader.ts';
import { requestSpans } from '../../src/sim/recorder-timeline.ts';
import { recordEngine, type Truth } from './support/recorded.ts';

/** Requests with one of three beginnings of two blocks, in a pool that is too small for them. */
function crowd(seed: number, size: number): RequestRow[] {
  const random = createRandom(seed);
  return Array.from({ length: size }, (_, row) => {
    const promptTokens = 9 + random.below(24);
    const outputTokens = 1 + random.below(24);
    const family = random.below(3);
    const blocks = Math.floor((promptTokens + outputTokens) / 4);
    const blockIds = Array.from({ length: blocks }, (_, i) => (i < 2 ? family * 2 + i : 100 * (row + 1) + i));
    return { arrivalMs: row * 7, promptTokens, outputTokens, blockIds };
  });
}

const CONFIG = { numBlocks: 24, blockSize: 4, tokenBudget: 32 };

function seen(reader: HistoryReader, step: number, requests: number): Truth {
  const moment = reader.momentOf(step);
  const state = reader.stateAt(moment);
  return {
    references: [...state.references],
    contents: [...state.contents],
    tables: Array.from({ length: requests }, (_, request) => reader.blocksOf(request, moment)),
    free: reader.freeBlocks(state),
    active: state.numActive,
    cached: state.numCached,
  };
}

describe.each([1, 2, 3, 4])('a crowded pool, seed %i', (seed) => {
  const rows = crowd(seed, 60);
  const { recorder, truth } = recordEngine(rows, CONFIG);
  const history = recorder.history();

  test('every step is read back as the block manager had it, in any order', () => {
    const reader = new HistoryReader(history);
    expect(reader.numSteps).toBe(truth.length);
    const forward = truth.map((_, step) => step);
    const order = [...forward, ...forward.toReversed(), ...createRandom(seed).shuffled(forward)];
    for (const step of order) expect(seen(reader, step, rows.length)).toEqual(truth[step]);
    expect(reader.stateAt(0).numActive).toBe(0);
  });

  test('an owner refers to its block, and blocks of nobody have none', () => {
    const reader = new HistoryReader(history);
    truth.forEach(({ tables }, step) => {
      const { owner } = reader.stateAt(reader.momentOf(step));
      owner.forEach((request, block) => {
        const holders = tables.flatMap((table, row) => (table.includes(block) ? [row] : []));
        expect(request === -1 ? holders.length === 0 : holders.includes(request)).toBe(true);
        expect(reader.holdersOf(block, reader.momentOf(step)).toSorted((a, b) => a - b)).toEqual(holders);
      });
    });
  });

  test('the crowd does what the recorder is there to show', () => {
    const kinds = new Set(history.events.kind);
    expect(kinds.size).toBe(5);
    expect(history.phases.kind.filter((kind) => kind === 4).length).toBeGreaterThan(0);
  });

  test('the timeline of each request is whole: it waits, computes, decodes and ends', () => {
    const reader = new HistoryReader(history);
    rows.forEach((row, request) => {
      const phases = reader.phasesOf(request);
      const spans = requestSpans(phases, history.steps);
      expect(spans.at(0)?.kind).toBe('queued');
      expect(phases.at(-1)?.kind).toBe('finished');
      expect(spans.every(({ ended }) => ended)).toBe(true);
      spans.slice(1).forEach((span, i) => expect(span.startMs).toBeGreaterThanOrEqual(spans[i]?.endMs ?? 0));
      const found = phases.filter(({ kind }) => kind === 'admitted').reduce((sum, p) => sum + p.tokens, 0);
      const lost = phases.filter(({ kind }) => kind === 'preempted').reduce((sum, p) => sum + p.tokens, 0);
      const computed = phases.filter(({ kind }) => kind === 'chunk').reduce((sum, p) => sum + p.tokens, 0);
      // Whatever was lost is found again or computed again.
      expect(found + computed).toBeGreaterThanOrEqual(row.promptTokens);
      expect(found + computed).toBeLessThanOrEqual(row.promptTokens + lost + row.outputTokens);
    });
  });
});

test('keyframes lead to the same states as the events alone', () => {
  const rows = crowd(5, 150);
  const { recorder, truth } = recordEngine(rows, { ...CONFIG, limits: { keyframeEvents: 200 } });
  const history = recorder.history();
  expect(history.keyframes.event.length).toBeGreaterThan(3);
  const bare = { ...history, keyframes: { ...history.keyframes, event: new Int32Array(0) } };
  const [reader, plain] = [new HistoryReader(history), new HistoryReader(bare)];
  for (const step of createRandom(5)
    .shuffled([...truth.keys()])
    .slice(0, 40)) {
    const moment = reader.momentOf(step);
    const [a, b] = [reader.stateAt(moment), plain.stateAt(moment)];
    expect([...a.owner]).toEqual([...b.owner]);
    expect([...a.touched]).toEqual([...b.touched]);
    expect([...a.references]).toEqual(truth[step]?.references);
    expect([a.numActive, a.numCached]).toEqual([truth[step]?.active, truth[step]?.cached]);
  }
});

test('a bound stops the recorder at the end of a step, in words; what it has is exact', () => {
  const rows = crowd(6, 200);
  const { recorder, truth } = recordEngine(rows, { ...CONFIG, limits: { maxEvents: 500 } });
  const history = recorder.history();
  const reader = new HistoryReader(history);
  expect(history.stopped?.steps).toBe(reader.numSteps);
  expect(history.stopped?.reason).toMatch(/500 block events.*a shorter run/);
  expect(reader.numSteps).toBeLessThan(truth.length);
  expect(reader.numEvents).toBeLessThan(500 + 2 * CONFIG.numBlocks * 2);
  const last = reader.numSteps - 1;
  expect(seen(reader, last, rows.length)).toEqual(truth[last]);
  const running = truth[last]?.tables.findIndex((table) => table.length > 0) ?? -1;
  expect(requestSpans(reader.phasesOf(running), history.steps).at(-1)?.ended).toBe(false);

  const short = recordEngine(rows, { ...CONFIG, limits: { maxSteps: 7 } }).recorder.history();
  expect(short.stopped).toMatchObject({ steps: 7 });
  expect(short.steps.endMs).toHaveLength(7);
});

test('a history crosses to another thread without a copy', () => {
  const { recorder } = recordEngine(crowd(7, 20), CONFIG);
  const history = recorder.history();
  const buffers = historyBuffers(history);
  expect(new Set(buffers).size).toBe(buffers.length);
  const steps = history.steps.eventEnd.length;
  const moved = structuredClone(history, { transfer: buffers });
  expect(history.steps.eventEnd.length).toBe(0);
  expect(new HistoryReader(moved).numSteps).toBe(steps);
});

test('a block tells its past, newest first, and whose need evicted it', () => {
  const { recorder } = recordEngine(crowd(8, 60), CONFIG);
  const reader = new HistoryReader(recorder.history());
  const all = Array.from({ length: reader.numEvents }, (_, event) => reader.eventAt(event));
  const evicted = all.filter(({ kind }) => kind === 'evict');
  expect(evicted.length).toBeGreaterThan(0);
  for (const event of evicted) {
    const past = reader.pastOf(event.block, event.event + 1, 1000);
    expect(past[0]).toEqual(event);
    expect(
      past.every(
        ({ block }, i) => block === event.block && (past[i - 1]?.event ?? Infinity) > (past[i]?.event ?? 0),
      ),
    ).toBe(true);
    // Its contents had been cached, and the next that happens to it is that the request takes it.
    expect(past.some(({ kind, id }) => kind === 'cache' && id === event.id)).toBe(true);
    const next = all.find((other) => other.event > event.event && other.block === event.block);
    expect(next).toMatchObject({ kind: 'alloc', request: event.request, step: event.step });
  }
  expect(reader.eventsOf(3).every(({ step }) => step === 3)).toBe(true);
});

test.each(['sieve', 's3fifo', 'gdsf'] as const)(
  'under %s, whose held blocks stand in no queue, too',
  (policy) => {
    const rows = crowd(9, 80);
    const { recorder, truth } = recordEngine(rows, { ...CONFIG, policy });
    const reader = new HistoryReader(recorder.history());
    truth.forEach(({ contents, active, tables }, step) => {
      const state = reader.stateAt(reader.momentOf(step));
      // The manager counts the cache's own hold on an idle block, too; users are those in whose tables it stands.
      const users = contents.map((_, block) => tables.filter((table) => table.includes(block)).length);
      expect([...state.references]).toEqual(users);
      expect(state.numActive).toBe(active);
      expect(rows.map((_, request) => reader.blocksOf(request, reader.momentOf(step)))).toEqual(tables);
      // A second copy of a text is dropped without a word when its last user goes; until its block is taken it seems to
      // be there. Every other block is as the manager has it.
      contents.forEach((text, block) => {
        if (text === -1 && users[block] === 0) return;
        expect(state.contents[block]).toBe(text);
      });
    });
  },
);
