import { describe, expect, it } from 'vitest';
import type { BlockGroup } from '../../../src/core/kv/block-groups.ts';
import { BlockManager } from '../../../src/core/kv/block-manager.ts';
import { createRandom, type Random } from '../../../src/core/random.ts';
import { requestTable } from '../../../src/core/schedule/requests.ts';
import { Sequences } from '../../../src/core/schedule/sequences.ts';
import { VllmScheduler } from '../../../src/core/schedule/vllm.ts';
import { vectors } from '../../golden/vectors.ts';
import {
  ReferenceScheduler,
  type ReferenceGroup,
  type ReferenceRequest,
  type ReferenceSettings,
  type ReferenceStep,
} from './reference.ts';

function engine(requests: readonly ReferenceRequest[], settings: ReferenceSettings) {
  const table = requestTable(
    requests.map(({ prompt, out, priority }) => ({
      arrivalMs: 0,
      promptTokens: prompt,
      outputTokens: out,
      ...(priority === undefined ? {} : { priority }),
    })),
  );
  const { blockSize, numBlocks } = settings;
  const groups = settings.groups?.map((group): BlockGroup => {
    const { kind } = group;
    if (kind === 'window' || kind === 'chunk')
      return { keeps: { kind, tokens: group.tokens }, blockSize: group.blockSize };
    return { keeps: { kind }, blockSize: kind === 'state' ? 0 : group.blockSize };
  });
  const manager = new BlockManager({
    numBlocks,
    blockSize,
    requests: table,
    prefixCaching: false,
    ...(groups ? { groups } : {}),
  });
  const sequences = new Sequences(table, manager.tickPhases);
  const scheduler = new VllmScheduler({
    ...settings,
    manager,
    sequences,
    watermarkBlocks: 0,
    reserveFullPrompt: false,
  });
  return { manager, sequences, scheduler };
}

/** One turn, told as the reference tells it: who computed how much comes from the sequences, not from the plan. */
function turn({ manager, sequences, scheduler }: ReturnType<typeof engine>): ReferenceStep | null {
  // A row that is held back stands one lower between schedule and complete, so the count is taken before both.
  const before = new Map(scheduler.runningRows().map((row) => [row, sequences.computed(row)]));
  const plan = scheduler.schedule();
  if (!plan) return null;
  const running = scheduler.runningRows();
  const decoding = new Set(running.filter((row) => sequences.decoders.has(row)));
  const contexts = [...decoding].map((row) => (before.get(row) ?? 0) + 1);
  const { work } = plan;
  const chunks = new Map(plan.chunks.map((row, i) => [row, work.prefillTokens[i] ?? 0]));
  const preempted = [...plan.preempted];
  const outcome = scheduler.complete(plan);
  const finished = [...outcome.finished];
  manager.check();
  const scheduled: Record<string, number> = {};
  for (const row of running) {
    const chunk = chunks.get(row);
    const decoded = sequences.computed(row) - (before.get(row) ?? 0);
    if (chunk !== undefined) scheduled[row] = chunk;
    else if (decoding.has(row) && decoded > 0) scheduled[row] = decoded;
  }
  const decodes = Object.keys(scheduled).length - chunks.size;
  expect(work.decodeSequences).toBe(decodes);
  if (decodes === decoding.size) {
    expect(work.decodeContextTokens).toBe(contexts.reduce((sum, tokens) => sum + tokens, 0));
    expect(work.decodeSquaredContextTokens).toBe(contexts.reduce((sum, tokens) => sum + tokens * tokens, 0));
    expect(work.decodeMaxContextTokens).toBe(Math.max(0, ...contexts));
  }
  return { scheduled, preempted, finished, freeBlocks: manager.numFreeBlocks };
}

