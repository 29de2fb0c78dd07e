/** What settings do to the times of a replica, each against a hand-made number or an order that must hold. */
import { describe, expect, test } from 'vitest';
import type { PlanCalibration } from '../../../src/core/run/calibration.ts';
import type { PlanChoice } from '../../../src/core/run/plan.ts';
import {
  createSpeed,
  planSpeed,
  quantizationTable,
  tokensPerStep,
  type Speed,
} from '../../../src/plan/speed/index.ts';
import { candidateFor, fixedLengths } from './parts.ts';

function speedOf(model: string, gpu: string, choice: Partial<PlanChoice> = {}): Speed {
  const { candidate, subject } = candidateFor(model, gpu, choice);
  return createSpeed(candidate, subject.model);
}

const LOAD = { promptTokens: 2048, outputTokens: 512, cachedTokens: 0 };

describe('a closed loop', () => {
  test('is the decode step and each other request’s prompt once in its output', () => {
    const speed = speedOf('llama-3.1-8b', 'h100-sxm');
    const context = 2048 + 256;
    const [batch, others] = [32, 31];
    const chunk = speed.stepMs(others, context, 2048) - speed.stepMs(others, context);
    expect(speed.steadyTpotMs(batch, LOAD)).toBeCloseTo(
      speed.stepMs(batch, context) + (others / 512) * chunk,
      9,
    );
  });

  test('short prompts of one step share what it takes to launch it', () => {
    const speed = speedOf('llama-3.1-8b', 'h100-sxm', { tensorParallel: 8 });
    const short = { promptTokens: 128, outputTokens: 128, cachedTokens: 0 };
    const alone = speed.promptCostMs(100, 192, short);
    const together = speed.promptCostMs(1000, 192, short);
    // Seven of them in a step instead of one.
    expect(together).toBeLessThan(alone / 4);
  });

  test('a prompt longer than the budget takes several steps, of very many two stand for all', () => {
    const speed = speedOf('llama-3.1-8b', 'h100-sxm', { tokenBudget: 2048 });
    const four = [0, 2048, 4096, 6144].map((before) => speed.stepMs(0, 0, 2048, before, before === 6144));
    expect(speed.prefillMs(8192)).toBeCloseTo(
      four.reduce((sum, ms) => sum + ms, 0),
      9,
    );
    const [just, many] = [speed.prefillMs(32 * 2048), speed.prefillMs(33 * 2048)];
    expect(many / just).toBeGreaterThan(33 / 32);
    expect(many / just).toBeLessThan(1.08);
  });

  test('cached tokens are not computed, but the last one always is', () => {
    const speed = speedOf('llama-3.1-70b', 'h200-sxm', { weights: 'fp8' });
    expect(speed.prefillMs(8192, 4096)).toBeLessThan(0.65 * speed.prefillMs(8192));
    expect(speed.prefillMs(8192, 8192)).toBe(speed.prefillMs(8192, 8191));
    expect(speed.prefillMs(8192, 8192)).toBeGreaterThan(0);
    const warm = { ...LOAD, cachedTokens: 1536 };
    expect(speed.steadyTtftMs(16, warm)).toBeLessThan(speed.steadyTtftMs(16, LOAD));
    expect(speed.steadyTpotMs(16, warm)).toBeLessThan(speed.steadyTpotMs(16, LOAD));
  });
});

