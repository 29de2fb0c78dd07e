/** The quality lab on the shipped model: from a link to figures and trends, kept under Runs, repeated, cancelled. */
import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { encodeScenarioLink } from '../../src/core/scenario/link.ts';
import { parseQuality } from '../../src/core/scenario/parse.ts';
import type { QualityScenario } from '../../src/core/scenario/quality/schema.ts';
import { findings } from './support/axe.ts';
import { useLab } from './support/lab.ts';

const lab = useLab();

/** Four caches, a handful of questions: seconds on a software adapter. */
const SMALL = {
  version: 1,
  kind: 'quality',
  title: 'A small experiment',
  cache: { kFormats: ['int2'], policies: ['none', 'window', 'streaming-llm'], budgets: [32] },
  tasks: {
    recall: { distances: [16, 64], depths: [0, 1], samples: 1, contextTokens: 96 },
    text: { sequences: 3, promptTokens: 48, scoredTokens: 4 },
    attentionSequences: 1,
    speed: { sequences: 2, tokens: 12 },
  },
  softwareAdapter: {},
};

function scenario(layer: object): QualityScenario {
  const parsed = parseQuality(layer);
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.scenario;
}

const opened = async (layer: object): Promise<Page> =>
  lab.visit({ hash: `#${await encodeScenarioLink(scenario(layer), null)}` });

const caches = (page: Page) => page.getByRole('region', { name: /^Caches of / }).locator('tbody tr');
const figure = (page: Page, id: string) => page.locator(`[data-figure="${id}"] svg`).first();

async function measure(page: Page, count: number): Promise<void> {
  const button = page.getByRole('button', { name: `Measure ${count} caches` });
  await expect.poll(() => button.isEnabled()).toBe(true);
  await button.click();
}

/** What does not depend on the clock: all columns but the last. */
async function numbers(page: Page): Promise<string[][]> {
  const rows = await caches(page).all();
  return Promise.all(rows.map(async (row) => (await row.locator('th, td').allTextContents()).slice(0, -1)));
}

test('a link is measured, drawn, kept and gives the same numbers again', async () => {
  const page = await opened(SMALL);
  await measure(page, 4);
  await page.getByRole('link', { name: 'Open under Runs, compare' }).waitFor();
  expect(await caches(page).count()).toBe(4);
  const first = await numbers(page);
  expect(first[0]?.join(' ')).toMatch(/f32.*100\s%/s);
  for (const id of [
    ...['quality_kldivergence_vs_bytes', 'quality_recall_by_distance'],
    ...['quality_recall_map_f32_streaming_llm_32', 'quality_heads_int2'],
  ]) {
    await figure(page, id).waitFor();
  }
  await page.locator('[data-figure^="quality_attention_"][data-figure$="_streaming_llm_32"]').waitFor();
  await page.getByText('A window with sinks predicts text better than a window alone.').waitFor();
  expect(await findings(page)).toEqual([]);

  await page.getByRole('button', { name: 'Copy link' }).click();
  const link = await page.getByLabel('The link').inputValue();
  await page.getByRole('link', { name: 'Open under Runs, compare' }).click();
  await page.getByRole('heading', { level: 1, name: 'A small experiment' }).waitFor();
  await figure(page, 'quality_recall_vs_bytes').waitFor();
  expect(await numbers(page)).toEqual(first);

  const again = await lab.visit({ hash: link.replace(/^[^#]*/, '') });
  await measure(again, 4);
  await again.getByRole('link', { name: 'Open under Runs, compare' }).waitFor();
  expect(await numbers(again)).toEqual(first);
});

test('caches appear one by one, and a cancel keeps those that are there', async () => {
  const page = await opened({
    ...SMALL,
    title: 'A long experiment',
    tasks: { ...SMALL.tasks, recall: { ...SMALL.tasks.recall, samples: 20 } },
  });
  await measure(page, 4);
  await expect.poll(() => caches(page).count(), { timeout: 60_000 }).toBeGreaterThan(0);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page
    .getByText(/finished (caches )?are kept\.$/)
    .first()
    .waitFor();
  const kept = await caches(page).count();
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThan(4);
  await expect.poll(() => page.getByRole('button', { name: 'Measure 4 caches' }).isEnabled()).toBe(true);
});