describe('the vectors of sched/vllm', () => {
  const cases = vectors('sched/vllm/');
  it('are four', () => expect(cases).toHaveLength(4));
  it.each(cases.map((vector) => [vector.id, vector] as const))('%s', (_id, { input, expected }) => {
    const given = input as {
      requests: ReferenceRequest[];
      token_budget: number;
      max_num_seqs: number;
      block_size: number;
      usable_blocks: number;
      long_prefill_token_threshold: number;
    };
    const settings: ReferenceSettings = {
      tokenBudget: given.token_budget,
      maxSequences: given.max_num_seqs,
      blockSize: given.block_size,
      numBlocks: given.usable_blocks,
      longPrefillTokens: given.long_prefill_token_threshold,
      priorities: 'fcfs',
    };
    const ours = engine(given.requests, settings);
    const reference = new ReferenceScheduler(settings);
    given.requests.forEach((request, row) => {
      ours.scheduler.add(row);
      reference.add(request);
    });
    const wanted = expected as (Omit<ReferenceStep, 'freeBlocks'> & { free_blocks: number; step: number })[];
    for (const { scheduled, preempted, finished, free_blocks } of wanted) {
      const step = { scheduled, preempted, finished, freeBlocks: free_blocks };
      expect(turn(ours)).toEqual(step);
      expect(reference.step()).toEqual(step);
    }
    expect(turn(ours)).toBeNull();
  });
});

/** Groups of layers that keep all, a window, a chunk or a state, with blocks of their own size. */
function drawGroups(random: Random, blockSize: number): ReferenceGroup[] {
  return Array.from({ length: 1 + random.below(3) }, (): ReferenceGroup => {
    const kind = (['all', 'window', 'window', 'chunk', 'state'] as const)[random.below(5)] ?? 'all';
    const size = blockSize * (1 + random.below(3));
    if (kind === 'all' || kind === 'state') return { kind, blockSize: size };
    return { kind, blockSize: size, tokens: 1 + random.below(40) };
  });
}

const LAYERS = {
  'all layers alike': () => undefined,
  'groups of layers': drawGroups,
} as const;

describe('random batches step as the reference does', () => {
  const kinds = (['fcfs', 'priority'] as const).flatMap((priorities) =>
    (['all layers alike', 'groups of layers'] as const).flatMap((layers) =>
      Array.from({ length: 30 }, (_, seed) => ({ priorities, layers, seed })),
    ),
  );
  it.each(kinds)('$priorities, $layers, seed $seed', ({ priorities, layers, seed }) => {
    const groupsOf = LAYERS[layers];
    const random = createRandom(seed);
    const blockSize = 1 + random.below(8);
    const groups = groupsOf(random, blockSize);
    const requests = Array.from({ length: 60 }, () => ({
      prompt: 1 + random.below(40),
      out: 1 + random.below(30),
      priority: random.below(3),
    }));
    const largest =
      (groups?.length ?? 1) *
      Math.max(...requests.map(({ prompt, out }) => Math.ceil((prompt + out) / blockSize)));
    const settings: ReferenceSettings = {
      ...(groups ? { groups } : {}),
      tokenBudget: 4 + random.below(40),
      maxSequences: 1 + random.below(24),
      blockSize,
      numBlocks: largest + random.below(4 * largest),
      longPrefillTokens: random.below(3) === 0 ? 1 + random.below(12) : 0,
      priorities,
    };
    const ours = engine(requests, settings);
    const reference = new ReferenceScheduler(settings);
    let preemptions = 0;
    for (let row = 0, done = 0; done < requests.length;) {
      for (let n = random.below(3); n > 0 && row < requests.length; n--, row++) {
        ours.scheduler.add(row);
        const request = requests[row];
        if (request) reference.add(request);
      }
      const step = turn(ours);
      expect(step).toEqual(reference.step());
      done += step?.finished.length ?? 0;
      preemptions += step?.preempted.length ?? 0;
    }
    expect(ours.manager.numFreeBlocks).toBe(settings.numBlocks);
    if (settings.numBlocks < 1.2 * largest && settings.maxSequences > 12)
      expect(preemptions).toBeGreaterThan(0);
  });
});
