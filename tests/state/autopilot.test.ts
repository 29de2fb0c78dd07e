/** The room Autopilot without a page: a run that comes in pieces, the plan that waits, the stop, words. */
import { describe, expect, test, vi } from 'vitest';
import type { AutopilotRun } from '../../src/core/run/autopilot.ts';
import { KV_ACTION_KINDS, type KvAction } from '../../src/core/scenario/autopilot/action.ts';
import { AutopilotRoom, type AutopilotPort } from '../../src/state/autopilot.svelte.ts';
import {
  actionWords,
  autopilotHeadline,
  autopilotTiles,
  partStrips,
  plansFinding,
  sharesWords,
} from '../../src/state/autopilot-words.ts';
import type { AutopilotPace, OnAutopilotNews, Outcome } from '../../src/workers/autopilot-api.ts';
import { autopilotRun } from '../charts/autopilot-runs.ts';

const plain = (text: string): string => text.replaceAll('\u00a0', ' ');

/** A port whose run ends when the test says so. */
class Double implements AutopilotPort {
  readonly calls: string[] = [];
  pace: AutopilotPace | null = null;
  tell: OnAutopilotNews = () => undefined;
  answer: (outcome: Outcome<AutopilotRun>) => void = () => undefined;

  run(...[, pace, onNews]: Parameters<AutopilotPort['run']>): Promise<Outcome<AutopilotRun>> {
    this.pace = pace;
    this.tell = onNews;
    return new Promise((resolve) => (this.answer = resolve));
  }
  goOn(): void {
    this.calls.push('goOn');
  }
  stop(): void {
    this.calls.push('stop');
  }
  cancel(): void {
    this.calls.push('cancel');
  }
  reset(): void {
    this.calls.push('reset');
    this.answer({ ok: false, error: { code: 'cancelled', message: 'Stopped.', data: null } });
  }
}

const absent = () => Promise.reject(new Error('not here'));

function roomWith() {
  const [simulator, engine] = [new Double(), new Double()];
  const kept: string[] = [];
  const room = new AutopilotRoom({
    ports: { simulator, engine },
    desk: { act: absent, score: absent, replay: absent },
    library: {
      keep: (run) => {
        kept.push(run.id);
        return Promise.resolve(null);
      },
    },
    tab: null,
  });
  return { room, simulator, engine, kept };
}

const [first] = autopilotRun().plans;

describe('a run', () => {
  test('comes in pieces, and is kept once it is whole', async () => {
    const { room, simulator, kept } = roomWith();
    room.speed = 10;
    const going = room.start();
    expect(room.busy).toBe(true);
    expect(simulator.pace).toEqual({ speed: 10, hold: false });
    const partial = autopilotRun({ complete: false });
    simulator.tell({ fraction: 0.5, message: 'Half', partial });
    expect(room.run).toBe(partial);
    expect(kept).toEqual([]);
    const whole = autopilotRun();
    simulator.answer({ ok: true, value: whole });
    await going;
    expect(room.run).toBe(whole);
    expect(room.status).toBe('done');
    expect(kept).toEqual(['autopilot-1']);
  });

  test('goes to the backend that the scenario names', async () => {
    const { room, simulator, engine } = roomWith();
    room.setup.set('backend', 'engine');
    const going = room.start();
    expect(simulator.pace).toBeNull();
    engine.answer({ ok: true, value: autopilotRun() });
    await going;
    expect(room.status).toBe('done');
  });

  test('that fails says why, and what was heard of it stays', async () => {
    const { room, simulator, kept } = roomWith();
    const going = room.start();
    simulator.tell({ fraction: 0.5, message: 'Half', partial: autopilotRun() });
    simulator.answer({ ok: false, error: { code: 'failed', message: 'Out of blocks.', data: null } });
    await going;
    expect(room.fault?.text).toBe('Out of blocks.');
    expect(room.run?.complete).toBe(false);
    expect(kept).toEqual([]);
  });

  test('does not start on a scenario that does not read, nor twice', async () => {
    const { room, simulator } = roomWith();
    room.setup.draft.refuse('policy', 'kvUseTarget: 9', 'Too large.');
    await room.start();
    expect(simulator.pace).toBeNull();
    room.setup.draft.clear('policy');
    const going = room.start();
    simulator.pace = null;
    await room.start();
    expect(simulator.pace).toBeNull();
    simulator.answer({ ok: true, value: autopilotRun() });
    await going;
  });
});

