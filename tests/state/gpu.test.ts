import { expect, test, vi } from 'vitest';
import { GpuState, POWER_KEY } from '../../src/state/gpu.svelte.ts';
import { environment } from '../charts/runs.ts';
import { deferred, failed, FakeWorker, fakeHost, fakeMemory, settle } from './doubles.ts';

test('finds the adapter', async () => {
  const gpu = new GpuState(fakeHost(new FakeWorker()));
  await gpu.look();
  expect([gpu.status, gpu.environment, gpu.fault]).toEqual(['ready', environment, null]);
});

test.each([
  { webgpu: 'absent', code: 'no-webgpu' },
  { webgpu: 'insecure', code: 'insecure-page' },
] as const)('WebGPU $webgpu is one sentence, and no worker is started', async ({ webgpu, code }) => {
  const started = vi.fn();
  const worker = { api: started, model: started, reset: () => undefined };
  const gpu = new GpuState(fakeHost(new FakeWorker(), { webgpu, worker }));
  await gpu.look();
  expect(gpu.usable).toBe(false);
  expect(gpu.fault?.code).toBe(code);
  expect(gpu.fault?.text).toMatch(/: .+\.$/);
  expect(started).not.toHaveBeenCalled();
});

test('no adapter is one sentence', async () => {
  const worker = new FakeWorker();
  worker.description = failed('no-adapter', 'raw');
  const gpu = new GpuState(fakeHost(worker));
  await gpu.look();
  expect([gpu.status, gpu.fault?.text.includes('hardware acceleration')]).toEqual(['absent', true]);
});

test('a worker that can’t be started is a fault, not an exception', async () => {
  const broken = () => Promise.reject(new Error('No worker here: reload.'));
  const worker = { api: broken, model: broken, reset: () => undefined };
  const gpu = new GpuState(fakeHost(new FakeWorker(), { worker }));
  await gpu.look();
  expect(gpu.fault?.text).toBe('No worker here: reload.');
});

test('measures one thing at a time and gives the lock back', async () => {
  const host = fakeHost(new FakeWorker());
  const gpu = new GpuState(host);
  const answer = deferred<{ ok: true; value: number }>();
  const first = gpu.measure('First', () => answer.promise);
  await settle();
  expect(gpu.busyWith).toBe('First');
  const second = await gpu.measure('Second', () => answer.promise);
  expect(second.outcome).toMatchObject({ ok: false, error: { code: 'busy' } });
  answer.resolve({ ok: true, value: 7 });
  expect(await first).toEqual({ outcome: { ok: true, value: 7 }, wasHidden: false });
  expect([gpu.busyWith, host.released]).toEqual([null, 1]);
});

test('another tab that measures is one sentence', async () => {
  const host = fakeHost(new FakeWorker());
  host.taken = true;
  const { outcome } = await new GpuState(host).measure('First', () =>
    Promise.resolve({ ok: true, value: 1 }),
  );
  expect(outcome).toMatchObject({ ok: false, error: { code: 'other-tab' } });
});

test('a tab that is hidden in the middle is told', async () => {
  const host = fakeHost(new FakeWorker());
  const answer = deferred<{ ok: true; value: number }>();
  const measured = new GpuState(host).measure('First', () => answer.promise);
  await settle();
  host.hide();
  answer.resolve({ ok: true, value: 1 });
  expect((await measured).wasHidden).toBe(true);
});

test('a worker that does not answer the cancel is ended', async () => {
  vi.useFakeTimers();
  try {
    const worker = new FakeWorker();
    const host = fakeHost(worker);
    const gpu = new GpuState(host);
    const measured = gpu.measure('Endless', () => new Promise(() => undefined));
    await vi.advanceTimersByTimeAsync(0);
    void gpu.cancel();
    await vi.advanceTimersByTimeAsync(2900);
    expect([worker.cancelled, host.resets]).toEqual([1, 0]);
    await vi.advanceTimersByTimeAsync(200);
    expect((await measured).outcome).toMatchObject({ ok: false, error: { code: 'cancelled' } });
    expect([host.resets, gpu.busyWith]).toEqual([1, null]);
  } finally {
    vi.useRealTimers();
  }
});

test('the chosen adapter is remembered', () => {
  const memory = fakeMemory();
  new GpuState(fakeHost(new FakeWorker(), { memory })).choosePower('low-power');
  expect(memory.getItem(POWER_KEY)).toBe('low-power');
  expect(new GpuState(fakeHost(new FakeWorker(), { memory })).power).toBe('low-power');
});