describe('parallel ways', () => {
  test('tensor parallelism shortens a step, by less than the number of ranks', () => {
    const [one, two, eight] = [1, 2, 8].map((tensorParallel) =>
      speedOf('llama-3.1-70b', 'h200-sxm', { weights: 'fp8', tensorParallel }).tpotMs(32, 2000),
    );
    expect(two).toBeLessThan(one ?? 0);
    expect(two).toBeGreaterThan((one ?? 0) / 2);
    expect(eight).toBeGreaterThan((one ?? 0) / 8);
  });

  test('a pipeline makes a token of one request no faster, and a full batch cheaper than one GPU could', () => {
    const plain = speedOf('llama-3.1-8b', 'h100-sxm');
    const staged = speedOf('llama-3.1-8b', 'h100-sxm', { pipelineParallel: 4 });
    expect(staged.tpotMs(1, 1000)).toBeGreaterThan(plain.tpotMs(1, 1000));
    expect(staged.tpotMs(1024, 1000)).toBeLessThan(plain.tpotMs(1024, 1000));
  });

  test('whole experts on ranks: the fullest rank is waited for', () => {
    const slices = speedOf('mixtral-8x7b', 'h100-sxm', { tensorParallel: 4 });
    const whole = speedOf('mixtral-8x7b', 'h100-sxm', { tensorParallel: 4, expertParallel: true });
    // Two of eight experts for one token: slices share them evenly, of whole ones a rank has one or two.
    expect(whole.tpotMs(1, 1000)).toBeGreaterThan(slices.tpotMs(1, 1000));
    // All experts are read anyway: within the rounding to tiles.
    expect(whole.tpotMs(256, 1000) / slices.tpotMs(256, 1000)).toBeCloseTo(1, 1);
  });

  test('apart from prompts, decodes keep their time; the prompt’s KV is sent on', () => {
    const both = speedOf('llama-3.1-70b', 'h200-sxm', { weights: 'fp8', tensorParallel: 2 });
    const apart = speedOf('llama-3.1-70b', 'h200-sxm', {
      weights: 'fp8',
      tensorParallel: 2,
      disaggregated: { prefillReplicas: 1, decodeReplicas: 1 },
    });
    expect(apart.steadyTpotMs(64, LOAD)).toBeLessThan(both.steadyTpotMs(64, LOAD));
    expect(apart.steadyTpotMs(64, LOAD)).toBe(both.tpotMs(64, 2304));
    expect(apart.kvShipMs(8192)).toBeGreaterThan(apart.kvShipMs(2048));
    expect(apart.steadyTtftMs(64, LOAD)).toBeGreaterThan(apart.prefillMs(2048));
  });
});

describe('speculation', () => {
  test('yields the expected tokens of a step', () => {
    expect(tokensPerStep(null)).toBe(1);
    // (1 − 0.8⁵) / 0.2
    expect(tokensPerStep({ draftTokens: 4, acceptance: 0.8, draftCost: 0.05 })).toBeCloseTo(3.3616, 10);
    expect(tokensPerStep({ draftTokens: 4, acceptance: 1, draftCost: 0.05 })).toBe(5);
    expect(tokensPerStep({ draftTokens: 4, acceptance: 0, draftCost: 0.05 })).toBe(1);
  });

  test('pays for few requests, and costs where arithmetic binds', () => {
    const speculation = { draftTokens: 4, acceptance: 0.7, draftCost: 0.05 };
    const plain = speedOf('llama-3.1-8b', 'h100-sxm');
    const ahead = speedOf('llama-3.1-8b', 'h100-sxm', { speculation });
    expect(ahead.tpotMs(1, 1000)).toBeLessThan(plain.tpotMs(1, 1000) / 1.8);
    const gain = (batch: number) => plain.tpotMs(batch, 500) / ahead.tpotMs(batch, 500);
    expect(gain(1)).toBeGreaterThan(gain(128));
    expect(gain(128)).toBeGreaterThan(gain(1024));
    expect(gain(1024)).toBeLessThan(1.1);
  });
});

describe('an estimate', () => {
  test('says what a closed loop gives, and how far measurement may be from it', () => {
    const { candidate, subject } = candidateFor('llama-3.1-8b', 'h100-sxm');
    const estimate = planSpeed(candidate, subject, fixedLengths(2048, 512), 32);
    expect(estimate.e2eMs).toBeCloseTo(estimate.ttftMs + 511 * estimate.tpotMs, 9);
    expect(estimate.outputTokensPerSecond).toBeCloseTo((32 * 512 * 1000) / estimate.e2eMs, 6);
    const [low, high] = estimate.interval.tpot;
    expect(low).toBeLessThan(1);
    expect(low * high).toBeCloseTo(1, 12);
    // Nobody timed kernels on an L4, and experts are known less than dense layers.
    const l4 = candidateFor('llama-3.1-8b', 'l4');
    const experts = candidateFor('mixtral-8x7b', 'h100-sxm', { tensorParallel: 2 });
    const bandOf = (parts: typeof l4) =>
      planSpeed(parts.candidate, parts.subject, fixedLengths(2048, 512), 8).interval.tpot[1];
    expect(bandOf(l4)).toBeGreaterThanOrEqual(high);
    expect(bandOf(experts)).toBeGreaterThan(high);
  });
});

