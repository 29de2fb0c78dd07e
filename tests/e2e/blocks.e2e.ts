/** The pool down to one block: by keyboard, on a phone, in the dark, for a screen reader, and within a frame. */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { encodeScenarioLink } from '../../src/core/scenario/link.ts';
import { presetSimulation } from '../../src/core/scenario/presets.ts';
import { findings } from './support/axe.ts';
import { useLab } from './support/lab.ts';
import { longestTaskMs } from './support/trace.ts';

const lab = useLab();

const TEN_BLOCKS = '#/simulate/blocks?story=ten-blocks';

const steps = (page: Page) => page.getByLabel('Step that is shown');
const pool = (page: Page) => page.getByRole('slider', { name: /^The pool, a square a block/ });
const summary = (page: Page) => page.locator('p.summary');

async function openTenBlocks(options: Parameters<typeof lab.visit>[0] = {}): Promise<Page> {
  const page = await lab.visit({ hash: TEN_BLOCKS, ...options });
  await steps(page).waitFor();
  return page;
}

test('time goes by slider, buttons and play; a screen reader hears how the pool stands', async () => {
  const page = await openTenBlocks();
  expect(await summary(page).textContent()).toBe('Before the first step: 10 blocks, all free and empty.');
  await steps(page).focus();
  for (let i = 0; i < 7; i++) await page.keyboard.press('ArrowRight');
  await expect
    .poll(() => summary(page).textContent())
    .toMatch(/^Step 6, ends at 90 ms: .*10 of 10 blocks in use/);
  expect(await steps(page).getAttribute('aria-valuetext')).toBe('step 6, 90 ms');
  await page.getByRole('button', { name: 'Step back' }).click();
  await expect.poll(() => summary(page).textContent()).toMatch(/^Step 5/);
  await page.getByRole('button', { name: 'End' }).click();
  await expect.poll(() => summary(page).textContent()).toMatch(/^Step 9/);
  await page.getByLabel('Speed').selectOption('20 steps/s');
  await page.getByRole('button', { name: 'Play' }).click();
  await page.getByRole('button', { name: 'Play' }).waitFor();
  await expect.poll(() => summary(page).textContent()).toMatch(/^Step 9/);
});

test('a block tells its owner, its contents, its past and why it was evicted; a request its blocks and its life', async () => {
  const page = await openTenBlocks();
  await steps(page).fill('6');
  await pool(page).focus();
  // The first key chooses block 0, each one after it the next block.
  for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowRight');
  expect(await pool(page).getAttribute('aria-valuenow')).toBe('3');
  expect(await pool(page).getAttribute('aria-valuetext')).toBe(
    'Block 3: 1 reference, request 3, holds text 9.',
  );
  const block = page.getByRole('region', { name: 'Block 3' });
  expect(await block.textContent()).toMatch(/Why it lost text 3: request 3 needed a block in step 6/);
  expect(await block.getByRole('listitem').allTextContents()).toContain(
    'step 6 Block 3 loses text 3, because request 3 needs room.',
  );
  await page.keyboard.press('Enter');
  const request = page.getByRole('region', { name: 'Request 3' });
  expect(await request.textContent()).toContain('Its block table now: 0 → 1 → 2 → 3');
  await request.getByText('What happened to it, in words').click();
  expect(
    (await request.getByRole('listitem').allTextContents()).map((text) => text.replace(/\s+/g, ' ').trim()),
  ).toEqual([
    '80 ms Request 3 arrives and waits.',
    '80 ms Request 3 enters the batch; 12 tokens of its text are in the cache already.',
    '80 ms Request 3 computes 4 tokens of its prompt.',
    '90 ms Request 3 has its prompt computed and decodes from now on.',
    '90 ms Request 3 is preempted: it gives up its blocks and 16 computed tokens, and waits again.',
    '100 ms Request 3 enters the batch; 16 tokens of its text are in the cache already.',
    '100 ms Request 3 computes 1 token of its prompt.',
    '110 ms Request 3 has its prompt computed and decodes from now on.',
    '120 ms Request 3 has all its tokens and gives its blocks back.',
  ]);
  await request.getByRole('button', { name: 'Show all again' }).click();
  await block.getByRole('button', { name: 'Its change before' }).click();
  await expect.poll(() => summary(page).textContent()).toMatch(/^Step 1/);
});

test('a block or a request is found by its number; one that is not there is refused in words', async () => {
  const page = await openTenBlocks();
  await steps(page).fill('6');
  await page.getByLabel('Show block', { exact: true }).fill('10');
  await page.keyboard.press('Enter');
  expect(await page.getByRole('alert').textContent()).toBe('A number from 0 to 9 is needed.');
  await page.getByLabel('Show block', { exact: true }).fill('7');
  await page.keyboard.press('Enter');
  await page.getByRole('region', { name: 'Block 7' }).waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
  await page.getByLabel('Show request', { exact: true }).fill('2');
  await page.getByRole('button', { name: 'Show this request' }).click();
  expect(await page.getByRole('region', { name: 'Request 2' }).textContent()).toContain('0 → 1 → 2 → 8 → 9');
});

