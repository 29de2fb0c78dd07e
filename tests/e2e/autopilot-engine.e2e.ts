/** The autopilot on the browser's own GPU: the shipped model under a load, plans tried on copies, the run kept. */
import { expect, test } from 'vitest';
import { encodeScenarioLink } from '../../src/core/scenario/link.ts';
import { parseAutopilot } from '../../src/core/scenario/parse.ts';
import { useLab } from './support/lab.ts';

const lab = useLab();

test('a loaded model is steered on this GPU, with and without, and says what is booked', async () => {
  const parsed = parseAutopilot({
    ...{ version: 1, kind: 'autopilot', title: 'Four on a pool for three', backend: 'engine', controlMs: 5 },
    serving: {
      engine: { blocks: 30, maxSequences: 4, maxContextTokens: 256 },
      workload: {
        requests: 4,
        arrivals: { kind: 'closed', users: 4, thinkSeconds: 0 },
        promptTokens: { kind: 'fixed', tokens: 100 },
        outputTokens: { kind: 'fixed', tokens: 24 },
      },
    },
    policy: {
      ...{ latencyP95Ms: null, kvUseTarget: 0.6, keepRecentTokens: 16, minSequenceTokens: 16 },
      ...{ actionPriority: ['quantize'], canarySteps: [1], watchMs: 0, cooldownMs: 200 },
    },
  });
  if (!parsed.ok) throw new Error(parsed.sentence);
  const page = await lab.visit({
    hash: `#/autopilot?link=${await encodeScenarioLink(parsed.scenario, null)}`,
  });
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  const open = page.getByRole('link', { name: 'Open under Runs, compare' });
  await open.waitFor({ timeout: 60_000 });
  expect(await page.getByText('plan-1').count()).toBeGreaterThan(0);
  await open.click();
  await page.getByText('buffers that keep f32').first().waitFor();
});
