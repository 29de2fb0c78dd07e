/** The autopilot: a cache steered live, the plan that waits, the stop, the policy as sliders and text, acts by hand, scores. */
import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { DEFAULT_AUTOPILOT } from '../../src/core/scenario/autopilot/defaults.ts';
import type { AutopilotScenario } from '../../src/core/scenario/autopilot/schema.ts';
import { encodeScenarioLink } from '../../src/core/scenario/link.ts';
import { parseAutopilot } from '../../src/core/scenario/parse.ts';
import { findings } from './support/axe.ts';
import { useLab } from './support/lab.ts';

const lab = useLab();

/** Fills a small pool within seconds of its clock, and less of ours. */
function filling(own: object = {}): AutopilotScenario {
  const parsed = parseAutopilot({
    version: 1,
    kind: 'autopilot',
    title: 'A small pool that fills',
    simulation: {
      hardware: { kvBlocks: 1200 },
      workload: {
        requests: 60,
        arrivals: { kind: 'constant', rate: 8 },
        promptTokens: { kind: 'fixed', tokens: 1024 },
        outputTokens: { kind: 'fixed', tokens: 200 },
      },
    },
    policy: { kvUseTarget: 0.6, keepRecentTokens: 128, watchMs: 200, cooldownMs: 200, latencyP95Ms: null },
    controlMs: 100,
    ...own,
  });
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.scenario;
}

async function linked(scenario: AutopilotScenario): Promise<string> {
  return `#/autopilot?link=${await encodeScenarioLink(scenario, null)}`;
}

const start = (page: Page) => page.getByRole('button', { name: 'Start', exact: true });
const tile = (page: Page, label: string) =>
  page
    .getByLabel('The autopilot’s run')
    .locator('dl.numbers > div')
    .filter({ has: page.getByRole('button', { name: label, exact: true }) })
    .locator('.value');

const unfold = (page: Page, title: string) =>
  page.locator('summary', { has: page.getByRole('heading', { name: title, exact: true }) }).click();

test('a link opens the room; a run with and without is told live, kept, and found under Runs', async () => {
  const page = await lab.visit({ hash: await linked(filling()) });
  await page.getByText('This autopilot came with a link: A small pool that fills.').waitFor();
  await start(page).click();
  const open = page.getByRole('link', { name: 'Open under Runs, compare' });
  await open.waitFor();
  for (const label of ['KV use', 'p95 latency', 'p95 TTFT', 'Lower tiers', 'Sequences', 'Capability']) {
    expect(await tile(page, label).textContent()).not.toBe('none yet');
  }
  expect(await page.getByText(/without the autopilot .* with \d/).count()).toBe(1);
  await page
    .getByRole('figure', { name: /KV use over time/ })
    .first()
    .waitFor();
  await page
    .getByRole('heading', { name: 'plan-1', exact: true })
    .or(page.getByText('Show all'))
    .first()
    .waitFor();
  await unfold(page, 'Log');
  await page.getByRole('region', { name: 'Audit log' }).getByRole('row').nth(1).waitFor();
  await page.getByRole('button', { name: 'Replay the log' }).click();
  await page.getByText(/^(\S+) of \1 states came out again/).waitFor();
  await open.click();
  await page.getByRole('heading', { level: 1, name: 'A small pool that fills' }).waitFor();
  await page.getByRole('button', { name: 'Open in the autopilot' }).click();
  await page.getByRole('heading', { level: 1, name: 'Autopilot' }).waitFor();
  await tile(page, 'KV use').waitFor();
});

test('a plan waits to be let go; a stop while the next one waits touches nothing more, and the cache serves on', async () => {
  const page = await lab.visit({ hash: await linked(filling({ compare: false })) });
  await page.getByText('came with a link').waitFor();
  await page.getByLabel('Ask before each plan').check();
  await start(page).click();
  const waiting = page.getByLabel('The plan that waits');
  await waiting.getByRole('heading', { name: 'plan-1', exact: true }).waitFor();
  expect(await waiting.getByRole('row').count()).toBeGreaterThan(1);
  await waiting.getByRole('button', { name: 'Go on with it' }).click();
  await waiting.getByRole('heading', { name: 'plan-2', exact: true }).waitFor();
  await waiting.getByRole('button', { name: 'Stop the autopilot' }).click();
  await page.getByRole('link', { name: 'Open under Runs, compare' }).waitFor();
  const plans = page.getByLabel('The autopilot’s run').locator('ol.plans > li');
  expect(await plans.count()).toBe(2);
  expect(await plans.first().locator('.status').textContent()).toBe('stopped');
  expect(await page.getByLabel('The autopilot’s run').locator('header .cut').count()).toBe(0);
});

