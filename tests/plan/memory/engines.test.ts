/** Budget rules and KV layouts of the four engines, against what their logs and sources say. */
import { describe, expect, test } from 'vitest';
import { findAnyGpu } from '../../../src/core/hardware/catalogue.ts';
import { findAnyModel } from '../../../src/core/model/catalogue.ts';
import type { PlanChoice } from '../../../src/core/run/plan.ts';
import {
  capacityOf,
  defaultUtilization,
  overheadsOf,
  versionAtLeast,
} from '../../../src/plan/memory/index.ts';
import { longestSequenceBlocks } from '../../../src/plan/memory/capacity.ts';
import { kvStore } from '../../../src/plan/memory/store.ts';
import { captures } from '../../../src/plan/memory/terms.ts';
import { candidate, knownGpu, subject } from './support.ts';

const GIB = 2 ** 30;
const MIB = 2 ** 20;

function choice(change: Partial<PlanChoice>): PlanChoice {
  return candidate(change).choice;
}

function model(name: string) {
  const found = findAnyModel(name);
  if (!found) throw new Error(`No model ${name}.`);
  return found;
}

describe('versions', () => {
  test.each([
    ['0.19.0', '0.9', true],
    ['0.9.2', '0.19', false],
    ['0.21', '0.21', true],
    ['0.21.0rc1', '0.21', true],
    ['b6123', 'b6000', true],
  ])('%s is %s or newer: %s', (a, b, newer) => {
    expect(versionAtLeast(a, b)).toBe(newer);
  });

  test('a version takes the newest row that is not newer; an old one the oldest', () => {
    expect(overheadsOf('vllm', '0.20.1').version).toBe('0.18');
    expect(overheadsOf('vllm', '0.1').version).toBe('0.5');
    expect(overheadsOf('vllm', null).version).toBe('0.21');
  });
});

describe('vLLM', () => {
  test('captures: 51 sizes up to 512, 35 up to 256', () => {
    // "PIECEWISE=51 (largest=512), FULL=35 (largest=256)" for 256 sequences, 51 and 51 for 1,024.
    expect(captures(256)).toBe(51 + 35);
    expect(captures(1024)).toBe(51 + 51);
    // "PIECEWISE=5 (largest=16), FULL=4 (largest=8)" for 8 sequences.
    expect(captures(8)).toBe(5 + 4);
  });

  test('graphs come off the KV cache from 0.21 on', () => {
    const before = capacityOf(candidate({ engineVersion: '0.20.0' }), subject());
    const since = capacityOf(candidate({ engineVersion: '0.21.0' }), subject());
    expect(before.budget.kvBytes - since.budget.kvBytes).toBeCloseTo(since.terms.graphs, 0);
    expect(before.budget.outsideBytes).toBe(before.terms.graphs);
    expect(since.budget.outsideBytes).toBe(0);
  });

  test('tokens of groups are printed as sequences of the longest length from 0.21 on', () => {
    const oss = subject('gpt-oss-20b');
    const settings = { weights: 'mxfp4', maxModelTokens: 131_072 } as const;
    const before = capacityOf(candidate({ ...settings, engineVersion: '0.20.0' }), oss);
    const since = capacityOf(candidate({ ...settings, engineVersion: '0.21.0' }), oss);
    expect(before.kvTokens).toBe(Math.floor(before.blocks / 2) * 16);
    // A sequence of 131,072 tokens holds 8,192 blocks in one group and a window's 521 in the other.
    expect(since.kvTokens).toBe(Math.floor((since.blocks / (8192 + 521)) * 131_072));
  });

  test('states and tokens of Qwen3.5-35B-A3B share a pool as vLLM 0.24 logs it', () => {
    // 5.98 GiB, fp8 KV, prefix caching: "GPU KV cache size: 567,978 tokens", 4.33x at 131,072 (noonghunna/club-3090#612).
    const settings = choice({ kvFormat: 'fp8', maxModelTokens: 131_072, prefixCaching: true });
    const { groups } = kvStore(model('qwen3.5-35b-a3b'), settings);
    const blocks = Math.floor((5.98 * GIB) / groups.blockBytes);
    expect(Math.floor((blocks / longestSequenceBlocks(groups, settings)) * 131_072)).toBe(567_978);
  });

  test('a connector makes every layer keep every token', () => {
    const oss = model('gpt-oss-20b');
    const grouped = kvStore(oss, choice({}));
    const offloaded = kvStore(oss, choice({ offloadGB: 100 }));
    expect(grouped.groups.groups.map(({ mixer }) => mixer.kind)).toEqual(['sliding', 'full']);
    expect(offloaded.groups.groups.map(({ mixer }) => mixer.kind)).toEqual(['full']);
  });
});

