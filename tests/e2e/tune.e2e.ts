/** The tuner: from a link to a winner in the simulator, live, cancelled and gone on with after a reload, kept under Runs. */
import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { encodeScenarioLink } from '../../src/core/scenario/link.ts';
import { parseTuning } from '../../src/core/scenario/parse.ts';
import { findings } from './support/axe.ts';
import { useLab } from './support/lab.ts';

const lab = useLab();

const SMALL = {
  version: 1,
  kind: 'tune',
  title: 'A small tuning',
  profile: { name: 'ci-micro' },
  space: { kvFormat: ['bf16', 'fp8'], maxSequences: [4, 16] },
  budget: { share: 1 },
};
/** Minutes of it, so that there is time to stop it. */
const LONG = {
  ...SMALL,
  title: 'A long tuning',
  profile: { name: 'rag' },
  space: {
    kvFormat: ['bf16', 'fp8'],
    weights: ['bf16', 'fp8'],
    maxSequences: [4, 8, 16, 32],
    blockSize: [16, 32, 64],
  },
  budget: { share: 1, repeats: 20 },
};

async function opened(layer: object): Promise<Page> {
  const parsed = parseTuning(layer);
  if (!parsed.ok) throw new Error(parsed.sentence);
  const page = await lab.visit({ hash: `#/tune?link=${await encodeScenarioLink(parsed.scenario, null)}` });
  await page.getByText('This tuning came with a link').waitFor();
  return page;
}

const ranking = (page: Page) => page.getByRole('region', { name: 'Ranking' }).locator('tbody tr');
const start = (page: Page) => page.getByRole('button', { name: 'Tune', exact: true });

async function unfold(page: Page, title: string): Promise<void> {
  await page.locator('summary', { has: page.getByRole('heading', { name: title, exact: true }) }).click();
}

test('a link is tuned, ranked, drawn, put in words, and kept under Runs', async () => {
  const page = await opened(SMALL);
  await page.getByText(/^4\s+candidates in 1\s+cell/).waitFor();
  await start(page).click();
  await page.getByText('Best settings').waitFor();
  expect(await ranking(page).count()).toBe(4);
  const winner = await page.locator('.result h2').first().textContent();
  expect(winner).not.toBe('');
  await unfold(page, 'Figures');
  await page.locator('[data-figure="tune_baseline_vs_best"] svg').first().waitFor();
  await unfold(page, 'Settings to use');
  await page.getByRole('region', { name: 'Settings for best_plan.json' }).getByText('"best-plan"').waitFor();
  await page.getByRole('button', { name: 'vLLM', exact: true }).click();
  await page.getByRole('region', { name: 'Settings for vLLM' }).getByText('vllm serve').waitFor();
  expect(await findings(page)).toEqual([]);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save HTML with figures' }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/\.html$/);
  await page.getByRole('link', { name: 'Open under Runs' }).click();
  await page.getByRole('heading', { level: 1, name: 'A small tuning' }).waitFor();
  expect(await page.locator('.result h2').first().textContent()).toBe(winner);
  await page.getByRole('button', { name: 'Open in the tuner' }).click();
  await page.getByRole('heading', { level: 1, name: 'Tune' }).waitFor();
  expect(await page.locator('.result h2').first().textContent()).toBe(winner);
});

test('the ranking lives while it runs; a cancel keeps it, and another visit goes on from there', async () => {
  const page = await opened(LONG);
  await start(page).click();
  await page.getByText('Best so far').waitFor();
  const bar = page.getByRole('progressbar', { name: 'Tuning' });
  await bar.waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByText('Best until it was stopped').waitFor();
  const measured = async (tab: Page) =>
    Number(
      /^[\d,]+/.exec((await tab.locator('dl .value').last().textContent()) ?? '')?.[0].replaceAll(',', ''),
    );
  const before = await measured(page);
  expect(before).toBeGreaterThan(0);

  const again = await lab.visit({ context: page.context(), hash: '#/tune' });
  await again.getByText('“A long tuning” was stopped before its end').waitFor();
  await again.getByRole('button', { name: 'Go on from there' }).click();
  await expect.poll(() => measured(again)).toBeGreaterThanOrEqual(before);
  await again.getByRole('button', { name: 'Cancel' }).click();
  await again.getByText('Best until it was stopped').waitFor();
});

test('the space follows what is typed, and what is no value is one sentence', async () => {
  const page = await opened(SMALL);
  const format = page.getByLabel('KV format', { exact: true });
  await format.fill('bf16, fp8, int8');
  await format.blur();
  await page.getByText(/^6\s+candidates/).waitFor();
  await format.fill('int5');
  await format.blur();
  await page.getByRole('alert').first().waitFor();
  expect(await start(page).isDisabled()).toBe(true);
});

for (const scheme of ['light', 'dark'] as const) {
  test(`axe finds nothing serious, ${scheme}`, async () => {
    const page = await lab.visit({ scheme, hash: '#/tune' });
    await page.getByRole('heading', { level: 1, name: 'Tune' }).waitFor();
    await page.getByRole('group', { name: 'Profile' }).getByRole('button', { name: 'own' }).click();
    await unfold(page, 'Every input');
    expect(await findings(page)).toEqual([]);
  });
}

test('390 px need no horizontal scrolling', async () => {
  const page = await lab.visit({ width: 390, hash: '#/tune' });
  await start(page).click();
  await page.getByRole('region', { name: 'Ranking' }).waitFor();
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow).toBeLessThanOrEqual(0);
});

test('a real model on this GPU: the shipped one is loaded, tuned and ranked', async () => {
  const page = await opened({
    version: 1,
    kind: 'tune',
    title: 'On this GPU',
    executor: 'engine',
    profile: { name: 'custom', contexts: [16], outputs: [4] },
    load: { users: 2, requests: 2 },
    baseline: { maxSequences: 2 },
    space: { kvFormat: ['f32', 'int8'] },
    budget: { repeats: 1, share: 1 },
  });
  await start(page).click();
  await page.getByText('Best settings').waitFor();
  expect(await ranking(page).count()).toBe(2);
  await page.getByText(/^Measured on .* real kernels, 2 requests a measurement/).waitFor();
});
