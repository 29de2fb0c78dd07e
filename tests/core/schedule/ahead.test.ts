/**
 * Scheduling a step ahead, against vLLM's async scheduler written out: computed tokens and placeholders of output move
 * when a step is planned, tokens come when it is completed. (vllm/v1/core/sched/async_scheduler.py@014b235)
 */
import { describe, expect, it } from 'vitest';
import { BlockManager } from '../../../src/core/kv/block-manager.ts';
import { createRandom } from '../../../src/core/random.ts';
import { requestTable } from '../../../src/core/schedule/requests.ts';
import type { StepPlan } from '../../../src/core/schedule/scheduler.ts';
import { Sequences } from '../../../src/core/schedule/sequences.ts';
import { VllmScheduler } from '../../../src/core/schedule/vllm.ts';

interface Given {
  readonly prompt: number;
  readonly out: number;
}

interface Settings {
  readonly tokenBudget: number;
  readonly maxSequences: number;
  readonly blockSize: number;
  readonly numBlocks: number;
}

interface State extends Given {
  readonly id: number;
  computed: number;
  tokens: number;
  /** Output tokens that are computed or being computed and not there yet. */
  placeholders: number;
  blocks: number;
}

/** What a step does, request by request. */
interface Step {
  readonly tokens: Map<State, number>;
  readonly samples: State[];
  readonly preempted: State[];
}

/** vLLM's schedule and update, one request after the other. */
class AsyncReference {
  waiting: State[] = [];
  running: State[] = [];
  free: number;
  #settings: Settings;
  #ids = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.free = settings.numBlocks;
  }

  add({ prompt, out }: Given): void {
    this.waiting.push({
      id: this.#ids++,
      prompt,
      out,
      computed: 0,
      tokens: prompt,
      placeholders: 0,
      blocks: 0,
    });
  }

  schedule(): Step | null {
    const { tokenBudget, maxSequences } = this.#settings;
    const step: Step = { tokens: new Map(), samples: [], preempted: [] };
    let budget = tokenBudget;
    for (let at = 0; at < this.running.length && budget > 0; at++) {
      const state = this.running[at];
      if (!state) break;
      const { computed, placeholders } = state;
      if (placeholders > 0 && computed + 2 - placeholders >= state.prompt + state.out) continue;
      const tokens = Math.min(state.tokens + placeholders - computed, budget);
      if (tokens === 0) continue;
      while (!this.#allocate(state, computed + tokens)) {
        const victim = this.running.pop();
        if (!victim) break;
        this.#preempt(victim, step);
        if (victim === state) break;
      }
      if (step.preempted.includes(state)) break;
      step.tokens.set(state, tokens);
      budget -= tokens;
    }
    while (step.preempted.length === 0 && budget > 0 && this.running.length < maxSequences) {
      const state = this.waiting[0];
      if (!state) break;
      const tokens = Math.min(state.tokens, budget);
      if (!this.#allocate(state, tokens)) break;
      this.waiting.shift();
      this.running.push(state);
      step.tokens.set(state, tokens);
      budget -= tokens;
    }
    for (const [state, tokens] of step.tokens) {
      state.computed += tokens;
      if (state.computed < state.tokens + state.placeholders) continue;
      state.placeholders++;
      step.samples.push(state);
    }
    return step.tokens.size > 0 ? step : null;
  }

  update({ samples }: Step): State[] {
    const finished: State[] = [];
    for (const state of samples) {
      state.tokens++;
      state.placeholders--;
      if (state.tokens < state.prompt + state.out) continue;
      finished.push(state);
      this.free += state.blocks;
      state.blocks = 0;
      this.running = this.running.filter((other) => other !== state);
      this.waiting = this.waiting.filter((other) => other !== state);
    }
    return finished;
  }

  #allocate(state: State, tokens: number): boolean {
    const missing = Math.ceil(tokens / this.#settings.blockSize) - state.blocks;
    if (missing > this.free) return false;
    this.free -= missing;
    state.blocks += missing;
    return true;
  }

  #preempt(state: State, step: Step): void {
    this.free += state.blocks;
    state.blocks = 0;
    state.computed = 0;
    this.waiting.unshift(state);
    step.preempted.push(state);
  }
}