test('at the pace of life it is slow enough to be stopped and cancelled', async () => {
  const page = await lab.visit({ hash: await linked(filling()) });
  await page.getByText('came with a link').waitFor();
  await page.getByRole('button', { name: 'as in life' }).click();
  await start(page).click();
  await page.getByText(/^Steered: /).waitFor();
  await page.getByRole('button', { name: 'Stop the autopilot' }).click();
  await page.getByText('Stopped: what was begun is taken back').waitFor();
  await page.getByRole('button', { name: 'Cancel the run' }).click();
  await start(page).and(page.locator(':enabled')).waitFor();
  await page.getByLabel('The autopilot’s run').locator('header .cut').waitFor();
});

test('sliders and text are one policy; what does not read stands in the way and says why', async () => {
  const page = await lab.visit({ hash: await linked(DEFAULT_AUTOPILOT) });
  const text = page.getByLabel('The policy as YAML or JSON');
  await page.getByLabel('KV use to hold', { exact: true }).fill('70');
  await page.getByLabel('KV use to hold', { exact: true }).blur();
  await expect.poll(() => text.inputValue()).toContain('kvUseTarget: 0.7');
  await text.fill('kv_use_target: 0.6\ntiers: [HBM, DDR]\n');
  await expect.poll(() => page.getByLabel('KV use to hold', { exact: true }).inputValue()).toBe('60');
  await text.fill('kvUseTarget: lots');
  await page.getByRole('alert').first().waitFor();
  expect(await start(page).isDisabled()).toBe(true);
  await page.getByLabel('Begin with').selectOption('lossless');
  await expect.poll(() => text.inputValue()).toContain('maxQualityDelta: 0');
  expect(await start(page).isEnabled()).toBe(true);
});

test('acts by hand: done, refused in words, taken back', async () => {
  const page = await lab.visit({ hash: '#/autopilot/hand' });
  const act = async (kind: string, fields: Readonly<Record<string, string>>): Promise<void> => {
    await page.getByLabel('Act', { exact: true }).and(page.locator('select')).selectOption(kind);
    for (const [label, value] of Object.entries(fields)) {
      const field = page.locator('form').getByLabel(label, { exact: true });
      if (label === 'Format' || label === 'Tier') await field.selectOption(value);
      else await field.fill(value);
    }
    await page.getByRole('button', { name: 'Do it' }).click();
  };
  await act('submit', { Sequence: 'a', Tokens: '40000' });
  await page
    .getByRole('region', { name: 'Sequences' })
    .getByRole('button', { name: 'a', exact: true })
    .waitFor();
  await act('quantize', { 'From token': '0', 'To token': '16000', Format: 'int8' });
  await page.getByText('int8 40').waitFor();
  await act('evict', { Sequence: 'nobody', 'From token': '0', 'To token': '16' });
  await page.getByText('refused').waitFor();
  expect(await page.getByLabel('The script').inputValue()).toContain('format: int8');
  await page.getByRole('button', { name: 'Take the last line back' }).click();
  await expect.poll(() => page.getByText('refused').count()).toBe(0);
});

test('a score of one’s own stands among the policies, and goes into the policy', async () => {
  const page = await lab.visit({ hash: '#/autopilot/score' });
  await page.getByLabel('Accesses of').selectOption('ten-blocks');
  await page.getByLabel('Score', { exact: true }).fill('age / frequency');
  const table = page.getByRole('region', { name: 'Score and policies' });
  await table.getByText('age / frequency').waitFor();
  await page.getByLabel('Score', { exact: true }).fill('agge');
  await page.getByRole('alert').filter({ hasText: 'agge is not known' }).waitFor();
  await page.getByLabel('Score', { exact: true }).fill('age / frequency');
  await page.getByRole('button', { name: 'Evict by it in the policy' }).click();
  await page.getByRole('link', { name: 'Steer', exact: true }).click();
  await expect
    .poll(() => page.getByLabel('The policy as YAML or JSON').inputValue())
    .toContain('eviction: age / frequency');
});

test.each([
  { scheme: 'light', width: 1440 },
  { scheme: 'dark', width: 390 },
] as const)('$scheme at $width px: nothing is cut off, and axe finds nothing', async ({ scheme, width }) => {
  const page = await lab.visit({ hash: await linked(filling({ compare: false })), scheme, width });
  await page.getByText('came with a link').waitFor();
  await start(page).click();
  await page.getByRole('link', { name: 'Open under Runs, compare' }).waitFor();
  await unfold(page, 'Policy');
  await unfold(page, 'Every input');
  for (const view of ['Steer', 'By hand', 'Eviction score']) {
    await page.getByRole('link', { name: view, exact: true }).click();
    await page.waitForTimeout(300);
    expect(
      await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth),
    ).toBeLessThanOrEqual(0);
    expect(await findings(page)).toEqual([]);
  }
});