describe('a plan that waits', () => {
  test('is shown until it is let go', async () => {
    const { room, simulator } = roomWith();
    room.hold = true;
    const going = room.start();
    expect(simulator.pace?.hold).toBe(true);
    simulator.tell({ fraction: 0.2, message: 'Waiting', held: first ?? null });
    expect(room.held?.planId).toBe('plan-1');
    simulator.tell({ fraction: 0.2, message: 'Still waiting' });
    expect(room.held?.planId).toBe('plan-1');
    room.goOn();
    expect(room.held).toBeNull();
    expect(simulator.calls).toEqual(['goOn']);
    simulator.answer({ ok: true, value: autopilotRun() });
    await going;
  });
});

describe('a stop', () => {
  test('is asked for once, lets no plan wait, and the run goes on without it', async () => {
    const { room, simulator } = roomWith();
    room.stop();
    const going = room.start();
    simulator.tell({ fraction: 0.2, message: 'Waiting', held: first ?? null });
    room.stop();
    room.stop();
    expect(simulator.calls).toEqual(['stop']);
    expect([room.stopped, room.held, room.status]).toEqual([true, null, 'running']);
    simulator.tell({ fraction: 0.2, message: 'Waiting', held: first ?? null });
    expect(room.held).toBeNull();
    simulator.answer({ ok: true, value: autopilotRun() });
    await going;
    const again = room.start();
    expect(room.stopped).toBe(false);
    simulator.answer({ ok: true, value: autopilotRun() });
    await again;
  });
});

describe('a cancel', () => {
  test('is asked for, and the run comes with what it has', async () => {
    const { room, simulator } = roomWith();
    const going = room.start();
    room.cancel();
    room.cancel();
    expect(room.status).toBe('cancelling');
    expect(simulator.calls).toEqual(['cancel']);
    simulator.answer({ ok: true, value: autopilotRun({ complete: false }) });
    await going;
    expect(room.status).toBe('done');
    expect(room.run?.complete).toBe(false);
  });

  test('that is not heard ends the worker; what was heard stays, marked', async () => {
    vi.useFakeTimers();
    const { room, simulator } = roomWith();
    const going = room.start();
    simulator.tell({ fraction: 0.5, message: 'Half', partial: autopilotRun() });
    room.cancel();
    vi.advanceTimersByTime(10_000);
    vi.useRealTimers();
    await going;
    expect(simulator.calls).toEqual(['cancel', 'reset']);
    expect(room.fault).toBeNull();
    expect(room.run?.complete).toBe(false);
    expect(room.run?.notes.at(-1)).toContain('did not answer');
  });
});

/** What a simulation says of all its requests, as far as tiles read it. */
function summaryOf({
  e2e,
  ttft,
}: {
  e2e: number;
  ttft: number;
}): NonNullable<AutopilotRun['with']['summary']> {
  const at = (p95: number) => ({
    ...{
      samples: 9,
      exact: true,
      mean: p95,
      min: p95,
      p50: p95,
      p90: p95,
      p95,
      p99: p95,
      p999: p95,
      max: p95,
    },
    quantiles: [p95],
  });
  return {
    ...{
      requests: 9,
      finished: 9,
      durationMs: 9,
      ttftMs: at(ttft),
      tpotMs: null,
      itlMs: null,
      e2eMs: at(e2e),
    },
    ...{
      queueMs: null,
      promptTokensPerSecond: 9,
      outputTokensPerSecond: 9,
      requestsPerSecond: 9,
      goodput: null,
    },
    ...{
      attainment: null,
      prefixHitRatio: null,
      preemptions: 0,
      recomputedTokens: 0,
      steps: 9,
      meanBatch: 1,
    },
    ...{ kvBlocks: 9, peakKvBlocks: 9, meanKvBlocks: 9, fragmentation: 0, steadyFromMs: null },
  };
}

