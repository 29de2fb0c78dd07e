/** The state behind the block view and the access profile: asked once, cancelled, asked again. */
import { expect, test } from 'vitest';
import { presetSimulation } from '../../src/core/scenario/presets.ts';
import { recordBlocks } from '../../src/sim/record.ts';
import { BlockRecording, pointsOf, replicasOf } from '../../src/state/recording.svelte.ts';
import type { SimPort } from '../../src/state/sim-session.svelte.ts';
import { NO_INPUTS, type Outcome, type RecordedRun } from '../../src/workers/sim-api.ts';

const TEN = presetSimulation('ten-blocks');
const FIRST = { point: 0, replica: 0 };

interface Answering {
  readonly port: SimPort;
  readonly asked: number[];
  answer(outcome: Outcome<RecordedRun>): void;
}

/** A worker that answers when it is told to; a cancel answers, too. */
function worker(): Answering {
  const asked: number[] = [];
  let settle: (outcome: Outcome<RecordedRun>) => void = () => undefined;
  const refuse = (): never => {
    throw new Error('not asked here');
  };
  const record = (): Promise<Outcome<RecordedRun>> => {
    asked.push(asked.length);
    return new Promise((resolve) => (settle = resolve));
  };
  const api = {
    record,
    accesses: refuse,
    readTrace: refuse,
    run: refuse,
    replay: refuse,
    missRatio: refuse,
    compare: refuse,
    saturation: refuse,
    advise: refuse,
  };
  const cancelled = { ok: false, error: { code: 'cancelled', message: 'Cancelled.', data: null } } as const;
  return { port: { api, cancel: () => settle(cancelled) }, asked, answer: (outcome) => settle(outcome) };
}

function recorded(): RecordedRun {
  const { history, costModel } = recordBlocks(TEN);
  return { history, costModel, title: '', pointLabel: '', replica: 0, seed: 8, cachePolicy: 'lru' };
}

test('the same is asked for once, and the walk through it stays', async () => {
  const { port, asked, answer } = worker();
  const recording = new BlockRecording(port);
  const first = recording.record(TEN, NO_INPUTS, FIRST);
  expect([recording.task.busy, recording.walk]).toEqual([true, null]);
  answer({ ok: true, value: recorded() });
  await first;
  const walk = recording.walk;
  expect(walk?.lastStep).toBe(9);
  await recording.record(TEN, NO_INPUTS, FIRST);
  expect(asked).toHaveLength(1);
  expect(recording.walk).toBe(walk);
  void recording.record({ ...TEN, seed: 9 }, NO_INPUTS, FIRST);
  expect(asked).toHaveLength(2);
  expect(recording.walk).toBeNull();
});

test('a cancelled one may be asked for again, a failed one says why and is not repeated', async () => {
  const { port, asked, answer } = worker();
  const recording = new BlockRecording(port);
  const first = recording.record(TEN, NO_INPUTS, FIRST);
  recording.cancel();
  await first;
  expect([recording.task.busy, recording.task.fault]).toEqual([false, null]);
  const second = recording.record(TEN, NO_INPUTS, FIRST);
  expect(asked).toHaveLength(2);
  answer({ ok: false, error: { code: 'failed', message: 'No.', data: null } });
  await second;
  expect(recording.task.fault?.text).toContain('No.');
  await recording.record(TEN, NO_INPUTS, FIRST);
  expect(asked).toHaveLength(2);
});

test('points and replicas that can be chosen', () => {
  expect(pointsOf(TEN)).toEqual([{ index: 0, label: '' }]);
  const sweep = [{ path: 'engine.cachePolicy', values: ['lru', 'sieve'] }];
  expect(pointsOf({ ...TEN, sweep }).map(({ label }) => label)).toEqual([
    'cachePolicy lru',
    'cachePolicy sieve',
  ]);
  expect(replicasOf(TEN)).toBe(1);
  const disaggregation = { prefillReplicas: 2, decodeReplicas: 3, linkGBps: 50, linkLatencyUs: 5 };
  expect(replicasOf({ ...TEN, cluster: { ...TEN.cluster, disaggregation } })).toBe(5);
});
