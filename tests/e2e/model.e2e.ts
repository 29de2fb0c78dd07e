/** The room Model: the shipped model at work at once, files of one's own, faults in one sentence, a lost device. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { SHIPPED_MODEL } from '../../src/engine/shipped.ts';
import { findings } from './support/axe.ts';
import { useLab } from './support/lab.ts';

const lab = useLab();

const FOLDER = new URL(`../../public/${SHIPPED_MODEL.folder}`, import.meta.url);

/** Files of the shipped model as a person would choose them, with changes by name; null leaves one out. */
function modelFiles(changes: Readonly<Record<string, Buffer | null>> = {}) {
  return [SHIPPED_MODEL.config, SHIPPED_MODEL.tokenizer, SHIPPED_MODEL.weights].flatMap((name) => {
    const buffer = name in changes ? changes[name] : readFileSync(new URL(name, FOLDER));
    return buffer ? [{ name, mimeType: 'application/octet-stream', buffer }] : [];
  });
}

const answer = (page: Page) => page.getByRole('region', { name: 'What the model says' });
const generateButton = (page: Page) => page.getByRole('button', { name: 'Generate', exact: true });

/** The room with the shipped model loaded and its example answered. */
async function openRoom(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 2, name: SHIPPED_MODEL.id }).waitFor();
  await page.getByText('The model has finished.').waitFor();
}

async function chooseFiles(page: Page, files: ReturnType<typeof modelFiles>): Promise<void> {
  await page.getByLabel('Model files to read').setInputFiles(files);
}

test('the model that ships answers its example by itself, token by token, with blocks and times', async () => {
  const page = await lab.visit({ hash: '#/model' });
  await openRoom(page);
  await answer(page)
    .getByText(
      /^\d+ tokens; the first after .+, then one every .+\. It (reached its length|ended by itself)\.$/,
    )
    .waitFor();
  expect(await page.locator('.sequences .text').first().textContent()).toMatch(/\S/);
  await page.getByText(/^\d+ tokens in \d+ blocks? of 16/).waitFor();
  await page.locator('[data-figure="model_token_times"] svg').first().waitFor();
  await page.getByText('KV bytes by format, and what fits').click();
  await page.getByRole('region', { name: 'KV bytes by format' }).getByText('int2').waitFor();
});

test('the same prompt twice says the same; two prompts with two samples each are four sequences', async () => {
  const page = await lab.visit({ hash: '#/model' });
  await openRoom(page);
  const text = () => page.locator('.sequences .text').first().textContent();
  await page.getByLabel('New tokens', { exact: true }).fill('24');
  const once = async (): Promise<string | null> => {
    await generateButton(page).click();
    await page.getByText(/^24 tokens; /).waitFor();
    await expect.poll(() => generateButton(page).isEnabled()).toBe(true);
    return text();
  };
  const first = await once();
  expect(await once()).toBe(first);
  await page.getByRole('button', { name: 'Add a prompt' }).click();
  await page.getByLabel('Prompt 2').fill('the baker of Riga sees 3 dogs .');
  await page.getByLabel('Samples', { exact: true }).fill('2');
  await page.getByLabel('Temperature', { exact: true }).fill('0.8');
  await generateButton(page).click();
  await expect.poll(() => page.getByText(/^24 tokens; /).count()).toBe(4);
  await answer(page).getByRole('heading', { name: 'Prompt 2, sample 2' }).waitFor();
});

test('a generation stops at once and keeps what had come', async () => {
  const page = await lab.visit({ hash: '#/model' });
  await openRoom(page);
  await page.getByLabel('New tokens', { exact: true }).fill('400');
  await page.getByLabel('Go on past the model’s end token').check();
  await generateButton(page).click();
  await page.getByText(/^\d+ tokens; /).waitFor();
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await page.getByText('Stopped; what had come is kept.').waitFor();
  await page.getByText(/It stopped\./).waitFor();
  await expect.poll(() => generateButton(page).isEnabled()).toBe(true);
});

test('eviction and a smaller format change the cache that is shown', async () => {
  const page = await lab.visit({ hash: '#/model' });
  await openRoom(page);
  await page.getByLabel('KV format', { exact: true }).selectOption('int8');
  await page.getByLabel('Eviction', { exact: true }).selectOption('streaming-llm');
  await page.getByLabel('Budget', { exact: true }).fill('32');
  await page.getByLabel('New tokens', { exact: true }).fill('80');
  await page.getByLabel('Go on past the model’s end token').check();
  await generateButton(page).click();
  await page.getByText(/\d+ tokens evicted\.$/).waitFor();
  await page.getByText(/Cache in int8: /).waitFor();
});