describe('words', () => {
  const run = autopilotRun();

  test('tiles of a live run: the newest look, each with what it stands beside, a definition and the origin', () => {
    const tiles = autopilotTiles({ ...run, complete: false });
    expect(tiles.map(({ label, value, beside }) => plain(`${label}: ${value} | ${beside}`))).toEqual([
      'KV use: 85 % | target 85 %; at most 100 % without',
      'p95 latency: 1,290 ms | target 2,000 ms; at most 4,020 ms without',
      'p95 TTFT: 120 ms | at most 1,680 ms without',
      'Lower tiers: 1.86 GiB | host memory, CXL, NVMe',
      'Sequences: 13 | 0 waiting; 0 preemptions, 14 without',
      'Capability: 3 of 8 actions | evict, offload, quantize',
    ]);
    expect(tiles.every(({ help, origin }) => help !== '' && origin === 'simulated')).toBe(true);
  });

  test('tiles of a run that is over: at most, and the percentiles of all its requests', () => {
    const own = summaryOf({ e2e: 1500, ttft: 90 });
    const other = summaryOf({ e2e: 3900, ttft: 700 });
    const { with: steered, without } = run;
    const over = {
      ...run,
      with: { ...steered, summary: own },
      without: without === null ? null : { ...without, summary: other },
    };
    expect(
      autopilotTiles(over).map(({ label, value, beside }) => plain(`${label}: ${value} | ${beside}`)),
    ).toEqual([
      'KV use: 85 % | at most; target 85 %; at most 100 % without',
      'p95 latency: 1,500 ms | target 2,000 ms; 3,900 ms without',
      'p95 TTFT: 90 ms | 700 ms without',
      'Lower tiers: 1.86 GiB | host memory, CXL, NVMe',
      'Sequences: 13 | 0 waiting; 0 preemptions, 14 without',
      'Capability: 3 of 8 actions | evict, offload, quantize',
    ]);
  });

  test('before anything was seen there is no number', () => {
    const none = Object.fromEntries(Object.keys(run.with.series).map((name) => [name, []]));
    const empty = { ...run, without: null, with: { ...run.with, series: { ...run.with.series, ...none } } };
    expect(
      autopilotTiles(empty)
        .map(({ value }) => value)
        .slice(0, 5),
    ).toEqual(Array(5).fill('none yet'));
    expect(autopilotHeadline(empty)).toBe('Nothing was seen yet');
  });

  test('the headline of a dry run says that nothing was touched', () => {
    const dry = { ...run, scenario: { ...run.scenario, dryRun: true } };
    expect(autopilotHeadline(dry)).toMatch(/^A dry run, nothing was touched: KV use at most /);
  });

  test('the headline sets it beside the run without', () => {
    expect(plain(autopilotHeadline(run))).toBe(
      'KV use at most 85 % with 0 preemptions; without the autopilot 100 % with 14',
    );
    expect(plansFinding(run)).toBe('3 plans: 1 kept, 1 rolled back');
    expect(plansFinding({ ...run, plans: [] })).toBe('no plan was needed');
  });

  test('every kind of action has its line', () => {
    const range = { sequence: 'r1', from: 0, to: 2048 };
    const actions: readonly KvAction[] = [
      { kind: 'quantize', ...range, format: 'int4' },
      { kind: 'evict', ...range },
      { kind: 'offload', ...range, tier: 'host' },
      { kind: 'fetch', ...range },
      { kind: 'prefixCache', blocks: null },
      { kind: 'concurrency', maxSequences: 8 },
      { kind: 'admission', belowUse: 0.8 },
      { kind: 'chunk', tokenBudget: 512 },
    ];
    expect(actions.map(({ kind }) => kind)).toEqual(KV_ACTION_KINDS);
    expect(actions.map((action) => plain(actionWords(action)))).toEqual([
      'r1: tokens 0 to 2,048 become int4',
      'r1: tokens 0 to 2,048 are dropped',
      'r1: tokens 0 to 2,048 move to host memory',
      'r1: tokens 0 to 2,048 come back to the GPU',
      'the prefix cache may hold all free blocks',
      'at most 8 sequences run',
      'new sequences start below 80 % KV use',
      '512 tokens a step',
    ]);
  });

  test('parts of a sequence: where they lie, and what is gone', () => {
    const [, second] = run.sequences;
    const { tokens, parts } = second ?? { tokens: 0, parts: [] };
    expect(partStrips(tokens, parts).map(({ start, width }) => [start, width])).toEqual([
      [0, 51.2],
      [75, 25],
    ]);
    expect(plain(sharesWords(tokens, parts, 'tier'))).toBe('host memory 51.2 %, GPU 25 %, evicted 23.8 %');
    expect(plain(sharesWords(tokens, parts, 'format'))).toBe('f16 76.2 %');
    expect(sharesWords(0, [], 'tier')).toBe('nothing');
  });
});