describe('the table of formats', () => {
  const lengths = fixedLengths(2048, 512);

  test('fewer bits of weights: less memory, less time; each with the origin of its quality', () => {
    const { candidate, subject } = candidateFor('llama-3.1-8b', 'h100-sxm');
    const rows = quantizationTable(candidate, subject, lengths, 32);
    expect(rows.map(({ part, label }) => `${part} ${label}`)).toEqual(
      ['weights', 'kv'].flatMap((part) => ['fp16', 'fp8', 'int8', 'int4'].map((label) => `${part} ${label}`)),
    );
    const of = (part: string, label: string) =>
      rows.find((row) => row.part === part && row.label === label) ?? rows[0];
    expect(of('weights', 'fp16')?.speedup).toBe(1);
    expect(of('weights', 'fp8')?.speedup).toBeGreaterThan(1.2);
    const [whole, half] = [of('weights', 'fp16'), of('weights', 'int8')];
    expect(half?.weightsBytes).toBeLessThan(0.6 * (whole?.weightsBytes ?? 0));
    expect(of('kv', 'fp8')?.kvBytesPerToken).toBe(65_536);
    expect(of('kv', 'fp8')?.sequences).toBeGreaterThan(1.9 * (of('kv', 'fp16')?.sequences ?? 0));
    for (const { quality } of rows) expect(quality.source.length).toBeGreaterThan(10);
  });

  test('says where there is no hardware for a format, and gives no number then', () => {
    const { candidate, subject } = candidateFor('llama-3.1-8b', 'a100-80-sxm');
    const rows = quantizationTable(candidate, subject, lengths, 32);
    const fp8 = rows.find(({ part, label }) => part === 'weights' && label === 'fp8');
    expect(fp8?.unsupported).toMatch(/No hardware support: .*A100.* has no fp8 arithmetic/);
    expect(fp8?.tpotMs).toBeNull();
    expect(rows.find(({ part, label }) => part === 'weights' && label === 'int8')?.tpotMs).toBeGreaterThan(0);
  });

  test('a model that does not fit in 16 bits has its size there and its speed in four', () => {
    const { candidate, subject } = candidateFor('llama-3.1-70b', 'h100-sxm');
    const rows = quantizationTable(candidate, subject, lengths, 8);
    expect(rows[0]?.weightsBytes).toBeGreaterThan(140e9);
    expect(rows[0]?.tpotMs).toBeNull();
    expect(rows.find(({ part, label }) => part === 'weights' && label === 'int4')?.tpotMs).toBeGreaterThan(0);
  });
});

describe('a calibration', () => {
  const calibration: PlanCalibration = {
    version: 1,
    kind: 'plan-calibration',
    name: 'our H100',
    createdAt: '2026-11-21',
    source: 'three points of our server',
    points: 3,
    gpu: 'h100-sxm',
    engine: 'vllm',
    model: null,
    decode: 1.25,
    prefill: 2,
    requestMs: 50,
    kvTokens: null,
    band: 1.05,
  };

  test('multiplies decodes and prompts where it was made, and brings its own band', () => {
    const { candidate, subject } = candidateFor('llama-3.1-8b', 'h100-sxm');
    const plain = createSpeed(candidate, subject.model);
    const own = createSpeed(candidate, subject.model, { calibration });
    expect(own.tpotMs(16, 2000)).toBeCloseTo(1.25 * plain.tpotMs(16, 2000), 9);
    expect(own.prefillMs(4096)).toBeCloseTo(2 * plain.prefillMs(4096), 9);
    const [step, prompt] = [plain.tpotMs(16, 2304), plain.promptCostMs(15, 2304, LOAD)];
    expect(own.steadyTpotMs(16, LOAD)).toBeCloseTo(1.25 * step + (15 / 512) * 2 * prompt, 9);
    expect(own.steadyTtftMs(1, LOAD)).toBeCloseTo(50 + 2 * plain.prefillMs(2048), 9);
    const estimate = planSpeed(candidate, { ...subject, calibration }, fixedLengths(2048, 512), 16);
    expect(estimate.interval.tpot).toEqual([1 / 1.05, 1.05]);
    expect(estimate.about).toContain('our H100');
  });

  test('leaves other GPUs, engines and models as they are', () => {
    for (const [other, gpu, choice] of [
      [calibration, 'a100-80-sxm', {}],
      [calibration, 'h100-sxm', { engine: 'sglang' }],
      [{ ...calibration, model: 'llama-3.1-70b' }, 'h100-sxm', {}],
    ] as const) {
      const { candidate, subject } = candidateFor('llama-3.1-8b', gpu, choice);
      const own = createSpeed(candidate, subject.model, { calibration: other });
      expect(own.calibration).toBeNull();
      expect(own.steadyTpotMs(16, LOAD)).toBe(createSpeed(candidate, subject.model).steadyTpotMs(16, LOAD));
    }
  });
});
