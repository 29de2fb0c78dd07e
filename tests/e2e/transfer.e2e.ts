/** Sequences that move: between pools, workers, tabs and two browsers over WebRTC; files; what is said when it can't be. */
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { SHIPPED_MODEL } from '../../src/engine/shipped.ts';
import { findings } from './support/axe.ts';
import { useLab } from './support/lab.ts';

const lab = useLab();

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const SAME = /All tokens are those of the same text without a move\.$/;

async function openTab(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 2, name: SHIPPED_MODEL.id }).waitFor();
}

async function visit(context?: Awaited<ReturnType<typeof lab.browser.newContext>>): Promise<Page> {
  const page = await lab.visit({ hash: '#/model/move', ...(context ? { context } : {}) });
  await openTab(page);
  return page;
}

/** Writes up to where it moves. */
async function write(page: Page, tokens = '60'): Promise<void> {
  await page.getByLabel('Tokens in all', { exact: true }).fill(tokens);
  await button(page, 'Write until it moves').click();
  await page.getByText(/^It stands still after \d+ of \d+ tokens: KV of/).waitFor({ timeout: 60_000 });
}

test('to another pool of another block size, then to another worker: nothing is computed again, and the tokens are the same', async () => {
  const page = await visit();
  await write(page, '120');
  await button(page, 'Move it').click();
  await page.getByText(/ moved in .+ the sequence stood still for /).waitFor({ timeout: 60_000 });
  await page.getByText(SAME).waitFor({ timeout: 60_000 });
  expect(await page.getByText(/nothing of it computed again/).count()).toBe(1);
  await button(page, 'Worker').click();
  await write(page);
  await button(page, 'Move it').click();
  await page.getByRole('region', { name: 'Gone on in the other worker' }).waitFor({ timeout: 60_000 });
  await page.getByText(SAME).waitFor({ timeout: 60_000 });
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    for (const width of [1440, 390]) {
      await page.setViewportSize({ width, height: 844 });
      expect(await findings(page)).toEqual([]);
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow).toBeLessThanOrEqual(0);
    }
  }
});

test('to another tab, which is there later than the offer', async () => {
  const first = await visit();
  await button(first, 'Tab').click();
  await write(first);
  await button(first, 'Move it').click();
  await first.getByText('Offered; waiting for somebody to take it').waitFor();
  const second = await visit(first.context());
  await button(second, 'Tab').click();
  await button(second, 'Receives').click();
  await button(second, 'Wait for a sequence').click();
  await second.getByText(SAME).waitFor({ timeout: 60_000 });
  await first.getByText(/ moved in .+ the sequence stood still for /).waitFor();
  const text = (page: Page, name: string) => page.getByRole('region', { name }).textContent();
  const [written, whole] = [await text(first, 'Written here'), await text(second, 'Gone on here')];
  expect(whole?.trim().startsWith((written ?? '').trim())).toBe(true);
});

test('to another browser over WebRTC, offer and answer copied by hand', async () => {
  const [first, second] = [await visit(), await visit()];
  for (const page of [first, second]) await button(page, 'Machine').click();
  await button(second, 'Receives').click();
  await button(first, 'Make an offer').click();
  const offer = await first.getByRole('region', { name: 'Offer for the other machine' }).textContent();
  await second.getByLabel('Offer of the other machine').fill('kvlab-answer.abc');
  await button(second, 'Make the answer').click();
  await second.getByText('That is an answer; the offer of the other machine belongs here.').waitFor();
  await second.getByLabel('Offer of the other machine').fill(offer ?? '');
  await button(second, 'Make the answer').click();
  const answer = await second.getByRole('region', { name: 'Answer for the other machine' }).textContent();
  await first.getByLabel('Answer of the other machine').fill(answer ?? '');
  await button(first, 'Connect').click();
  for (const page of [first, second]) await page.getByText('Connected to the other machine').waitFor();
  await second.getByText('Waiting for a sequence of the same model').waitFor({ timeout: 60_000 });
  await write(first);
  await button(first, 'Move it').click();
  await second.getByText(SAME).waitFor({ timeout: 60_000 });
});

/** Presses a button that hands out a file. @returns where it lies */
async function download(page: Page, name: string): Promise<string> {
  const [file] = await Promise.all([page.waitForEvent('download'), button(page, name).click()]);
  const path = join(tmpdir(), `kvlab-${process.pid}-${file.suggestedFilename()}`);
  await file.saveAs(path);
  return path;
}

test('files: a sequence goes on in another visit and format, and a prefix cache is found there; damage is one sentence', async () => {
  const first = await visit();
  await button(first, 'File').click();
  await write(first);
  const sequence = await download(first, 'Keep the sequence as a file');
  const prefixes = await download(first, 'Keep the prefix cache');
  const second = await visit();
  await button(second, 'File').click();
  await button(second, 'Receives').click();
  const bytes = readFileSync(sequence);
  writeFileSync(sequence, bytes.subarray(0, bytes.length / 2));
  await second.getByLabel('Sequence to open').setInputFiles(sequence);
  await second
    .getByRole('alert')
    .filter({ hasText: 'it was cut off; export it again.' })
    .waitFor({ timeout: 60_000 });
  writeFileSync(sequence, bytes);
  await second.getByLabel('KV format there').selectOption('f16');
  await second.getByLabel('Sequence to open').setInputFiles(sequence);
  await second.getByText(/nothing of it computed again, its KV converted\./).waitFor({ timeout: 60_000 });
  await button(second, 'Sends').click();
  await second.getByLabel('Prefix cache to open').setInputFiles(prefixes);
  await second
    .getByText(/^\d+ of \d+ tokens of the file lie in \d+ blocks here now\.$/)
    .waitFor({ timeout: 60_000 });
  await write(second);
  await second.getByText(/\d+ prompt tokens were found in the prefix cache\./).waitFor();
});
