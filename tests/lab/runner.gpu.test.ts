import { beforeAll, describe, expect, it } from 'vitest';
import { parseRun } from '../../src/core/run/parse.ts';
import { interTokenGapsMs } from '../../src/core/metrics/requests.ts';
import { summarizeRun } from '../../src/core/metrics/summarize.ts';
import { parseScenario } from '../../src/core/scenario/parse.ts';
import type { Scenario } from '../../src/core/scenario/schema.ts';
import type { LabRun } from '../../src/core/run/schema.ts';
import type { Gpu } from '../../src/gpu/context.ts';
import { volatileTuningMemory } from '../../src/lab/autotune.ts';
import type { LabHost } from '../../src/lab/host.ts';
import type { RunOptions } from '../../src/lab/run-options.ts';
import { runScenario, SCOPE_NOTE } from '../../src/lab/runner.ts';
import { testHost } from './support.ts';

/** Kernels of one shape for all tests, so that they compile once a device. */
const TINY = {
  model: { name: 'tiny', layers: 2, queryHeads: 2, kvHeads: 1, headDim: 64 },
  engine: { kvFormat: 'f32', prefillChunkTokens: 32 },
  measurement: { repeats: 2, warmupRepeats: 1 },
};

function scenario(layer: object): Scenario {
  const parsed = parseScenario({ version: 1, ...TINY, ...layer });
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.scenario;
}

const opened: Gpu[] = [];

/** A host whose devices the test can see, lose and spoil. */
function host(spoil?: (gpu: Gpu) => Gpu): LabHost {
  return testHost((gpu) => {
    opened.push(gpu);
    return spoil ? spoil(gpu) : gpu;
  });
}

function options(overrides: Partial<RunOptions> = {}): RunOptions {
  return {
    host: host(),
    tunings: volatileTuningMemory(),
    signal: new AbortController().signal,
    onProgress: () => undefined,
    force: false,
    measuredBytes: null,
    ...overrides,
  };
}

/** Goes through the door that files and links go through. */
function checked(run: LabRun): LabRun {
  const parsed = parseRun(JSON.stringify(run));
  if (!parsed.ok) throw new Error(parsed.sentence);
  expect(parsed.run).toEqual(run);
  return run;
}

beforeAll(() => {
  opened.length = 0;
});

