/** The parts of a step add up to it, and a phase says what binds. */
import { describe, expect, test } from 'vitest';
import { findGpu } from '../../../src/core/hardware/records.ts';
import { findArchitecture } from '../../../src/core/model/architecture.ts';
import { phaseOf, ridgeOf } from '../../../src/plan/speed/phases.ts';
import { stepOperations } from '../../../src/plan/speed/operations.ts';
import type { SpeedChoice } from '../../../src/plan/speed/settings.ts';
import { Speed } from '../../../src/plan/speed/speed.ts';

const CHOICE: SpeedChoice = {
  engine: 'vllm',
  tensorParallel: 1,
  pipelineParallel: 1,
  expertParallel: false,
  weights: 'bf16',
  kvFormat: 'bf16',
  tokenBudget: 8192,
  speculation: null,
  disaggregated: null,
};

function speedOf(model: string, gpu: string, choice: Partial<SpeedChoice> = {}): Speed {
  const architecture = findArchitecture(model);
  const record = findGpu(gpu);
  if (!architecture || !record) throw new Error(`No record of ${model} or ${gpu}.`);
  return new Speed({ ...CHOICE, ...choice }, record, architecture);
}

describe('operations of a step', () => {
  test.each([
    ['llama-3.1-8b', 'h100-sxm', {}],
    ['llama-3.1-8b', 'h100-sxm', { engine: 'tensorrt-llm', tensorParallel: 8 }],
    ['llama-3.1-70b', 'h200-sxm', { tensorParallel: 8, weights: 'fp8', kvFormat: 'fp8' }],
    ['llama-3.1-70b', 'a100-80-sxm', { tensorParallel: 2, pipelineParallel: 4 }],
    ['gpt-oss-120b', 'h100-sxm', { tensorParallel: 4, weights: 'mxfp4' }],
    ['deepseek-v3', 'h200-sxm', { tensorParallel: 8, weights: 'fp8' }],
    ['llama-3.1-8b', 'l40s', { speculation: { draftTokens: 3, acceptance: 0.7, draftCost: 0 } }],
  ] as const)('%s on %s: they add up to its time', (model, gpu, choice) => {
    const speed = speedOf(model, gpu, choice);
    for (const batch of [1, 7, 64, 300]) {
      const operations = stepOperations(speed, speed.decodeWork(batch, 2500), 'decode');
      const sum = operations.reduce((total, { ms }) => total + ms, 0);
      expect(sum).toBeCloseTo(speed.stepMs(batch, 2500), 8);
    }
    const prefill = stepOperations(speed, speed.prefillWork(3000), 'prefill');
    expect(prefill.reduce((total, { ms }) => total + ms, 0)).toBeCloseTo(speed.prefillMs(3000), 8);
  });

  test('FLOP and bytes of a dense model are those of its parameters and its KV', () => {
    const speed = speedOf('llama-3.1-8b', 'h100-sxm');
    const operations = stepOperations(speed, speed.decodeWork(32, 1000), 'decode');
    const linear = operations.find(({ name }) => name === 'linear layers');
    const attention = operations.find(({ name }) => name === 'attention');
    // 218,103,808 parameters a layer, 32 layers; 131,072 bytes of KV a token.
    expect(linear?.flops).toBe(2 * 32 * 218_103_808 * 32);
    expect(attention?.bytes).toBe((32 * 1000 + 32) * 131_072);
    expect(attention?.bound).toBe('memory');
  });
});

describe('phases', () => {
  test('decode of few is bound by memory, a long prompt by arithmetic', () => {
    const speed = speedOf('llama-3.1-8b', 'h100-sxm');
    const gpu = findGpu('h100-sxm');
    if (!gpu) throw new Error('No H100.');
    const decode = phaseOf(stepOperations(speed, speed.decodeWork(8, 1000), 'decode'), gpu, 'bf16');
    const prefill = phaseOf(stepOperations(speed, speed.prefillWork(8000), 'prefill'), gpu, 'bf16');
    // 989.5 TFLOP/s over 3,350 GB/s.
    expect(ridgeOf(gpu, 'bf16')).toBeCloseTo(295.4, 1);
    expect(decode.bound).toBe('memory');
    expect(decode.arithmeticIntensity).toBeLessThan(decode.ridge / 10);
    expect(decode.mbu).toBeGreaterThan(0.6);
    expect(decode.mbu).toBeLessThan(0.95);
    expect(prefill.bound).toBe('compute');
    expect(prefill.arithmeticIntensity).toBeGreaterThan(prefill.ridge);
    expect(prefill.mfu).toBeGreaterThan(0.5);
    expect(prefill.mfu).toBeLessThan(0.9);
  });
});
