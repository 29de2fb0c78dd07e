/** Advice on a run and what becomes of it: tried as A and B, and a run as a report in one file. */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { toyCheck } from '../charts/runs.ts';
import { findings } from './support/axe.ts';
import { importRuns, useLab } from './support/lab.ts';

const lab = useLab();

/** Short of KV blocks, and done within a second. */
const SHORT = {
  version: 1,
  kind: 'simulate',
  title: 'Short of blocks',
  hardware: { kvBlocks: 100 },
  engine: { prefixCache: 'off' },
  workload: {
    requests: 100,
    arrivals: { kind: 'poisson', rate: 12 },
    promptTokens: { kind: 'uniform', min: 200, max: 600 },
    outputTokens: { kind: 'uniform', min: 40, max: 120 },
  },
};

async function simulated(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'JSON', exact: true }).click();
  const editor = page.getByLabel(/The scenario as one JSON document/);
  await editor.fill(JSON.stringify(SHORT));
  await editor.blur();
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.getByRole('button', { name: 'Look for what to change' }).waitFor();
}

test('advice with evidence and effect, a click tries it; the page is accessible in both themes', async () => {
  const page = await lab.visit({ hash: '#/simulate' });
  await simulated(page);
  await page.getByRole('button', { name: 'Look for what to change' }).click();
  await page.getByRole('heading', { name: /^1 Give the KV cache \d+ blocks instead of 100\.$/ }).waitFor();
  await page
    .getByText(/The changed run’s .* % lower, interval .* \(5 seeds\)\./)
    .first()
    .waitFor();
  expect(await findings(page)).toEqual([]);
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await findings(page)).toEqual([]);
  await page.getByRole('button', { name: 'Try it as A and B' }).first().click();
  await page.getByRole('heading', { name: 'A and B on the same arrivals' }).waitFor();
  await page.getByRole('rowheader', { name: 'hardware.kvBlocks' }).waitFor();
  await page
    .getByText(/^B’s p99 TTFT is .* lower/)
    .first()
    .waitFor();
});

test('a run as a report: one file that fetches nothing; on a phone nothing sticks out', async () => {
  const page = await lab.visit({ hash: '#/simulate', width: 390 });
  await simulated(page);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Report, HTML' }).click(),
  ]);
  const html = await readFile(await download.path(), 'utf8');
  expect(html).toMatch(/No-go: .* of 100 requests kept the objectives/);
  expect(html).toContain('<svg');
  expect(html).not.toMatch(/<script|(?:src|href)="http/);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
});

test('a run that no advice can be given on offers none', async () => {
  const page = await lab.visit({ hash: '#/runs' });
  await importRuns(page, lab, [toyCheck()]);
  await page.getByRole('link', { name: toyCheck().title }).click();
  await page.getByRole('button', { name: 'Report, HTML' }).waitFor();
  expect(await page.getByRole('button', { name: 'Look for what to change' }).count()).toBe(0);
});
