import { expect, test, vi } from 'vitest';
import { createDesk } from '../../src/workers/desk.ts';
import type { RunStore } from '../../src/store/runs.ts';
import { fromCsv } from '../../src/exchange/csv.ts';
import { toyCheck, toyRun } from '../charts/runs.ts';
import { toyPlanRun } from '../charts/plan-runs.ts';
import { TOY_SAMPLES, toySimRun } from '../charts/sim-runs.ts';

const RUN = toyRun('concurrency', { repeats: 2 });

test('reads a run file through the door to runs', async () => {
  const desk = createDesk();
  expect(await desk.readRun(JSON.stringify(RUN))).toEqual({ ok: true, run: RUN });
  expect(await desk.readRun('[]')).toMatchObject({ ok: false });
});

test('makes a CSV row for each request, point or measurement', async () => {
  const desk = createDesk();
  const requests = RUN.points.flatMap(({ repetitions }) => repetitions.flatMap((r) => r.requests));
  expect(fromCsv(await desk.csv(RUN, 'requests'))).toHaveLength(requests.length + 1);
  expect(fromCsv(await desk.csv(RUN, 'points'))).toHaveLength(RUN.points.length + 1);
  const check = toyCheck();
  expect(fromCsv(await desk.csv(check, 'measurements'))).toHaveLength(check.measurements.length + 1);
});

test('makes the tables of a simulation', async () => {
  const desk = createDesk();
  const run = toySimRun({ repeats: 2 });
  expect(fromCsv(await desk.csv(run, 'points'))).toHaveLength(2 + 1);
  expect(fromCsv(await desk.csv(run, 'requests'))).toHaveLength(2 * 40 + 1);
  expect(fromCsv(await desk.csv(run, 'series'))).toHaveLength(2 * TOY_SAMPLES + 1);
});

test('opens the store once, and again after it could not be opened', async () => {
  const list = vi.fn(async () => []);
  const open = vi
    .fn<() => Promise<RunStore>>()
    .mockRejectedValueOnce(new Error('Runs can’t be kept in this browser.'))
    .mockResolvedValue({ list } as Partial<RunStore> as RunStore);
  const desk = createDesk(open);
  await expect(desk.list()).rejects.toThrow('can’t be kept');
  await desk.list();
  await desk.list();
  expect([open.mock.calls.length, list.mock.calls.length]).toEqual([2, 2]);
});

test('draws a plan and makes its table', async () => {
  const desk = createDesk();
  const run = toyPlanRun();
  const ids = (await desk.figures(run, null)).map(({ id }) => id);
  expect(ids).toContain('plan_memory');
  expect((await desk.figures(run, toyPlanRun({ id: 'b' })))[0]?.id).toBe('plan_comparison');
  expect((await desk.figures(run, RUN)).map(({ id }) => id)).toEqual(ids);
  expect(fromCsv(await desk.csv(run, 'points'))).toHaveLength(run.rows.length + 1);
});
