import { describe, expect, it } from 'vitest';
import { deviceOfCheck } from '../../src/core/model/fit.ts';
import { parseRun } from '../../src/core/run/parse.ts';
import { volatileTuningMemory } from '../../src/lab/autotune.ts';
import { runCheck, type CheckOptions } from '../../src/lab/check.ts';
import { testHost } from './support.ts';

const MIB = 1_048_576;

function options(overrides: Partial<CheckOptions> = {}): CheckOptions {
  return {
    host: testHost(),
    tunings: volatileTuningMemory(),
    signal: new AbortController().signal,
    onProgress: () => undefined,
    poolCapBytes: 64 * MIB,
    ...overrides,
  };
}

describe('hardware check', () => {
  it('measures everything that there is, and says why the rest is missing', async () => {
    const host = testHost();
    const fractions: (number | null)[] = [];
    const run = await runCheck(
      options({ host, budgetMs: 100_000, onProgress: ({ fraction }) => fractions.push(fraction) }),
    );
    const parsed = parseRun(JSON.stringify(run));
    expect(parsed).toMatchObject({ ok: true, run });
    expect(run.measurements.map(({ id }) => id)).toEqual([
      'timestamp-quantum',
      'dispatch-overhead',
      'submit-latency',
      'readback-latency',
      'read-bandwidth',
      'copy-bandwidth',
      'fma-f32',
      'fma-f16',
      'largest-pool',
      'decode.f32',
      'decode.f16',
      'decode.fp8-e4m3',
      'decode.fp8-e5m2',
      'decode.int8',
      'decode.int4',
      'decode.int2',
    ]);
    for (const { value, note, samples } of run.measurements) {
      expect(note).not.toBe('');
      if (value !== null) expect(samples.length).toBeGreaterThan(0);
    }
    const byId = new Map(run.measurements.map((measurement) => [measurement.id, measurement]));
    expect(byId.get('read-bandwidth')?.value).toBeGreaterThan(0);
    expect(byId.get('decode.f32')?.percentOfPeak).toBeGreaterThan(0);
    const f16 = host.opened[0]?.features.f16 ?? false;
    expect(byId.get('fma-f16')?.value === null).toBe(!f16);
    expect(deviceOfCheck(run)?.memoryBytes.value).toBe(64 * MIB);
    expect(run.notes.length).toBeGreaterThan(3);
    expect(fractions.every((fraction, i) => i === 0 || (fraction ?? 0) >= (fractions[i - 1] ?? 0))).toBe(
      true,
    );
    expect(host.opened[0]?.buffers.allocatedBytes).toBe(0);
  });

  it('says of what it had no time for that it had none', async () => {
    const run = await runCheck(options({ budgetMs: 1 }));
    expect(run.measurements.filter(({ note }) => note.startsWith('No time was left')).length).toBeGreaterThan(
      8,
    );
  });

  it('ends a stage that would outlast the check', async () => {
    // A device that never answers the first large allocation, that of the read bandwidth.
    const host = testHost((gpu) => {
      const tryCreate = gpu.buffers.tryCreate.bind(gpu.buffers);
      gpu.buffers.tryCreate = (label, bytes, usage) =>
        label === 'Microbench.filled' ? new Promise(() => undefined) : tryCreate(label, bytes, usage);
      return gpu;
    });
    const run = await runCheck(options({ host, budgetMs: 5000 }));
    const stuck = run.measurements.find(({ id }) => id === 'read-bandwidth');
    expect(stuck).toMatchObject({
      value: null,
      note: expect.stringContaining('when the time was over') as string,
    });
    expect(run.measurements.at(-1)?.note).toContain('No time was left');
  });

  it('stops when it is cancelled, and frees the device', async () => {
    const host = testHost();
    const cancel = new AbortController();
    const check = runCheck(
      options({
        host,
        signal: cancel.signal,
        onProgress: ({ message }) => message.includes('read bandwidth') && cancel.abort(),
      }),
    );
    await expect(check).rejects.toThrow(/abort/i);
    await expect(host.opened[0]?.device.lost).resolves.toMatchObject({ reason: 'destroyed' });
  });
});
