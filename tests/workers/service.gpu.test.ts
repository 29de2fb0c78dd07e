import { beforeAll, describe, expect, it } from 'vitest';
import { parseScenario } from '../../src/core/scenario/parse.ts';
import { volatileTuningMemory } from '../../src/lab/autotune.ts';
import type { Progress } from '../../src/lab/types.ts';
import { createGpuService, type GpuPlatform } from '../../src/workers/gpu-service.ts';
import { valueOf } from '../../src/workers/outcome.ts';
import { requestTestAdapter } from '../support/gpu.ts';

let adapter: () => Promise<GPUAdapter | null>;
beforeAll(() => {
  adapter = requestTestAdapter;
});

function platform(overrides: Partial<GpuPlatform> = {}): GpuPlatform {
  const pools = new Map<string, number>();
  let ids = 0;
  return {
    requestAdapter: () => adapter(),
    facts: { appVersion: 'test', runtime: 'test', os: 'test', hostMemoryBytes: null, logicalCores: null },
    now: () => performance.now(),
    date: () => '2026-01-01T00:00:00.000Z',
    newId: () => `id-${ids++}`,
    tunings: volatileTuningMemory(),
    pools: {
      get: (key) => Promise.resolve(pools.get(key) ?? null),
      set: (key, bytes) => Promise.resolve(void pools.set(key, bytes)),
    },
    alone: (task) => task(),
    command: 'kvlab measure test',
    ...overrides,
  };
}

function tiny() {
  const parsed = parseScenario({
    version: 1,
    model: { name: 'tiny', layers: 1, queryHeads: 2, kvHeads: 1, headDim: 64 },
    engine: { kvFormat: 'f32' },
    workload: { concurrency: 1, promptTokens: 16, outputTokens: 4 },
    measurement: { repeats: 1, warmupRepeats: 0 },
  });
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.scenario;
}

const deaf = (): void => undefined;

describe('GPU service', () => {
  it('describes the adapter', async () => {
    const environment = valueOf(await createGpuService(platform()).describe('low-power'));
    expect(environment.adapter.powerPreference).toBe('low-power');
    expect(environment.limits['maxBufferSize']).toBeGreaterThan(0);
  });

  it('runs a scenario and writes the command into the run', async () => {
    const run = valueOf(await createGpuService(platform()).run(tiny(), { force: false }, deaf));
    expect(run).toMatchObject({ complete: true, command: 'kvlab measure test' });
    expect(run.points[0]?.status).toBe('done');
  });

  it('survives a lost device', async () => {
    const service = createGpuService(platform());
    let lost = false;
    const outcome = await service.run(tiny(), { force: false }, ({ fraction }) => {
      if (!lost && fraction !== null) service.loseDevice();
      lost = true;
    });
    expect(valueOf(outcome).points[0]?.status).toBe('done');
    expect(valueOf(outcome).notes.join(' ')).toContain('lost');
  });

  it('refuses a second task, and cancels the first', async () => {
    const service = createGpuService(platform());
    const scenario = { ...tiny(), measurement: { repeats: 100, warmupRepeats: 0 } };
    const first = service.run(scenario, { force: false }, ({ fraction }) => {
      if ((fraction ?? 0) > 0.02) service.cancel();
    });
    expect(await service.run(scenario, { force: false }, deaf)).toMatchObject({
      ok: false,
      error: { code: 'busy' },
    });
    expect(valueOf(await first).complete).toBe(false);
  });

  it('says that it waits for another tab', async () => {
    const heard: Progress[] = [];
    const alone: GpuPlatform['alone'] = (task, onWaiting) => (onWaiting(), task());
    await createGpuService(platform({ alone })).run(tiny(), { force: false }, (progress) =>
      heard.push(progress),
    );
    expect(heard[0]?.message).toContain('Another tab');
  });

  it('weighs the risk by what a check has measured', async () => {
    const assumed = valueOf(await createGpuService(platform()).risk(tiny()));
    expect(assumed).toMatchObject({ risk: 'low', availableOrigin: 'assumed' });
    const pools = { get: () => Promise.resolve(5000), set: () => Promise.resolve() };
    const service = createGpuService(platform({ pools }));
    expect(valueOf(await service.risk(tiny()))).toMatchObject({ risk: 'high', availableOrigin: 'measured' });
    expect(await service.run(tiny(), { force: false }, deaf)).toMatchObject({
      ok: false,
      error: { code: 'memory-risk', data: { availableBytes: 5000 } },
    });
  });

  it('says that there is no adapter', async () => {
    const service = createGpuService(platform({ requestAdapter: () => Promise.resolve(null) }));
    expect(await service.check('high-performance', deaf)).toMatchObject({
      ok: false,
      error: { code: 'no-adapter' },
    });
  });
});
