import { afterAll, describe, expect, it } from 'vitest';
import { DEFAULT_SCENARIO } from '../../src/core/scenario/defaults.ts';
import type { Scenario } from '../../src/core/scenario/schema.ts';
import type { Progress } from '../../src/lab/types.ts';
import { createGpuClient } from '../../src/workers/client.ts';
import { valueOf } from '../../src/workers/outcome.ts';

const client = createGpuClient();
afterAll(() => client.reset());

const tiny: Scenario = {
  ...DEFAULT_SCENARIO,
  model: { name: 'tiny', layers: 1, queryHeads: 2, kvHeads: 1, headDim: 64 },
  engine: { ...DEFAULT_SCENARIO.engine, kvFormat: 'f32' },
  workload: { ...DEFAULT_SCENARIO.workload, concurrency: 1, promptTokens: 16, outputTokens: 4 },
  measurement: { repeats: 2, warmupRepeats: 0 },
};

// Node has no Worker of the web's kind; there the service itself is tested.
describe.skipIf(typeof Worker === 'undefined')('GPU worker, in a browser', () => {
  it('describes, runs with progress, and reports errors with their code', async () => {
    const api = await client.api();
    expect(valueOf(await api.describe('high-performance')).runtime).toMatch(/Chrom/);
    const heard: Progress[] = [];
    const run = valueOf(await api.run(tiny, { force: false }, (progress) => heard.push(progress)));
    expect(run.points[0]?.repetitions).toHaveLength(2);
    expect(heard.length).toBeGreaterThan(0);
    const shape = {
      batch: 1,
      queryHeads: 2,
      kvHeads: 1,
      headDim: 64,
      context: 8,
      blockSize: 16,
      kvFormat: 'x',
    };
    expect(await api.attention(shape)).toMatchObject({ ok: false, error: { code: 'unsupported' } });
  });

  it('answers what it was asked when it is ended, and starts again', async () => {
    const api = await client.api();
    const asked = api.run(
      { ...tiny, measurement: { repeats: 100, warmupRepeats: 0 } },
      { force: false },
      () => undefined,
    );
    client.reset();
    expect(await asked).toMatchObject({ ok: false, error: { code: 'cancelled' } });
    expect((await (await client.api()).describe('low-power')).ok).toBe(true);
  });
});
