/** The search: goals are followed, limits are kept, the front is a front. */
import { expect, test } from 'vitest';
import type { PlanRow } from '../../src/core/run/plan.ts';
import { chosenRow, fleetOf, searchPlans, searchTask } from '../../src/plan/index.ts';
import { paretoFront, type Merits } from '../../src/plan/goal.ts';
import { createRandom } from '../../src/core/random.ts';
import { plan } from './support.ts';

/** Three kinds of GPU keep these tests quick. */

const GPUS = ['h100-sxm', 'a100-80-sxm', 'l40s', 'rtx-4090', 'l4'];

function search(layer: object = {}, gpus: readonly string[] | null = GPUS) {
  return searchPlans(plan({ hardware: { gpu: null }, load: { rate: 5 }, constraints: { gpus }, ...layer }));
}

function all(run: ReturnType<typeof search>): PlanRow[] {
  const chosen = chosenRow(run);
  return chosen === null ? run.rows : [chosen, ...run.rows];
}

test.each([
  { goal: 'cost', value: (row: PlanRow) => row.costPerMillionOutputTokens },
  { goal: 'energy', value: (row: PlanRow) => row.joulesPerOutputToken },
  { goal: 'latency', value: (row: PlanRow) => (row.ttftMs ?? 0) + 511 * (row.tpotMs ?? 0) },
])('the goal $goal is followed: nothing that works is better in it', ({ goal, value }) => {
  const run = search({ goal: { kind: goal } });
  const rows = all(run).filter(({ feasible }) => feasible);
  const best = Math.min(...rows.map((row) => value(row) ?? Infinity));
  const [first] = rows;
  expect(first && value(first)).toBeLessThanOrEqual(best * 1.001);
});

test('limits are kept by every row that is called feasible, and broken ones say which', () => {
  const run = search({ constraints: { gpus: GPUS, ttftMs: 800, tpotMs: 25, costPerHour: 20 } });
  for (const row of all(run)) {
    if (row.feasible) {
      expect(row.ttftMs ?? 0).toBeLessThanOrEqual(800);
      expect(row.tpotMs ?? 0).toBeLessThanOrEqual(25);
      expect(row.costPerHour ?? 0).toBeLessThanOrEqual(20);
    } else expect(row.reason).toBeTruthy();
  }
});

test('nothing that works is a sentence, not a plan', () => {
  const run = search({ constraints: { gpus: ['l4'], tpotMs: 0.5 } });
  expect(run.feasible).toBe(false);
  expect(run.deployment).toBeNull();
  expect(run.reason).toMatch(/None of \d+ settings serves this load/);
});

test('a fleet has one row a GPU, those that can’t last', () => {
  const fleet = fleetOf(search({ model: 'llama-3.1-70b', constraints: { gpus: [...GPUS, 'm2'] } }));
  expect(fleet.map(({ choice }) => choice.gpu).sort()).toEqual([...GPUS, 'm2'].sort());
  const worked = fleet.map(({ feasible }) => feasible);
  expect(worked).toEqual([...worked].sort((a, b) => Number(b) - Number(a)));
  expect(fleet.at(-1)).toMatchObject({ feasible: false, choice: { gpu: 'm2' } });
});

test('what is given is not searched', () => {
  const run = search({
    hardware: { gpu: null, tensorParallel: 2 },
    engine: { weights: 'bf16', kvFormat: 'bf16', tokenBudget: 4096, maxSequences: 128 },
  });
  for (const { choice } of all(run)) {
    expect(choice).toMatchObject({ tensorParallel: 2, weights: 'bf16', kvFormat: 'bf16' });
    if (choice.gpu === 'h100-sxm') expect(choice).toMatchObject({ tokenBudget: 4096, maxSequences: 128 });
  }
});

test('a search that is told to stop keeps what it has and says so', () => {
  const task = searchTask(plan({ hardware: { gpu: null }, constraints: { gpus: GPUS } }));
  task.next();
  const turn = task.next('stop');
  expect(turn.done && turn.value).toMatchObject({ complete: false });
});

test('the front is what nobody matches in all and beats in one: against the definition', () => {
  const random = createRandom(7);
  for (let round = 0; round < 20; round++) {
    const few = (): number => random.below(4);
    const points: Merits[] = Array.from({ length: 40 }, () => ({
      cost: few(),
      latency: few(),
      throughput: few(),
      quality: few(),
      energy: null,
    }));
    const axes = points.map((p) => [p.cost ?? 0, p.latency, p.throughput, p.quality ?? 0]);
    const beats = (a: number[], b: number[]) =>
      a.every((x, i) => x <= (b[i] ?? 0)) && a.some((x, i) => x < (b[i] ?? 0));
    const expected = axes.map((mine) => !axes.some((other) => beats(other, mine)));
    expect(paretoFront(points)).toEqual(expected);
  }
});

test('the choice is explained in five sentences whose numbers hold', () => {
  const run = search({ goal: { kind: 'cost' }, constraints: { gpus: GPUS, ttftMs: 2000 } });
  expect(run.explanation).toHaveLength(5);
  const [what, against, tight, change, dropped] = run.explanation;
  expect(what).toContain(run.deployment?.choice.gpuName);
  expect(against).toMatch(/^The runner-up is /);
  expect(tight).toMatch(/tightest limit is TTFT p99, \d+ % of it used/);
  expect(dropped).toContain(`${run.searched.infeasible} of the ${run.searched.candidates}`);
  // The price named as the turning point is one: a little above it, another GPU wins.
  const named = /above \$([\d.]+) a GPU and hour/.exec(change ?? '')?.[1];
  const chosen = run.deployment?.choice.gpu;
  const dearest = Math.max(...run.rows.map((row) => row.costPerMillionOutputTokens ?? 0));
  expect(Number(named)).toBeGreaterThan(run.deployment?.cost?.perGpuHour ?? Infinity);
  expect(dearest).toBeGreaterThan(run.deployment?.cost?.perMillionOutputTokens ?? Infinity);
  expect(chosen).toBeTruthy();
});

test('prompts share a step’s budget with decodes: no more in flight than it feeds', () => {
  const at = (tokenBudget: number) =>
    search({ engine: { tokenBudget }, load: { outputTokens: { kind: 'fixed', tokens: 256 } } }, ['h100-sxm'])
      .deployment?.speed?.batch ?? 0;
  // 2,048 tokens of prompt over 256 steps are 8 a step beside the decode's own.
  expect(at(512)).toBeLessThanOrEqual(512 / 9);
  expect(at(8192)).toBeGreaterThan(at(512));
});

test('the explanation has the figures of the answer, which are the simulated ones', () => {
  const scenario = plan({
    hardware: { gpu: null },
    constraints: { gpus: GPUS },
    goal: { kind: 'cost' },
    load: { rate: 8 },
  });
  const { deployment, explanation } = searchPlans(scenario, { simulate: true });
  const ttft = deployment?.speed?.ttftMs ?? 0;
  expect(explanation[0]).toContain(`TTFT ${ttft < 10 ? ttft.toFixed(1) : ttft.toFixed(0)} ms`);
  expect(explanation[1]).not.toContain('; it is ahead');
});
