/** Groups and blocks of models whose layers differ, against vLLM's numbers. */
import { describe, expect, test } from 'vitest';
import {
  groupBlocks,
  groupSizeOf,
  kvGroups,
  maxConcurrency,
  maxModelTokens,
  mostSequenceBlocks,
  prefixHitTokens,
  reportedTokens,
  sequenceBlocks,
  slidingWindowBlocksForHit,
  type KvGroup,
} from '../../../src/core/kv/hybrid.ts';
import { findArchitecture, type Architecture, type Mixer } from '../../../src/core/model/architecture.ts';
import { vectors } from '../../golden/vectors.ts';

function known(name: string): Architecture {
  const model = findArchitecture(name);
  if (!model) throw new Error(`No architecture ${name}.`);
  return model;
}

const bf16 = { format: 'bf16' } as const;
const heads = { queryHeads: 8, kvHeads: 8, keyDim: 64, valueDim: 64 };
const full: Mixer = { kind: 'full', ...heads };
const window = (windowTokens: number): Mixer => ({ kind: 'sliding', ...heads, windowTokens });

describe('vectors', () => {
  test.each(vectors('vllm/hybrid/'))('$id', ({ input, expected }) => {
    const groups = kvGroups(known('gpt-oss-20b'), bf16, Number(input['block_size']));
    expect(groups.pageBytes).toBe(input['page_bytes']);
    const poolBlocks = Math.floor(Number(input['available_bytes']) / groups.blockBytes);
    expect({
      group_size: groups.groupSize,
      num_groups: groups.groups.length,
      num_blocks: poolBlocks,
      token_capacity_reported: reportedTokens(poolBlocks, groups),
    }).toEqual(expected);
  });

  test.each(vectors('vllm/concurrency/'))('$id', ({ input, expected }) => {
    const mixer = input['window'] === null ? full : window(Number(input['window']));
    const groups = [{ mixer, layers: 1, blockSize: Number(input['block_size']) }];
    const most = Number(input['max_model_len']);
    const blocks = mostSequenceBlocks({ groups }, most, Number(input['max_num_batched_tokens'] ?? most));
    expect(maxConcurrency(Number(input['num_blocks']), blocks)).toBe(expected);
  });

  test.each(vectors('vllm/swhit/'))('$id', ({ input, expected }) => {
    expect(slidingWindowBlocksForHit(Number(input['window']), Number(input['block_size']))).toBe(expected);
  });

  test.each(vectors('vllm/prefixhit/'))('$id', ({ input, expected }) => {
    const hit = prefixHitTokens(
      Number(input['prompt_tokens']),
      Number(input['cached_prefix_tokens']),
      Number(input['block_size']),
    );
    expect(hit).toBe(expected);
  });

  test.each(vectors('vllm/fits/'))('$id', ({ input, expected }) => {
    const n = (name: string) => Number(input[name]);
    const page = n('block_size') * 2 * n('kv_heads') * n('head_dim') * n('bytes');
    const tokens = maxModelTokens(n('available_bytes'), page, n('layers'), n('block_size'), n('requested'));
    expect(tokens).toBe(expected);
  });
});

test.each([
  { layers: [32], size: 32 },
  { layers: [12, 12], size: 12 },
  // 10 < 1.5 · 8: padding the smaller type costs less than a group more.
  { layers: [8, 10], size: 10 },
  { layers: [5, 25], size: 5 },
  { layers: [16, 48], size: 16 },
])('types of $layers layers make groups of $size', ({ layers, size }) => {
  expect(groupSizeOf(layers)).toBe(size);
});

describe('blocks of one group', () => {
  const group = (mixer: Mixer, blockSize = 16): KvGroup => ({ mixer, layers: 1, blockSize });
  const chunk: Mixer = { kind: 'chunked', ...heads, chunkTokens: 64 };
  test.each([
    [group(full), 0, 0],
    [group(full), 1, 1],
    [group(full), 100, 7],
    // 500 tokens, window 128: (500 − 128 + 1)/16 = 23 leading blocks are out of sight.
    [group(window(128)), 500, 32 - 23],
    [group(window(128)), 100, 7],
    [group(chunk), 64, 4],
    [group(chunk), 65, 1],
    [group(chunk), 200, 1],
    [group(full, 0), 1, 1],
    [group(full, 0), 100_000, 1],
  ])('%j with %i tokens holds %i', (each, tokens, blocks) => {
    expect(groupBlocks(each, tokens)).toBe(blocks);
  });

  test('a sequence never holds more than was reckoned with', () => {
    for (const name of [
      'gpt-oss-20b',
      'Gemma-4-26B-A4B',
      'Llama-4-Scout',
      'Qwen3.5-27B',
      'Mistral-7B-v0.1',
    ]) {
      const groups = kvGroups(known(name), bf16, 16);
      const most = mostSequenceBlocks(groups, 20_000, 2048);
      for (let tokens = 1; tokens <= 20_000; tokens += 37) {
        expect(sequenceBlocks(groups, tokens), `${name} at ${tokens}`).toBeLessThanOrEqual(most);
      }
    }
  });
});

describe('pages are of one size', () => {
  test('a small token has larger blocks', () => {
    const { groups, groupSize, pageBytes } = kvGroups(known('Gemma-4-26B-A4B'), bf16, 16);
    expect({ groupSize, pageBytes }).toEqual({ groupSize: 5, pageBytes: 16 * 8192 });
    expect(groups.map(({ mixer, blockSize }) => `${mixer.kind} ${blockSize}`)).toEqual([
      ...Array.from({ length: 5 }, () => 'sliding 16'),
      'full 32',
    ]);
  });

  test('a page holds a whole state', () => {
    const { groups, pageBytes } = kvGroups(known('Qwen3.5-27B'), bf16, 16);
    const state = 48 * 128 * 128 * 4 + 3 * 10_240 * 2;
    const attention = groups.find(({ mixer }) => mixer.kind === 'full');
    expect(pageBytes).toBeGreaterThanOrEqual(state);
    expect(pageBytes).toBeLessThan(state + 16 * 4096);
    expect(attention?.blockSize).toBe(pageBytes / 4096);
    expect(groups.filter(({ mixer }) => mixer.kind === 'delta')).toHaveLength(3);
  });

  test('a dense model has one group of all its layers', () => {
    const { groups, groupSize, blockBytes } = kvGroups(known('Llama-3.1-8B'), bf16, 16);
    expect({ groups: groups.length, groupSize, blockBytes }).toEqual({
      groups: 1,
      groupSize: 32,
      blockBytes: 16 * 131_072,
    });
  });
});