test('the pool is there as a table, too', async () => {
  const page = await openTenBlocks();
  await steps(page).fill('4');
  await page.getByText('The pool as a table').click();
  const rows = page.getByRole('region', { name: 'The pool as a table' }).getByRole('row');
  expect(await rows.nth(1).getByRole('cell').allTextContents()).toEqual([
    '2',
    'request 1, request 2',
    'text 0',
  ]);
  expect(await rows.nth(10).getByRole('cell').allTextContents()).toEqual(['0', 'nobody', 'nothing']);
});

test('the canvas shows what the words say: a shared block in ink, an empty one pale', async () => {
  const page = await openTenBlocks();
  await steps(page).fill('4');
  const colours = await pool(page)
    .locator('canvas')
    .evaluate((canvas: HTMLCanvasElement) => {
      const context = canvas.getContext('2d');
      const cell = canvas.width / 10;
      const at = (block: number) =>
        [...(context?.getImageData(block * cell + 4, 4, 1, 1).data ?? [])].slice(0, 3);
      return { shared: at(0), cached: at(3), empty: at(9), own: at(5) };
    });
  expect(colours.shared).toEqual([27, 31, 38]);
  const light = ([r = 0, g = 0, b = 0]: number[]) => r + g + b;
  expect(light(colours.empty)).toBeGreaterThan(light(colours.cached));
  expect(new Set([colours.own.join(), colours.cached.join(), colours.empty.join()]).size).toBe(3);
});

test('the worked example tells each step with the pool beside it', async () => {
  const page = await lab.visit({ hash: '#/explain' });
  await page.getByText('Free queue').first().waitFor();
  expect(await page.getByRole('heading', { level: 2 }).allTextContents()).toContain('A preemption');
  const chapter = page.getByRole('region', { name: 'An eviction' });
  expect(await chapter.textContent()).toMatch(/Free queue\s*empty/);
  await chapter.getByRole('slider').focus();
  await page.keyboard.press('End');
  expect(await chapter.getByRole('slider').getAttribute('aria-valuetext')).toBe(
    'Block 9: 1 reference, request C.',
  );
});

test.each([
  { name: 'blocks', hash: TEN_BLOCKS },
  { name: 'the worked example', hash: '#/explain' },
])('$name: no finding of axe in light or dark, and nothing wider than a phone', async ({ hash }) => {
  for (const scheme of ['light', 'dark'] as const) {
    const page = await lab.visit({ hash, scheme });
    await steps(page).waitFor();
    await steps(page).fill('6');
    await pool(page).last().focus();
    await page.keyboard.press('ArrowRight');
    await page
      .getByRole('button', { name: /^Show request [0-9A-D]/ })
      .first()
      .click();
    await page.evaluate(() => document.querySelectorAll('details').forEach((part) => (part.open = true)));
    expect(await findings(page)).toEqual([]);
  }
  const phone = await lab.visit({ hash, width: 390 });
  await steps(phone).waitFor();
  await phone.evaluate(() => document.querySelectorAll('details').forEach((part) => (part.open = true)));
  const overflow = await phone.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
});

test.each([
  { name: 'blocks', hash: TEN_BLOCKS },
  { name: 'the worked example', hash: '#/explain' },
])(
  '$name: a window that shrinks to a phone, and grows again, is filled and not overflown',
  async ({ hash }) => {
    const page = await lab.visit({ hash });
    await steps(page).waitFor();
    await steps(page).fill('6');
    await pool(page).last().focus();
    await page.keyboard.press('ArrowRight');
    await page
      .getByRole('button', { name: /^Show request [0-9A-D]/ })
      .first()
      .click();
    const widths = () =>
      page.evaluate(() => ({
        over: document.documentElement.scrollWidth - window.innerWidth,
        canvas: Math.max(...[...document.querySelectorAll('canvas')].map((canvas) => canvas.clientWidth)),
      }));
    const wide = (await widths()).canvas;
    await page.setViewportSize({ width: 390, height: 844 });
    await expect.poll(async () => (await widths()).canvas).toBeLessThan(390);
    expect((await widths()).over).toBeLessThanOrEqual(0);
    await page.setViewportSize({ width: 1440, height: 900 });
    await expect.poll(async () => (await widths()).canvas).toBe(wide);
  },
);

