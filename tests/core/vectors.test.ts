/**
 * Every vector of bytes, blocks, weights, rooflines and communication, by the function that answers it. A vector whose
 * function has no line here fails, and so does a prefix that lost vectors.
 */
import { describe, expect, test } from 'vitest';
import * as bytes from '../../src/core/kv/bytes.ts';
import * as hybrid from '../../src/core/kv/hybrid.ts';
import { BlockPool } from '../../src/core/kv/pool.ts';
import { findArchitecture } from '../../src/core/model/architecture.ts';
import * as estimate from '../../src/core/model/estimate.ts';
import { architectureParams, expectedDistinctExperts } from '../../src/core/model/parameters.ts';
import { findModel, type ModelRecord } from '../../src/core/model/records.ts';
import * as roofline from '../../src/core/model/roofline.ts';
import { paramCount } from '../../src/core/model/weights.ts';
import * as comm from '../../src/sim/cost/comm.ts';
import { isWithin, vectors, type Vector } from '../golden/vectors.ts';

/** How many vectors each prefix has. */
const PREFIXES: Record<string, number> = {
  'kv/': 58,
  'blocks/': 9,
  'vllm/': 24,
  'page/': 4,
  'weights/': 5,
  'moe/': 5,
  'roof/': 18,
  'comm/': 6,
  'calib/': 2,
  'aic/': 4,
};

type Input = Record<string, unknown>;
type Answer = (input: Input) => unknown;

const list = (value: unknown): number[] => (Array.isArray(value) ? value.map(Number) : []);

/** A field as a number; NaN fails the comparison. */
function n(input: Input, name: string): number {
  return Number(input[name] ?? NaN);
}

function layer(input: Input): bytes.LayerKv {
  const bits = 8 * n(input, 'bytes_per_elem');
  switch (input['kind']) {
    case 'mla':
      return {
        kind: 'latent',
        latentDim: n(input, 'kv_lora_rank'),
        ropeDim: n(input, 'qk_rope_head_dim'),
        bits,
      };
    case 'mla_fp8_ds':
      return { kind: 'packed', bytes: n(input, 'bytes_per_token_layer') };
    default: {
      const keyDim = n(input, 'kind' in input && input['kind'] === 'mha_asym' ? 'k_head_dim' : 'head_dim');
      const valueDim = input['kind'] === 'mha_asym' ? n(input, 'v_head_dim') : keyDim;
      return {
        kind: 'heads',
        kvHeads: n(input, 'kv_heads'),
        keyDim,
        valueDim,
        keyBits: bits,
        valueBits: bits,
      };
    }
  }
}

function sequence(input: Input): number {
  const groups = Array.isArray(input['groups'])
    ? (input['groups'] as Record<string, number | null>[]).map((group) => ({
        layers: Number(group['layers']),
        bytesPerToken: Number(group['bytes_per_token_layer']),
        windowTokens: group['window'] ?? null,
      }))
    : [
        {
          layers: n(input, 'layers'),
          bytesPerToken: bytes.layerBytesPerToken(layer(input)),
          windowTokens: null,
        },
      ];
  return bytes.sequenceBytes(groups, n(input, 'tokens'));
}

function page(input: Input): number {
  const dim = n(input, 'head_dim');
  const stored: Record<string, number> = {
    ...bytes.FORMAT_BITS,
    fp16: 16,
    per_token_head_8: bytes.perTokenHeadBits(dim),
  };
  const bits = stored[String(input['format'])] ?? NaN;
  const kv = { kvHeads: n(input, 'kv_heads'), keyDim: dim, valueDim: dim, keyBits: bits, valueBits: bits };
  return bytes.pageBytes({ kind: 'heads', ...kv }, n(input, 'block_size'));
}

function concurrency(input: Input): number {
  const heads = { queryHeads: 1, kvHeads: 1, keyDim: 64, valueDim: 64 };
  const windowTokens = input['window'] as number | null;
  const mixer =
    windowTokens === null
      ? ({ kind: 'full', ...heads } as const)
      : ({ kind: 'sliding', ...heads, windowTokens } as const);
  const most = n(input, 'max_model_len');
  const groups = [{ mixer, layers: 1, blockSize: n(input, 'block_size') }];
  const blocks = hybrid.mostSequenceBlocks({ groups }, most, Number(input['max_num_batched_tokens'] ?? most));
  return hybrid.maxConcurrency(n(input, 'num_blocks'), blocks);
}

function hybridConfig(input: Input): unknown {
  const model = findArchitecture('gpt-oss-20b');
  if (!model) throw new Error('No gpt-oss-20b.');
  const [sliding, full] = model.kinds;
  expect([full?.layers, sliding?.layers]).toEqual([input['full_layers'], input['sw_layers']]);
  const groups = hybrid.kvGroups(model, { format: 'bf16' }, n(input, 'block_size'));
  expect(groups.pageBytes).toBe(input['page_bytes']);
  const blocks = Math.floor(n(input, 'available_bytes') / groups.blockBytes);
  return {
    group_size: groups.groupSize,
    num_groups: groups.groups.length,
    num_blocks: blocks,
    token_capacity_reported: hybrid.reportedTokens(blocks, groups),
  };
}