describe('running a scenario', () => {
  it('measures every point with the asked repetitions and says what it is', async () => {
    const fractions: number[] = [];
    const run = checked(
      await runScenario(
        scenario({
          workload: { promptTokens: 40, outputTokens: 4 },
          sweep: [{ path: 'workload.concurrency', values: [1, 3] }],
        }),
        options({ onProgress: ({ fraction }) => fractions.push(fraction ?? -1) }),
      ),
    );
    expect(run.complete).toBe(true);
    expect(run.origin).toBe('measured');
    expect(run.notes).toContain(SCOPE_NOTE);
    expect(run.points.map(({ status, reason }) => [status, reason])).toEqual([
      ['done', null],
      ['done', null],
    ]);
    for (const [i, point] of run.points.entries()) {
      const concurrency = [1, 3][i] ?? 0;
      expect(point.variant).not.toBe('');
      expect(point.repetitions).toHaveLength(2);
      for (const { requests, steps, peakMemory } of point.repetitions) {
        expect(requests).toHaveLength(concurrency);
        for (const request of requests) {
          expect(request).toMatchObject({ promptTokens: 40, outputTokens: 4, error: null });
          expect(request.startMs ?? -1).toBeGreaterThanOrEqual(0);
          expect(request.firstTokenMs ?? -1).toBeGreaterThan(request.startMs ?? 0);
          expect(request.endMs ?? -1).toBeGreaterThan(request.firstTokenMs ?? 0);
        }
        const prefilled = steps.filter(({ phase }) => phase === 'prefill').map(({ tokens }) => tokens);
        expect(prefilled.reduce((a, b) => a + b, 0)).toBe(40 * concurrency);
        expect(Math.max(...prefilled)).toBeLessThanOrEqual(32);
        const decoded = steps.filter(({ phase }) => phase === 'decode');
        expect(decoded.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(3 * concurrency);
        expect(steps.every(({ wallMs, startMs }) => wallMs > 0 && startMs >= 0)).toBe(true);
        // 2 layers, 1 head of 64 in f32: 1 KiB a token. 43 tokens a sequence in 3 blocks of 16; of three, the second
        // and the third began one and two steps later.
        expect(peakMemory.usedBytes).toBe((concurrency === 1 ? 43 : 43 + 42 + 41) * 1024);
        expect(peakMemory.reservedBytes).toBe(48 * concurrency * 1024);
        expect(peakMemory.allocatedBytes).toBe(48 * concurrency * 1024);
        expect(requests.every(({ peakKvBytes }) => peakKvBytes === 48 * 1024)).toBe(true);
      }
      // Every output token after the first is one decode step of its request.
      expect(point.repetitions.flatMap((repetition) => interTokenGapsMs(repetition))).toHaveLength(
        2 * 3 * concurrency,
      );
    }
    const kept = run.points.flatMap(({ repetitions }) => repetitions.map(({ startedMs }) => startedMs));
    // Interleaved: first repetition of both points before the second of either.
    const [a1 = 0, a2 = 0, b1 = 0, b2 = 0] = kept;
    expect([a1, b1, a2, b2]).toEqual([...kept].sort((x, y) => x - y));
    expect(fractions.every((fraction, i) => i === 0 || fraction >= (fractions[i - 1] ?? 0))).toBe(true);
    expect(summarizeRun(run).points.every(({ failedRequests }) => failedRequests === 0)).toBe(true);
  });

  it('gives all memory back and destroys its device', async () => {
    const gpu = opened.at(-1);
    expect(gpu?.buffers.allocatedBytes).toBe(0);
    await expect(gpu?.device.lost).resolves.toMatchObject({ reason: 'destroyed' });
  });

  it('stores a shared prefix once, copies the block where it splits, and skips its prefill', async () => {
    const run = checked(
      await runScenario(
        scenario({
          workload: { concurrency: 3, promptTokens: 40, outputTokens: 3, sharedPrefixTokens: 24 },
          measurement: { repeats: 1, warmupRepeats: 0 },
        }),
        options(),
      ),
    );
    const [point] = run.points;
    expect(point?.status).toBe('done');
    const repetition = point?.repetitions[0];
    const prefilled = repetition?.steps.filter(({ phase }) => phase === 'prefill') ?? [];
    expect(prefilled.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(40 + 2 * 16);
    // 16 tokens in a block that all three share; 26 more of the first two, and 25 of the last, a step behind.
    expect(repetition?.peakMemory.usedBytes).toBe((16 + 26 + 26 + 25) * 1024);
  });

  it('reserves the longest context under contiguous, and lets groups end apart', async () => {
    const groups = [
      { name: 'short', count: 2, promptTokens: 8, outputTokens: 6 },
      { name: 'long', count: 1, promptTokens: 50, outputTokens: 6 },
    ];
    const run = checked(
      await runScenario(
        scenario({
          workload: { groups },
          measurement: { repeats: 1, warmupRepeats: 0 },
          sweep: [{ path: 'engine.layout', values: ['paged', 'contiguous'] }],
        }),
        options(),
      ),
    );
    const [paged, contiguous] = run.points.map(({ repetitions }) => repetitions[0]);
    expect(run.points.map(({ status }) => status)).toEqual(['done', 'done']);
    // 56 tokens reserve 4 blocks of 16 for each of the three.
    expect(contiguous?.peakMemory.reservedBytes).toBe(3 * 64 * 1024);
    expect(paged?.peakMemory.reservedBytes ?? 0).toBeLessThan(3 * 64 * 1024);
    const ends = paged?.requests.map(({ endMs }) => endMs ?? 0) ?? [];
    expect(Math.max(...ends)).toBe(ends[2]);
  });

  it('keeps what was finished when it is cancelled', async () => {
    const cancel = new AbortController();
    const seen: number[] = [];
    const run = checked(
      await runScenario(
        scenario({ workload: { concurrency: 1, promptTokens: 16, outputTokens: 8 } }),
        options({
          signal: cancel.signal,
          onProgress: ({ fraction }) => {
            seen.push(fraction ?? 0);
            // In the middle of the second kept repetition of three in all.
            if ((fraction ?? 0) > 0.75) cancel.abort();
          },
        }),
      ),
    );
    expect(run.complete).toBe(false);
    expect(run.points[0]?.repetitions).toHaveLength(1);
    expect(run.notes.join(' ')).toContain('Cancelled');
    expect(Math.max(...seen)).toBeLessThan(1);
  });

  it('rebuilds a lost device, repeats, and says so', async () => {
    const first = opened.length;
    let lost = 0;
    const run = checked(
      await runScenario(
        scenario({ workload: { concurrency: 1, promptTokens: 16, outputTokens: 8 } }),
        options({
          onProgress: ({ fraction }) => {
            if ((fraction ?? 0) > 0.5 && lost++ === 0) opened.at(-1)?.device.destroy();
          },
        }),
      ),
    );
    expect(opened.length - first).toBe(2);
    expect(run.complete).toBe(true);
    expect(run.points[0]).toMatchObject({ status: 'done' });
    expect(run.points[0]?.repetitions).toHaveLength(2);
    expect(run.notes.join(' ')).toContain('was lost');
  });

  it('fails a point that loses the device twice, and goes on with the others', async () => {
    const run = checked(
      await runScenario(
        scenario({
          workload: { promptTokens: 16, outputTokens: 4 },
          sweep: [{ path: 'workload.concurrency', values: [1, 2] }],
        }),
        options({
          onProgress: ({ message, fraction }) => {
            if (message.startsWith('concurrency 2') && fraction !== null) opened.at(-1)?.device.destroy();
          },
        }),
      ),
    );
    expect(run.points.map(({ status }) => status)).toEqual(['done', 'failed']);
    expect(run.points[1]).toMatchObject({ repetitions: [] });
    expect(run.points[1]?.reason).toContain('lost twice');
  });

  it('shrinks to what fits and says so', async () => {
    // A device whose ledger refuses a pool of more than two sequences.
    const limited = host((gpu) => {
      const tryCreate = gpu.buffers.tryCreate.bind(gpu.buffers);
      gpu.buffers.tryCreate = (label, bytes, usage) =>
        tryCreate(label, label === 'Cache.pool' && bytes > 2 * 24 * 1024 ? 2 ** 50 : bytes, usage);
      return gpu;
    });
    const run = checked(
      await runScenario(
        scenario({
          workload: { concurrency: 4, promptTokens: 40, outputTokens: 4 },
          measurement: { repeats: 1, warmupRepeats: 0 },
        }),
        options({ host: limited }),
      ),
    );
    const [point] = run.points;
    expect(point?.status).toBe('shrunk');
    expect(point?.reason).toContain('ran with 2 of 4 sequences');
    expect(point?.repetitions[0]?.requests).toHaveLength(2);
    expect(opened.at(-1)?.buffers.allocatedBytes).toBe(0);
  });

  it('fails a point whose commands the device refuses, instead of timing nothing', async () => {
    const broken = host((gpu) => {
      const create = gpu.buffers.create.bind(gpu.buffers);
      // Cannot be written to by the queue, which is a validation error that nothing throws.
      gpu.buffers.create = (label, bytes, usage) =>
        create(label, bytes, label === 'Engine.decode.lengths' ? GPUBufferUsage.STORAGE : usage);
      return gpu;
    });
    const small = scenario({ workload: { concurrency: 1, promptTokens: 16, outputTokens: 4 } });
    const run = checked(await runScenario(small, options({ host: broken })));
    expect(run.points[0]).toMatchObject({ status: 'failed', repetitions: [] });
    expect(run.points[0]?.reason).toContain('refused a command');
  });

  it('refuses a high memory risk unless it is forced', async () => {
    const small = scenario({ workload: { concurrency: 1, promptTokens: 16, outputTokens: 2 } });
    await expect(runScenario(small, options({ measuredBytes: 1000 }))).rejects.toMatchObject({
      code: 'memory-risk',
    });
    const forced = await runScenario(small, options({ measuredBytes: 1000, force: true }));
    expect(forced.complete).toBe(true);
    expect(forced.notes.join(' ')).toContain('memory risk was high');
  });

  it('fails a point that cannot be run, with its reason', async () => {
    const run = checked(
      await runScenario(
        scenario({
          workload: { concurrency: 1, promptTokens: 16, outputTokens: 2 },
          measurement: { repeats: 1, warmupRepeats: 0 },
          sweep: [{ path: 'engine.tier', values: ['auto', 'cpu'] }],
        }),
        options(),
      ),
    );
    expect(run.points.map(({ status }) => status)).toEqual(['done', 'failed']);
    expect(run.points[1]?.reason).toContain('engine.tier cpu');
  });
});
