/** The two things the page measures: the check and an experiment. */
import { expect, test } from 'vitest';
import type { Run } from '../../src/core/run/schema.ts';
import { DEFAULT_SCENARIO } from '../../src/core/scenario/defaults.ts';
import { CheckSession } from '../../src/state/check.svelte.ts';
import { GpuState, HIDDEN_NOTE } from '../../src/state/gpu.svelte.ts';
import { LabSession } from '../../src/state/lab.svelte.ts';
import { toyCheck, toyRun } from '../charts/runs.ts';
import { failed, FakeWorker, fakeHost, settle } from './doubles.ts';

function bench() {
  const worker = new FakeWorker();
  const host = fakeHost(worker);
  const kept: Run[] = [];
  const library = { keep: async (run: Run) => (kept.push(run), null) };
  const gpu = new GpuState(host);
  return { worker, host, kept, check: new CheckSession(gpu, library), lab: new LabSession(gpu, library) };
}

const RUN = toyRun('concurrency', { repeats: 1 });

test('a check reports, ends with a card and is kept', async () => {
  const { worker, check, kept } = bench();
  const started = check.start();
  await settle();
  worker.progress({ fraction: 0.5, message: 'Reading' });
  expect([check.busy, check.progress.message]).toEqual([true, 'Reading']);
  worker.checks.resolve({ ok: true, value: toyCheck() });
  await started;
  expect([check.status, check.run?.id, kept.length]).toEqual(['done', toyCheck().id, 1]);
});

test('a failed check says so in one sentence and can be started again', async () => {
  const { worker, check } = bench();
  const started = check.start();
  await settle();
  worker.checks.resolve(failed('timeout', 'The GPU did not answer: try again.'));
  await started;
  expect([check.status, check.busy, check.fault?.text]).toEqual([
    'failed',
    false,
    'The GPU did not answer: try again.',
  ]);
});

test('a check that can’t be kept is shown all the same', async () => {
  const worker = new FakeWorker();
  const fault = { code: 'quota', text: 'Full: delete some.' };
  const check = new CheckSession(new GpuState(fakeHost(worker)), { keep: async () => fault });
  const started = check.start();
  await settle();
  worker.checks.resolve({ ok: true, value: toyCheck() });
  await started;
  expect([check.status, check.run === null, check.keepFault]).toEqual(['done', false, fault]);
});

test('an experiment shows what is measured so far, then the whole, and keeps it', async () => {
  const { worker, lab, kept } = bench();
  const started = lab.start(DEFAULT_SCENARIO);
  await settle();
  worker.progress({ fraction: 0.2, message: 'Point 1', partial: { ...RUN, complete: false } });
  expect([lab.run?.complete, lab.busy]).toEqual([false, true]);
  worker.runs.resolve({ ok: true, value: RUN });
  await started;
  expect([lab.status, lab.run?.complete, kept.at(-1)]).toEqual(['done', true, RUN]);
});

test('a hidden tab leaves a note in the run', async () => {
  const { worker, host, lab } = bench();
  const started = lab.start(DEFAULT_SCENARIO);
  await settle();
  host.hide();
  worker.runs.resolve({ ok: true, value: RUN });
  await started;
  expect(lab.run?.notes).toContain(HIDDEN_NOTE);
});

test('what was measured before the worker died is kept', async () => {
  const { worker, lab, kept } = bench();
  const started = lab.start(DEFAULT_SCENARIO);
  await settle();
  worker.progress({ fraction: 0.2, message: 'Point 1', partial: { ...RUN, complete: false } });
  worker.runs.resolve(failed('device-lost', 'raw'));
  await started;
  expect([lab.status, lab.fault?.code, lab.run?.complete]).toEqual(['failed', 'device-lost', false]);
  expect(kept.at(-1)?.notes.at(-1)).toContain('Cut short');
});

test('a cancel before the first point leaves nothing behind and no fault', async () => {
  const { worker, lab, kept } = bench();
  const started = lab.start(DEFAULT_SCENARIO);
  await settle();
  await lab.cancel();
  expect([lab.status, worker.cancelled]).toEqual(['cancelling', 1]);
  worker.runs.resolve(failed('cancelled', 'Cancelled.'));
  await started;
  expect([lab.status, lab.run, lab.fault, kept.length]).toEqual(['idle', null, null, 0]);
});

test('the memory risk is asked, and a forced run says so to the worker', async () => {
  const { worker, lab } = bench();
  expect((await lab.assess(DEFAULT_SCENARIO))?.risk).toBe('high');
  expect(lab.riskOf).toBe(DEFAULT_SCENARIO);
  void lab.start(DEFAULT_SCENARIO, true);
  await settle();
  expect(worker.forced).toBe(true);
});