function freeQueue(input: Input): unknown {
  const order = list(input['free_queue_head_to_tail']);
  const pool = new BlockPool(order.length);
  const blocks = order.map(() => pool.take());
  for (const id of order) for (const block of blocks) if (block === id) pool.release(block);
  const hits = list(input['hit_blocks']);
  for (const block of blocks) if (hits.includes(block)) pool.touch(block);
  const touched = [...pool.freeBlocks()];
  const needed = bytes.blocksForTokens(n(input, 'request_tokens'), n(input, 'block_size')) - hits.length;
  const fresh = Array.from({ length: needed }, () => pool.take());
  return {
    free_queue_after_touch: touched,
    new_blocks: fresh,
    free_queue_after_alloc: [...pool.freeBlocks()],
  };
}

function llama(): ModelRecord {
  const model = findModel('Llama-3.1-8B');
  if (!model) throw new Error('No Llama-3.1-8B.');
  return model;
}

/** A dense model with the vector's shape. */
function dense(input: Input): ModelRecord {
  expect(input['head_dim']).toBe(128);
  return {
    ...llama(),
    hidden: n(input, 'hidden'),
    intermediate: n(input, 'inter'),
    layers: n(input, 'layers'),
    queryHeads: n(input, 'heads'),
    kvHeads: n(input, 'kv_heads'),
    vocab: n(input, 'vocab'),
    tiedEmbeddings: input['tied'] === true,
    qkNorm: input['qk_norm'] === true,
  };
}

function mixture(input: Input): unknown {
  const dim = n(input, 'head_dim');
  const heads = { queryHeads: n(input, 'heads'), kvHeads: n(input, 'kv_heads'), keyDim: dim, valueDim: dim };
  const { total, active } = architectureParams({
    id: 'mixture',
    name: 'mixture',
    hidden: n(input, 'hidden'),
    vocab: n(input, 'vocab'),
    maxPositionTokens: 1,
    tiedEmbeddings: false,
    qkNorm: input['qk_norm'] === true,
    kinds: [
      {
        layers: n(input, 'layers'),
        mixer: { kind: 'full', ...heads },
        mlp: {
          kind: 'experts',
          experts: n(input, 'experts'),
          activeExperts: n(input, 'top_k'),
          intermediate: n(input, 'expert_inter'),
          sharedIntermediate: 0,
        },
      },
    ],
    source: 'the vector',
  });
  return { total, active };
}

function rates(input: Input): roofline.DeviceRates {
  const gpu = input['gpu'] as Input | undefined;
  return {
    flopsPerSecond: Number(gpu?.['flops'] ?? input['flops'] ?? input['peak_flops']),
    bytesPerSecond: Number(gpu?.['bw'] ?? input['bw']),
  };
}

/** The vectors' names for our fields. */
function named(roof: roofline.Roofline): unknown {
  return {
    flops: roof.flops,
    bytes: roof.bytes,
    t_compute_s: roof.computeSeconds,
    t_memory_s: roof.memorySeconds,
    step_max_s: roof.maxSeconds,
    step_sum_s: roof.sumSeconds,
    intensity: roof.flops / roof.bytes,
    bound: roof.bound,
  };
}