describe('SGLang', () => {
  test('the default share: 0.911 on an MI355X, as a log of sgl-project/sglang#18263 has it', () => {
    const gpu = findAnyGpu('mi355x');
    if (!gpu) throw new Error('No MI355X.');
    expect(defaultUtilization('sglang', null, gpu, 1)).toBeCloseTo(0.911, 2);
  });

  test('windows have 0.8 slots for each of the full layers’, as #18039 logs them', () => {
    // MiMo-V2-Flash on four ranks: 375,360 tokens in full layers, 300,288 in windows; K 8.38 GiB and V 5.59 GiB in these.
    const mimo = model('mimo-v2-flash');
    const store = kvStore(mimo, choice({ engine: 'sglang', tensorParallel: 4, blockSize: 1 }));
    const windows = mimo.kinds.filter(({ mixer }) => mixer.kind === 'sliding');
    const windowBytes = windows.reduce((sum, kind) => {
      const { mixer, layers } = kind;
      return mixer.kind === 'sliding'
        ? sum + layers * (mixer.kvHeads / 4) * (mixer.keyDim + mixer.valueDim) * 2
        : sum;
    }, 0);
    expect((300_288 * windowBytes) / GIB).toBeCloseTo(8.38 + 5.59, 1);
    expect(375_360 * store.blockBytes).toBeCloseTo(
      375_360 * (store.perToken - windowBytes) + 300_288 * windowBytes,
      -2,
    );
  });

  test('states take 0.9 for each 1 of the tokens: 4.48 GB of states beside 5.00 GB of KV in a log of Qwen3.5 on two ranks', () => {
    const settings = choice({ engine: 'sglang', tensorParallel: 2, blockSize: 1 });
    expect(kvStore(model('qwen3.5-27b'), settings).fixedShare).toBeCloseTo(4.48 / 9.48, 2);
    expect(kvStore(model('llama-3.1-8b'), settings).fixedShare).toBe(0);
  });

  test('what runs lives in the memory that is left free, and must fit there', () => {
    const { budget, terms, totalBytes } = capacityOf(
      candidate({ engine: 'sglang', engineVersion: '0.5.6', memoryUtilization: 0.85, blockSize: 1 }),
      subject(),
    );
    const free = totalBytes - terms.runtime - terms.communication;
    expect(budget.kvBytes).toBeCloseTo(free * 0.85 - terms.weights, 0);
    expect(budget.outsideBytes).toBe(terms.activations + terms.logits + terms.graphs);
  });
});

describe('TensorRT-LLM', () => {
  test('the share is of what is free after loading', () => {
    const { budget, terms, totalBytes } = capacityOf(
      candidate({ engine: 'tensorrt-llm', engineVersion: '1.0', memoryUtilization: 0.9, blockSize: 32 }),
      subject(),
    );
    const { weights, activations, logits, runtime } = terms;
    expect(budget.kvBytes).toBeCloseTo(0.9 * (totalBytes - weights - activations - logits - runtime), 0);
  });

  test('every layer keeps every token', () => {
    const { groups, perToken } = kvStore(
      model('gpt-oss-20b'),
      choice({ engine: 'tensorrt-llm', blockSize: 32 }),
    );
    expect(groups.blockBytes).toBe(32 * perToken);
  });
});

describe('llama.cpp', () => {
  const settings = {
    engine: 'llama.cpp',
    engineVersion: 'b6500',
    tokenBudget: 2048,
    maxSequences: 4,
  } as const;

  test('its compute buffer for Llama-3-8B is 258.50 MiB, as its logs have it', () => {
    const { terms } = capacityOf(candidate(settings), subject());
    expect((terms.activations + terms.logits) / MIB).toBe(258.5);
  });

  test('q8_0 takes 34 bytes for 32 values, q4_0 18', () => {
    const sixteen = kvStore(model('llama-3.1-8b'), choice(settings)).perToken;
    expect(sixteen).toBe(131_072);
    for (const [kvFormat, bits] of [
      ['int8', 8.5],
      ['int4', 4.5],
    ] as const) {
      expect(kvStore(model('llama-3.1-8b'), choice({ ...settings, kvFormat })).perToken).toBe(
        (sixteen * bits) / 16,
      );
    }
  });

  test('windows hold their window for each sequence and a batch, from the start', () => {
    const { fixedBytes } = kvStore(model('gpt-oss-20b'), choice(settings));
    // Twelve layers of eight heads of 64, a window of 128, four sequences and a batch of 512.
    expect(fixedBytes).toBe(12 * 8 * 128 * 2 * (4 * 128 + 512));
    // One sequence: 640 cells, 768 in steps of 256, the size that its logs give for this model.
    const one = kvStore(model('gpt-oss-20b'), choice({ ...settings, maxSequences: 1 }));
    expect(one.fixedBytes).toBe(12 * 8 * 128 * 2 * 768);
  });

  test('Q4_K_M of Llama-3.1-8B is 4.92 GB', () => {
    const { terms } = capacityOf(candidate({ ...settings, weights: 'int4' }), subject());
    expect(terms.weights / 1e9).toBeCloseTo(4.92, 2);
  });

  test('of shared memory it takes what the system lets a GPU hold', () => {
    expect(defaultUtilization('llama.cpp', null, knownGpu('m2'), 1)).toBe(0.667);
    expect(defaultUtilization('llama.cpp', null, knownGpu('m3-max'), 1)).toBe(0.75);
  });

  test('it leaves 1 GiB free', () => {
    const gpu = knownGpu('rtx-4090');
    const share = defaultUtilization('llama.cpp', null, gpu, 1);
    expect((1 - share) * (gpu.serving.usableGiB ?? 0)).toBeCloseTo(1, 1);
  });
});
