/** The serving lab in the page: a load on the shipped model, measured beside predicted; what is refused; a cancel. */
import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { encodeScenarioLink } from '../../src/core/scenario/link.ts';
import { presetServing } from '../../src/core/scenario/presets.ts';
import { SHIPPED_MODEL } from '../../src/engine/shipped.ts';
import { findings } from './support/axe.ts';
import { useLab } from './support/lab.ts';

const lab = useLab();

/** Small enough for a software adapter. */
const SMALL = {
  version: 1,
  kind: 'serve',
  title: 'A small load',
  engine: { blocks: 64 },
  workload: {
    requests: 6,
    arrivals: { kind: 'closed', users: 4, thinkSeconds: 0 },
    promptTokens: { kind: 'uniform', min: 8, max: 64 },
    outputTokens: { kind: 'uniform', min: 4, max: 16 },
  },
  measurement: { repeats: 1, calibrationRepeats: 1, warmupRepeats: 1 },
};

async function openTab(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 2, name: SHIPPED_MODEL.id }).waitFor();
  await page.getByRole('combobox', { name: 'Serving experiment' }).waitFor();
}

async function write(page: Page, scenario: unknown): Promise<void> {
  await page.getByRole('button', { name: 'JSON', exact: true }).click();
  const editor = page.getByLabel(/The scenario as one JSON document/);
  await editor.fill(typeof scenario === 'string' ? scenario : JSON.stringify(scenario));
  await editor.blur();
}

const runButton = (page: Page) => page.getByRole('button', { name: 'Run', exact: true });
const results = (page: Page) => page.getByRole('region', { name: 'Run and results' });
const finished = (page: Page) =>
  page.getByRole('link', { name: 'Open under Runs, compare' }).waitFor({ timeout: 120_000 });

test('a load on the shipped model: measured beside predicted on each backend, kept under Runs', async () => {
  const page = await lab.visit({ hash: '#/model/serving' });
  await openTab(page);
  const backends = ['paged', 'contiguous', 'transformers'];
  await write(page, { ...SMALL, backends, ttft: { promptTokens: 64, repeats: 1 } });
  await expect.poll(() => runButton(page).isEnabled()).toBe(true);
  await runButton(page).click();
  await page.getByRole('progressbar', { name: 'Serving run' }).waitFor();
  await finished(page);
  const table = page.getByRole('region', { name: 'Measured beside predicted' });
  for (const backend of ['paged', 'contiguous']) {
    const row = table.getByRole('row', { name: new RegExp(`backend ${backend}`) });
    expect(await row.textContent()).toMatch(/\d\sms \/ \d.*[+−]\d+\.\d\s%/);
  }
  await table.getByText(/has no ONNX files .*choose a repository that has them/).waitFor();
  for (const figure of [
    'first_token',
    'sequences',
    'ttft_cdf',
    'itl_cdf',
    'e2e_cdf',
    'errors',
    'kept_state',
    'kv_over_time',
  ]) {
    await page.locator(`[data-figure="serve_${figure}"] svg`).first().waitFor();
  }
  expect(await findings(page)).toEqual([]);
  await page.getByRole('link', { name: 'Open under Runs, compare' }).click();
  await page.getByRole('heading', { level: 1, name: 'A small load' }).waitFor();
  await page.getByRole('button', { name: 'Open in the serving lab' }).click();
  await page.getByLabel('Requests', { exact: true }).waitFor();
});

test('a cancel stops at once and keeps the repetitions that were finished', async () => {
  const page = await lab.visit({ hash: '#/model/serving' });
  await openTab(page);
  const measurement = { repeats: 20, calibrationRepeats: 0, warmupRepeats: 0 };
  const workload = { ...SMALL.workload, outputTokens: { kind: 'fixed', tokens: 96 } };
  await write(page, { ...SMALL, workload, measurement });
  await runButton(page).click();
  await page.getByText(/repetition ([2-9]|1\d)\b/).waitFor({ timeout: 60_000 });
  await page.getByRole('button', { name: 'Cancel' }).click();
  await finished(page);
  await results(page).getByText('not complete').waitFor({ timeout: 10_000 });
  await results(page).getByText('Cancelled: the repetitions that were finished are kept.').first().waitFor();
  await expect.poll(() => runButton(page).isEnabled()).toBe(true);
});

test.each([
  { name: 'no JSON', scenario: '{', says: /JSON/ },
  { name: 'a setting that there is not', scenario: { ...SMALL, enginee: 1 }, says: /enginee/ },
  {
    name: 'a request that no pool holds',
    scenario: {
      ...SMALL,
      engine: { blocks: 1 },
      workload: { ...SMALL.workload, promptTokens: { kind: 'fixed', tokens: 64 } },
    },
    says: /more than the 16 of engine\.blocks; set \d+ blocks or more\./,
  },
])('$name is one clear sentence, and nothing runs', async ({ scenario, says }) => {
  const page = await lab.visit({ hash: '#/model/serving' });
  await openTab(page);
  await write(page, scenario);
  const alert = results(page).getByRole('alert');
  await alert.waitFor();
  expect(await alert.textContent()).toMatch(says);
  expect(await alert.count()).toBe(1);
  expect(await runButton(page).isEnabled()).toBe(false);
});

test('requests longer than the model’s context are refused with both numbers; the page goes on', async () => {
  const page = await lab.visit({ hash: '#/model/serving' });
  await openTab(page);
  const workload = { ...SMALL.workload, promptTokens: { kind: 'fixed', tokens: 4000 } };
  await write(page, { ...SMALL, engine: { blocks: 1024 }, workload });
  await runButton(page).click();
  await results(page)
    .getByText(/has 4000 tokens of prompt and \d+ of output, more than the \d+ of a sequence/)
    .first()
    .waitFor({ timeout: 30_000 });
  await expect.poll(() => runButton(page).isEnabled()).toBe(true);
});

test('a link opens the lab with its scenario, on a phone, in the dark', async () => {
  const scenario = { ...presetServing('serve-rate'), title: 'From a link', seed: 42 };
  const hash = `#${await encodeScenarioLink(scenario, null)}`;
  const page = await lab.visit({ hash, width: 390, scheme: 'dark' });
  await openTab(page);
  await page.getByText('Repetitions, seed and objectives').click();
  expect(await page.getByLabel('Seed', { exact: true }).inputValue()).toBe('42');
  await page.getByLabel('Rate, req/s', { exact: true }).waitFor();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  expect(await findings(page)).toEqual([]);
});