function schedulerOf(given: readonly Given[], settings: Settings) {
  const requests = requestTable(
    given.map(({ prompt, out }) => ({ arrivalMs: 0, promptTokens: prompt, outputTokens: out })),
  );
  const { blockSize, numBlocks } = settings;
  const manager = new BlockManager({ numBlocks, blockSize, requests, prefixCaching: false });
  const scheduler = new VllmScheduler({
    ...settings,
    manager,
    sequences: new Sequences(requests, blockSize),
    longPrefillTokens: 0,
    priorities: 'fcfs',
    watermarkBlocks: 0,
    reserveFullPrompt: false,
    ahead: true,
  });
  return { manager, scheduler };
}

/** The sums of a step as the plan has them. */
function sumsOf(step: Step) {
  return {
    tokens: [...step.tokens.values()].reduce((sum, tokens) => sum + tokens, 0),
    samples: step.samples.length,
    preempted: step.preempted.map(({ id }) => id),
  };
}

function sumsOfPlan({ work, preempted }: StepPlan) {
  const chunks = work.prefillTokens.slice(0, work.prefillCount).reduce((sum, tokens) => sum + tokens, 0);
  return { tokens: chunks + work.decodeSequences, samples: work.sampledSequences, preempted: [...preempted] };
}

describe('a step ahead', () => {
  it('keeps the blocks and the place of a request that ends until the step is completed', () => {
    const settings = { tokenBudget: 64, maxSequences: 1, blockSize: 4, numBlocks: 8 };
    const { manager, scheduler } = schedulerOf(
      [
        { prompt: 6, out: 1 },
        { prompt: 6, out: 2 },
      ],
      settings,
    );
    scheduler.add(0);
    scheduler.add(1);
    const first = scheduler.schedule();
    expect(first?.chunks).toEqual([0]);
    expect(scheduler.schedule()).toBeNull();
    expect([scheduler.numRunning, manager.numFreeBlocks]).toEqual([1, 6]);
    if (first) expect(scheduler.complete(first).finished).toEqual([0]);
    expect([scheduler.numRunning, manager.numFreeBlocks]).toEqual([0, 8]);
    const second = scheduler.schedule();
    expect(second?.chunks).toEqual([1]);
    // Its second token is planned before its first one is there.
    const third = scheduler.schedule();
    expect(third?.work.decodeSequences).toBe(1);
    if (second) expect(scheduler.complete(second)).toEqual({ prefilled: [1], finished: [] });
    if (third) expect(scheduler.complete(third)).toEqual({ prefilled: [], finished: [1] });
    expect(scheduler.schedule()).toBeNull();
  });

  it.each(Array.from({ length: 60 }, (_, seed) => seed))('steps as vLLM does, seed %i', (seed) => {
    const random = createRandom(seed);
    const blockSize = 1 + random.below(8);
    const given = Array.from({ length: 50 }, () => ({
      prompt: 1 + random.below(40),
      out: 1 + random.below(30),
    }));
    const largest = Math.max(...given.map(({ prompt, out }) => Math.ceil((prompt + out) / blockSize)));
    const settings = {
      tokenBudget: 4 + random.below(40),
      maxSequences: 1 + random.below(24),
      blockSize,
      numBlocks: largest + random.below(3 * largest),
    };
    const reference = new AsyncReference(settings);
    const { manager, scheduler } = schedulerOf(given, settings);
    const underWay: { step: Step; plan: StepPlan }[] = [];
    let added = 0;
    let done = 0;
    for (let turn = 0; done < given.length; turn++) {
      expect(turn).toBeLessThan(20_000);
      while (added < given.length && random.below(10) < 3) {
        const request = given[added];
        if (request) reference.add(request);
        scheduler.add(added++);
      }
      const step = reference.schedule();
      const plan = scheduler.schedule();
      expect(plan === null).toBe(step === null);
      if (step && plan) {
        expect(sumsOfPlan(plan)).toEqual(sumsOf(step));
        underWay.push({ step, plan });
        if (underWay.length < 2) continue;
      }
      const oldest = underWay.shift();
      if (oldest) {
        const finished = reference.update(oldest.step).map(({ id }) => id);
        expect([...scheduler.complete(oldest.plan).finished].sort((a, b) => a - b)).toEqual(
          finished.sort((a, b) => a - b),
        );
        done += finished.length;
      }
      manager.check();
      expect(manager.numFreeBlocks).toBe(reference.free);
      expect(scheduler.numRunning).toBe(reference.running.length);
    }
    expect(manager.numFreeBlocks).toBe(settings.numBlocks);
  });
});
