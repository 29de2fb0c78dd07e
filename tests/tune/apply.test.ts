/** A plan of each executor as a scenario of KV Lab that its own door takes. */
import { expect, test } from 'vitest';
import { bestPlanOf } from '../../src/core/metrics/tune/best-plan.ts';
import type { BestPlan } from '../../src/core/run/best-plan.ts';
import { parseAnyScenario } from '../../src/core/scenario/parse.ts';
import { EXECUTOR_AXES } from '../../src/core/scenario/tune/axes.ts';
import { TUNE_EXECUTORS, type TuneExecutorName } from '../../src/core/scenario/tune/schema.ts';
import { APPLY_TARGETS, applyPlan } from '../../src/exchange/tune/apply.ts';
import { tune } from '../../src/tune/index.ts';
import { fakeExecutor, wideTuning } from './support.ts';

async function planOf(executor: TuneExecutorName): Promise<BestPlan> {
  const { models, baseline } = EXECUTOR_AXES[executor];
  const plan = bestPlanOf(
    await tune(
      wideTuning({
        executor,
        models: [...models],
        space: { maxSequences: [2, 4, 12] },
        profile: { name: 'custom', contexts: [128], outputs: [16], weights: null },
      }),
      fakeExecutor(),
    ),
  );
  if (plan === null) throw new Error('there is a winner');
  expect(plan.config.kvFormat).toBe(baseline.kvFormat);
  return plan;
}

test.each(TUNE_EXECUTORS)('%s: kvlab’s own scenario', async (executor) => {
  const { text, notes } = applyPlan(await planOf(executor), 'kvlab');
  const parsed = parseAnyScenario(text);
  expect(parsed.ok ? parsed.scenario.kind : parsed.sentence).toBe(
    { simulator: 'simulate', engine: 'serve', kernels: 'lab', endpoint: 'load' }[executor],
  );
  expect(notes).toHaveLength(executor === 'kernels' ? 1 : 0);
});

test.each(APPLY_TARGETS)('%s says what the plan has and it can not', async (target) => {
  const plan = await planOf('engine');
  const config = {
    ...plan.config,
    strategy: 'sliding-window',
    evictionTokens: 64,
    kvFormat: 'int4',
  } as const;
  const { text, notes } = applyPlan({ ...plan, config }, target);
  expect(text.length).toBeGreaterThan(20);
  if (target !== 'kvlab') expect(notes.length).toBeGreaterThan(0);
});

test('a name of a model is text in what is made of it, whatever it holds', async () => {
  const plan = { ...(await planOf('simulator')), models: ['a"; import os; os.system("x")\n#'] };
  for (const target of ['transformers', 'transformersjs'] as const) {
    const { text } = applyPlan(plan, target);
    expect(text).toContain(JSON.stringify(plan.models[0]));
  }
});
