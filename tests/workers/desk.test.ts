import { expect, test, vi } from 'vitest';
import { createDesk } from '../../src/workers/desk.ts';
import type { Run } from '../../src/core/run/schema.ts';
import type { RunStore } from '../../src/store/runs.ts';
import { fromCsv } from '../../src/exchange/csv.ts';
import { toyCheck, toyRun } from '../charts/runs.ts';
import { toyPlanRun } from '../charts/plan-runs.ts';
import { TOY_SAMPLES, toySimRun } from '../charts/sim-runs.ts';
import { VLLM_BENCH } from '../support/vllm-bench.ts';

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

test('what another tool measured is kept as a run, the same file once; a trace is told where it belongs', async () => {
  const kept = new Map<string, Run>();
  const store: Partial<RunStore> = {
    get: async (id) => kept.get(id) ?? null,
    put: async (run) => void kept.set(run.id, run),
    importText: async () => ({ added: 1, refused: ['the door of runs'] }),
  };
  const desk = createDesk(async () => store as RunStore);
  const text = JSON.stringify(VLLM_BENCH);
  expect(await desk.importText(text, 'bench.json')).toEqual({ added: 1, refused: [] });
  expect((await desk.importText(text, 'copy.json')).refused[0]).toContain('imported before');
  const [run] = kept.values();
  expect(run).toMatchObject({ kind: 'imported', file: 'bench.json', tool: 'vllm' });
  // Runs of ours go through their own door, whatever is wrong with them.
  expect((await desk.importText('{"version": 99, "kind": "lab"}')).refused).toEqual(['the door of runs']);
  expect((await desk.importText('TIMESTAMP,ContextTokens,GeneratedTokens\n')).refused[0]).toContain(
    'a trace',
  );
  if (run === undefined) throw new Error('nothing is kept');
  const exported = await desk.exportRun(run, 'llm-d');
  expect(exported.ok && exported.value[0]?.name).toMatch(/-llm-d\.json$/);
});