test('100,000 blocks are drawn anew within 16 ms of CPU', async () => {
  const base = presetSimulation('ten-blocks');
  const scenario = {
    ...base,
    hardware: { ...base.hardware, kvBlocks: 100_000 },
    engine: { ...base.engine, blockSize: 16, tokenBudget: 8192, maxSequences: 256, maxModelTokens: 0 },
    workload: {
      ...base.workload,
      requests: 4000,
      arrivals: { kind: 'poisson', rate: 40 } as const,
      promptTokens: { kind: 'uniform', min: 500, max: 1500 } as const,
      outputTokens: { kind: 'uniform', min: 50, max: 300 } as const,
      sharing: { kind: 'system', prompts: 50, systemTokens: 512, exponent: 1 } as const,
    },
  };
  const link = await encodeScenarioLink(scenario, null);
  const page = await lab.visit({ hash: `#/simulate/blocks?link=${link}` });
  await steps(page).waitFor({ timeout: 60_000 });
  const last = Number(await steps(page).getAttribute('max'));
  const picture = () =>
    pool(page)
      .locator('canvas')
      .evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
  await pool(page).focus();
  await page.keyboard.press('Home');
  const longest: Record<string, number> = {};
  for (const mode of ['Owner', 'Age', 'References']) {
    await page.getByLabel(mode, { exact: true }).check();
    await steps(page).fill(String(Math.floor(last / 2)));
    const before = await picture();
    longest[mode] = await longestTaskMs(lab.browser, page, async () => {
      await steps(page).focus();
      for (let i = 0; i < 10; i++) await page.keyboard.press('ArrowRight');
      for (let i = 0; i < 10; i++) await page.keyboard.press('ArrowLeft');
      // A tenth of the run at once.
      for (const key of ['PageUp', 'PageDown', 'PageDown', 'PageUp', 'PageUp'])
        await page.keyboard.press(key);
    });
    expect(await picture()).not.toBe(before);
  }
  console.info(
    `Longest task of the page while 100,000 blocks are drawn anew, ms of CPU: ${JSON.stringify(longest)}`,
  );
  expect(Math.max(...Object.values(longest))).toBeLessThanOrEqual(16);
});

test('the access profile: figures of what was asked of the cache, and the same as a file', async () => {
  const page = await lab.visit({ hash: '#/simulate/accesses?story=ten-blocks' });
  const save = page.getByRole('button', { name: 'Save the profile (JSON)' });
  await save.waitFor();
  for (const title of [
    'Block accesses over time',
    'Hit rate over time',
    'Reuse distances',
    'Miss ratio by cache size',
  ]) {
    await page.getByRole('heading', { name: title }).waitFor();
  }
  expect(await page.getByText('13 of 21 accesses, each to one full block').count()).toBe(1);
  const [download] = await Promise.all([page.waitForEvent('download'), save.click()]);
  expect(download.suggestedFilename()).toBe('ten-blocks-of-four-tokens-accesses.json');
  const file = JSON.parse(await readFile(await download.path(), 'utf8')) as Record<string, unknown>;
  expect(file).toMatchObject({
    kind: 'access-profile',
    origin: 'simulated',
    seed: 8,
    summary: { accesses: 21, hits: 13 },
  });
  expect(Object.keys(file)).toEqual(expect.arrayContaining(['heatmap', 'hitRate', 'reuse', 'missRatio']));
  await page.evaluate(() => document.querySelectorAll('details').forEach((part) => (part.open = true)));
  expect(await findings(page)).toEqual([]);
  const phone = await lab.visit({ hash: '#/simulate/accesses?story=ten-blocks', width: 390, scheme: 'dark' });
  await phone.getByRole('heading', { name: 'Reuse distances' }).waitFor();
  expect(
    await phone.evaluate(() => document.documentElement.scrollWidth - window.innerWidth),
  ).toBeLessThanOrEqual(0);
  expect(await findings(phone)).toEqual([]);
});

test('the access profile opens on the first point that has a cache; one without says how to go on', async () => {
  const page = await lab.visit({ hash: '#/simulate/accesses?story=shared-system-prompt' });
  await page.getByRole('button', { name: 'Save the profile (JSON)' }).waitFor();
  const point = page.getByLabel('Point of the sweep');
  expect(await point.inputValue()).toBe('1');
  await point.selectOption('0');
  await page.getByText(/Choose another point of the sweep above/).waitFor();
});

test('a recording is cancelled at once, and another scenario is recorded after it', async () => {
  const base = presetSimulation('ten-blocks');
  const long = {
    ...base,
    hardware: { ...base.hardware, kvBlocks: 100_000 },
    engine: { ...base.engine, blockSize: 1, tokenBudget: 8192, maxSequences: 256, maxModelTokens: 0 },
    workload: { ...base.workload, requests: 200_000, arrivals: { kind: 'poisson', rate: 400 } as const },
  };
  const page = await lab.visit({ hash: `#/simulate/blocks?link=${await encodeScenarioLink(long, null)}` });
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Record this run' }).waitFor({ timeout: 2000 });
  await page.getByLabel('Story').selectOption('ten-blocks');
  await expect.poll(() => summary(page).textContent()).toMatch(/10 blocks, all free/);
});

test('the step that was shown is there again after a visit to another view', async () => {
  const page = await openTenBlocks();
  await steps(page).fill('7');
  await page.getByRole('link', { name: 'Accesses' }).click();
  await page.getByRole('button', { name: 'Save the profile (JSON)' }).waitFor();
  await page.getByRole('link', { name: 'Blocks', exact: true }).click();
  await expect.poll(() => summary(page).textContent()).toMatch(/^Step 7/);
});