const ANSWERS: Record<string, Answer> = {
  kvBytesPerToken: (input) => bytes.layerBytesPerToken(layer(input)) * n(input, 'layers'),
  kvBytesPerSequence: sequence,
  pageBytes: page,
  blocksForTokens: (input) => ({
    blocks: bytes.blocksForTokens(n(input, 'tokens'), n(input, 'block_size')),
    waste_slots: bytes.tailWasteSlots(n(input, 'tokens'), n(input, 'block_size')),
  }),
  expectedTailWaste: (input) => bytes.expectedTailWaste(n(input, 'block_size')),
  numGpuBlocks: (input) =>
    bytes.numBlocks(n(input, 'available_bytes'), n(input, 'page_bytes'), n(input, 'layers')),
  maxModelLen: (input) => {
    const pageSize =
      2 * n(input, 'kv_heads') * n(input, 'head_dim') * n(input, 'bytes') * n(input, 'block_size');
    return hybrid.maxModelTokens(
      n(input, 'available_bytes'),
      pageSize,
      n(input, 'layers'),
      n(input, 'block_size'),
      n(input, 'requested'),
    );
  },
  maxConcurrency: concurrency,
  slidingWindowMaxBlocks: (input) =>
    bytes.slidingWindowMaxBlocks(
      n(input, 'window'),
      n(input, 'max_num_batched_tokens'),
      n(input, 'max_model_len'),
      n(input, 'block_size'),
    ),
  hybridKvConfig: hybridConfig,
  slidingWindowContiguousBlocksForHit: (input) =>
    hybrid.slidingWindowBlocksForHit(n(input, 'window'), n(input, 'block_size')),
  slidingWindowFreeableLeadingBlocks: (input) =>
    bytes.slidingWindowFreeableBlocks(
      n(input, 'computed_tokens'),
      n(input, 'window'),
      n(input, 'block_size'),
    ),
  prefixHitTokens: (input) =>
    hybrid.prefixHitTokens(
      n(input, 'prompt_tokens'),
      n(input, 'cached_prefix_tokens'),
      n(input, 'block_size'),
    ),
  freeQueueAndAllocate: freeQueue,
  paramCount: (input) => {
    const { layerMatmul, total } = paramCount(dense(input));
    return { layer_matmul: layerMatmul, total };
  },
  moeParamCount: mixture,
  expectedDistinctExperts: (input) =>
    expectedDistinctExperts(n(input, 'experts'), n(input, 'top_k'), n(input, 'tokens')),
  ridgePoint: (input) => roofline.ridgePoint(rates(input)),
  decodeFlops: (input) => roofline.decodeFlops(llama(), n(input, 'batch'), n(input, 'context')),
  prefillFlops: (input) => roofline.prefillFlops(llama(), n(input, 'tokens')),
  decodeStepRoofline: (input) =>
    named(
      roofline.decodeStepRoofline(llama(), rates(input), {
        batch: n(input, 'batch'),
        context: n(input, 'context'),
        bytesPerElement: n(input, 'bytes_per_elem'),
      }),
    ),
  prefillRoofline: (input) => named(roofline.prefillRoofline(llama(), rates(input), n(input, 'tokens'))),
  criticalBatch: (input) => roofline.criticalBatch(rates(input), n(input, 'bytes_per_weight')),
  mfuMbu: (input) =>
    roofline.utilization(
      { flops: n(input, 'flops'), bytes: n(input, 'bytes'), seconds: n(input, 'time_s') },
      { flopsPerSecond: n(input, 'peak_flops'), bytesPerSecond: n(input, 'peak_bw') },
    ),
  decodeAttentionIntensity: (input) =>
    roofline.decodeAttentionIntensity(n(input, 'group_size'), n(input, 'bytes_per_elem')),
  decodeTokensPerSecond: (input) =>
    roofline.decodeTokensPerSecond({
      weightBytes: n(input, 'weight_bytes'),
      kvBytesPerToken: n(input, 'kv_bytes_per_token'),
      context: n(input, 'context'),
      bytesPerSecond: n(input, 'effective_bw'),
      batch: n(input, 'batch'),
    }),
  allReduceTime: (input) =>
    comm.allReduceSeconds(n(input, 'bytes'), n(input, 'ranks'), {
      latencySeconds: n(input, 'alpha_s'),
      busBytesPerSecond: n(input, 'bus_bw'),
    }),
  ringAllReduceBytesPerRank: (input) => comm.ringAllReduceBytesPerRank(n(input, 'bytes'), n(input, 'ranks')),
  tpAllReducesPerStep: (input) => comm.tpAllReducesPerStep(n(input, 'layers'), n(input, 'tp')),
  contextSteps: (input) => estimate.contextSteps(n(input, 'isl'), n(input, 'batch'), n(input, 'ctx_tokens')),
  ttftQueueFactor: (input) => estimate.ttftQueueFactor(n(input, 'steps')),
  memoryOpTime: (input) => estimate.memoryOpSeconds(n(input, 'bytes'), n(input, 'bw')),
  littleThroughput: (input) =>
    estimate.littleTokensPerSecond({
      batch: n(input, 'batch'),
      outputTokens: n(input, 'osl'),
      ttftSeconds: n(input, 'ttft_s'),
      tpotSeconds: n(input, 'tpot_s'),
    }),
};

/** Every number of `expected` is in `actual`, within the tolerance; what else `actual` has does not matter. */
function expectAll(actual: unknown, expected: unknown, tol: number, where: string): void {
  if (typeof expected === 'object' && expected !== null) {
    for (const [name, value] of Object.entries(expected))
      expectAll((actual as Record<string, unknown>)[name], value, tol, `${where}.${name}`);
    return;
  }
  expect(isWithin(actual, expected, tol), `${where} is ${String(actual)}, not ${String(expected)}`).toBe(
    true,
  );
}

describe.each(Object.entries(PREFIXES))('%s', (prefix, count) => {
  const found: Vector[] = vectors(prefix);

  test(`has ${count} vectors`, () => {
    expect(found).toHaveLength(count);
  });

  test.each(found)('$id', ({ fn, input, expected, tol }) => {
    const answer = ANSWERS[fn];
    if (!answer) throw new Error(`${fn} has no line in the table.`);
    expectAll(answer(input), expected, tol, fn);
  });
});