const TRUNCATED = readFileSync(new URL(SHIPPED_MODEL.weights, FOLDER)).subarray(0, 100_000);
const HUGE_HEADER = Buffer.alloc(64, 0xff);

const FAULTS = [
  {
    name: 'a file that is cut off',
    files: { [SHIPPED_MODEL.weights]: TRUNCATED },
    says: /is damaged.+fetch/,
  },
  { name: 'a header of 2^64 bytes', files: { [SHIPPED_MODEL.weights]: HUGE_HEADER }, says: /header claims/ },
  { name: 'no JSON', files: { [SHIPPED_MODEL.config]: Buffer.from('{') }, says: /not valid JSON/ },
  { name: 'no configuration', files: { [SHIPPED_MODEL.config]: null }, says: /no config\.json beside it/ },
];

test('files that are no model are one clear sentence each, and the page goes on', async () => {
  const page = await lab.visit({ hash: '#/model' });
  await openRoom(page);
  for (const { name, files, says } of FAULTS) {
    await chooseFiles(page, modelFiles(files));
    await page.getByRole('alert').filter({ hasText: says }).waitFor();
    expect(await page.getByRole('alert').textContent(), name).toMatch(/^\s*\S.{20,}\.\s*$/);
  }
  await page.getByRole('button', { name: 'Take the model that ships with the page' }).click();
  await page.getByRole('heading', { level: 2, name: SHIPPED_MODEL.id }).waitFor();
  await expect.poll(() => generateButton(page).isEnabled()).toBe(true);
  await generateButton(page).click();
  await page.getByText(/^\d+ tokens; /).waitFor();
});

test('a GPU that is lost in the middle: the model comes back and the text goes on as it would have', async () => {
  const page = await lab.visit({ hash: '#/model' });
  await openRoom(page);
  await page.getByLabel('New tokens', { exact: true }).fill('300');
  await page.getByLabel('Go on past the model’s end token').check();
  const text = () => page.locator('.sequences .text').first().textContent();
  const finished = () => page.getByText(/^300 tokens; /).waitFor({ timeout: 60_000 });
  await generateButton(page).click();
  await finished();
  const whole = await text();
  await expect.poll(() => generateButton(page).isEnabled()).toBe(true);
  await generateButton(page).click();
  await page.getByText(/^\d{2} tokens; /).waitFor();
  const devtools = await lab.browser.newBrowserCDPSession();
  await devtools.send('Browser.crashGpuProcess').catch(() => undefined);
  await page.getByText('every sequence went on from its tokens').waitFor({ timeout: 60_000 });
  await finished();
  expect(await text()).toBe(whole);
});

test('chosen files load; without a vocabulary the model speaks token ids', async () => {
  const page = await lab.visit({ hash: '#/model' });
  await openRoom(page);
  await chooseFiles(page, modelFiles({ [SHIPPED_MODEL.tokenizer]: null }));
  await page.getByText('This model came without a tokenizer').first().waitFor();
  await page.getByLabel('Prompt, token ids').fill('1, two');
  await page.getByText('“two” is no token id').first().waitFor();
  await page.getByLabel('Prompt, token ids').fill('1, 2, 3');
  await expect.poll(() => generateButton(page).isEnabled()).toBe(true);
  await generateButton(page).click();
  await page.getByText(/^\d+ tokens?; /).waitFor();
  expect(await page.locator('.sequences .text').first().textContent()).toMatch(/^\s*\d+(, \d+)*\s*$/);
});

test('a wrong number and a prompt that is too long are sentences', async () => {
  const page = await lab.visit({ hash: '#/model' });
  await openRoom(page);
  await page.getByLabel('New tokens', { exact: true }).fill('none');
  await page.getByText('New tokens is “none”: a whole number is needed.').first().waitFor();
  await page.getByLabel('New tokens', { exact: true }).fill('8000');
  await generateButton(page).click();
  await page.getByText(/this model reads \d+; shorten the prompt or ask for \d+ fewer tokens/).waitFor();
});

test.each(['light', 'dark'] as const)(
  'axe finds nothing serious and nothing scrolls sideways, %s, wide and narrow',
  async (scheme) => {
    const page = await lab.visit({ hash: '#/model', scheme });
    await openRoom(page);
    await page.evaluate(() => document.querySelectorAll('details').forEach((part) => (part.open = true)));
    await page.getByRole('button', { name: 'Add a prompt' }).click();
    await page.getByLabel('Seed', { exact: true }).fill('-1');
    for (const width of [1440, 390]) {
      await page.setViewportSize({ width, height: 844 });
      expect(await findings(page)).toEqual([]);
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow).toBeLessThanOrEqual(0);
    }
  },
);
