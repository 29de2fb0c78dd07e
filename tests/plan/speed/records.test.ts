/** Every model and every GPU that is known has times: none is zero, infinite or shorter for more work. */
import { describe, expect, test } from 'vitest';
import { ALL_GPUS } from '../../../src/core/hardware/catalogue.ts';
import { findGpu } from '../../../src/core/hardware/records.ts';
import { findArchitecture, type Architecture } from '../../../src/core/model/architecture.ts';
import { ALL_MODELS } from '../../../src/core/model/catalogue.ts';
import type { GpuRecord } from '../../../src/core/hardware/records.ts';
import { Speed } from '../../../src/plan/speed/index.ts';
import { referenceText, whyNoReferenceData } from '../../reference-data.ts';

function speedOf(model: Architecture, gpu: GpuRecord, tensorParallel: number): Speed {
  const choice = {
    engine: 'vllm',
    tensorParallel,
    pipelineParallel: 1,
    expertParallel: false,
    weights: 'fp8',
    kvFormat: 'bf16',
    tokenBudget: 8192,
    speculation: null,
    disaggregated: null,
  } as const;
  return new Speed(choice, gpu, model);
}

/** What is wrong with a replica's times; empty: nothing. */
function faults(speed: Speed): string[] {
  const load = { promptTokens: 2000, outputTokens: 300, cachedTokens: 0 };
  const found: string[] = [];
  let last = 0;
  for (const batch of [1, 8, 64, 512]) {
    const ms = speed.steadyTpotMs(batch, load);
    if (!(ms > last && ms < 1e7)) found.push(`TPOT of ${batch}: ${ms} ms after ${last} ms`);
    last = ms;
  }
  const [short, long] = [speed.prefillMs(500), speed.prefillMs(20_000)];
  if (!(short > 0 && long > short && long < 1e9)) found.push(`prompts: ${short} and ${long} ms`);
  return found;
}

describe('times', () => {
  test('of every model on one and eight H100', () => {
    const gpu = findGpu('h100-sxm');
    if (!gpu) throw new Error('No H100.');
    const wrong = ALL_MODELS.flatMap((model) =>
      [1, 8].flatMap((ranks) =>
        faults(speedOf(model, gpu, ranks)).map((fault) => `${model.id} × ${ranks}: ${fault}`),
      ),
    );
    expect(ALL_MODELS.length).toBeGreaterThan(120);
    expect(wrong).toEqual([]);
  });

  test('of a dense model and a mixture on every GPU', () => {
    const models = ['llama-3.1-8b', 'gpt-oss-20b'].map((id) => findArchitecture(id));
    const wrong = ALL_GPUS.flatMap((gpu) =>
      models.flatMap((model) =>
        model ? faults(speedOf(model, gpu, 1)).map((fault) => `${gpu.id}: ${fault}`) : ['no such model'],
      ),
    );
    expect(ALL_GPUS.length).toBeGreaterThan(100);
    expect(wrong).toEqual([]);
  });
});

const KERNELS = 'kernels/h100_sxm_vllm0.14.0_decode_attention.csv';
const why = whyNoReferenceData(KERNELS);

/** Batches that fill the device: as many sequences and KV heads as it has multiprocessors. */
const FULL = 128;

test.skipIf(why !== null)(
  `eight-bit KV takes 0.57 to 0.72 of the bf16 time in kernels that fill an H100${why ? `: skipped, ${why}` : ''}`,
  () => {
    const rows = referenceText(KERNELS)
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(','));
    const ms = new Map(rows.map((row) => [row.slice(0, 6).join(), Number(row[6])]));
    const ratios = rows.flatMap(([batch, heads, kvHeads, dim, format, step]) => {
      const group = Number(heads) / Number(kvHeads);
      const full = Number(batch) * Number(kvHeads) >= FULL && Number(step) >= 2047;
      if (format !== 'bfloat16' || !full || (group !== 4 && group !== 8)) return [];
      const narrow = ms.get([batch, heads, kvHeads, dim, 'fp8', step].join());
      const wide = ms.get([batch, heads, kvHeads, dim, 'bfloat16', step].join());
      return narrow === undefined || wide === undefined ? [] : narrow / wide;
    });
    expect(ratios.length).toBeGreaterThan(20);
    const [low, middle, high] = [0.1, 0.5, 0.9].map(
      (share) => ratios.toSorted((a, b) => a - b)[Math.floor(share * (ratios.length - 1))] ?? NaN,
    );
    expect(low).toBeGreaterThan(0.56);
    expect(high).toBeLessThan(0.73);
    // Half the bytes at 0.86 of the rate is 0.58 of the time, and beginning and ending come on top.
    expect(middle).toBeGreaterThan(0.58);
    expect(middle).toBeLessThan(0.66);
  },
);
