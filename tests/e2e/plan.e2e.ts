/** The planner: an answer at once that follows the inputs, everything else unfolds; links, comparison, measured results. */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { encodeScenarioLink } from '../../src/core/scenario/link.ts';
import type { PlanRun } from '../../src/core/run/plan.ts';
import { presetPlan } from '../../src/core/scenario/presets.ts';
import { findings } from './support/axe.ts';
import { jsonFile, useLab } from './support/lab.ts';
import { longestTaskMs } from './support/trace.ts';
import { VLLM_BENCH } from '../support/vllm-bench.ts';

const lab = useLab();

const headline = (page: Page) => page.locator('.headline h2');
const number = (page: Page, label: string) =>
  page
    .getByLabel('The answer')
    .locator('dl > div')
    .filter({ has: page.getByRole('button', { name: label, exact: true }) })
    .locator('.value');

async function answered(page: Page): Promise<void> {
  await headline(page).waitFor();
  await page.getByText('The choice was looked at in the simulator').waitFor();
}

async function unfold(page: Page, title: string): Promise<void> {
  await page.locator('summary', { has: page.getByRole('heading', { name: title, exact: true }) }).click();
}

/** What an address is, as the page writes it. */
async function copiedHash(page: Page, name: string): Promise<string> {
  await page.getByRole('button', { name }).click();
  return new URL(await page.getByLabel('The link').inputValue()).hash;
}

test('three inputs give an answer at once, and a slider moves it', async () => {
  const page = await lab.visit({ hash: '#/plan' });
  await answered(page);
  expect(await headline(page).textContent()).toMatch(/^\d+ × H100/);
  for (const label of ['First token', 'Per token', 'Output', 'Cost', 'KV cache', 'Quality']) {
    expect(await number(page, label).textContent()).not.toBe('');
  }
  const before = await number(page, 'Output').textContent();
  await page.getByLabel('Requests a second, drag').fill('330');
  await expect.poll(() => number(page, 'Output').textContent()).not.toBe(before);
  expect(await headline(page).textContent()).not.toMatch(/^1 × /);

  await page.getByRole('combobox', { name: 'Where' }).fill('4090');
  await page
    .getByRole('option', { name: /RTX 4090/ })
    .first()
    .click();
  await expect.poll(() => headline(page).textContent()).toMatch(/4090/);
  await page.getByRole('combobox', { name: 'Model' }).fill('llama 3.1 70b');
  await page.keyboard.press('Enter');
  await page.getByRole('group', { name: 'How many' }).getByRole('button', { name: '1', exact: true }).click();
  await expect.poll(() => headline(page).textContent()).toMatch(/does not fit|Not with these limits/);
  await page.getByLabel('The answer').getByText('What would make it fit').waitFor();
});

test('memory, roofline, front, fleet and settings unfold', async () => {
  const page = await lab.visit({ hash: '#/plan?story=plan-moe-gpt-oss' });
  await answered(page);
  expect(await page.getByRole('combobox', { name: 'Model' }).inputValue()).toMatch(/gpt-oss/i);
  const figure = (id: string) => page.locator(`[data-figure*="${id}"] svg`).first();
  await unfold(page, 'Memory');
  await figure('plan_memory').waitFor();
  const weights = page.getByRole('region', { name: 'Memory, step by step' });
  await weights.getByRole('row').filter({ hasText: 'Runtime' }).waitFor();
  await unfold(page, 'Speed');
  await figure('plan_roofline').waitFor();
  await page.getByRole('region', { name: 'Phases of a step' }).getByText('Decode').waitFor();
  await unfold(page, 'Formats');
  const formats = page.getByRole('region', { name: 'Formats of weights and KV' });
  expect(await formats.getByRole('row').count()).toBe(9);
  await unfold(page, 'Measured and predicted');
  const errors = page.getByRole('region', { name: 'Errors by model and GPU' });
  await errors.getByRole('row').filter({ hasText: 'Llama-3.1-70B' }).first().waitFor();
  await unfold(page, 'What else there is');
  await figure('_vs_').waitFor();
  await unfold(page, 'Over GPUs');
  const fleet = page.getByRole('region', { name: 'The load over GPUs' });
  await fleet.getByRole('button', { name: 'Take it' }).first().waitFor();
  await unfold(page, 'Settings to copy');
  await page
    .getByRole('region', { name: /Settings for vLLM/ })
    .getByText('vllm serve')
    .waitFor();
  await fleet.getByRole('button', { name: 'Take it' }).nth(1).click();
  const taken = await fleet.getByRole('row').nth(2).getByRole('rowheader').textContent();
  await expect.poll(() => headline(page).textContent()).toContain((taken ?? '').trim());
});

test('a term of the memory can be replaced, and every input is in the form', async () => {
  const page = await lab.visit({ hash: '#/plan' });
  await answered(page);
  const before = await number(page, 'KV cache').textContent();
  await unfold(page, 'Memory');
  const runtime = page.getByLabel('Runtime, GiB');
  await runtime.fill('12');
  await runtime.blur();
  await expect.poll(() => number(page, 'KV cache').textContent()).not.toBe(before);
  await unfold(page, 'Every input');
  await page.getByLabel('Weights', { exact: true }).selectOption('fp8');
  await expect.poll(() => page.locator('.headline .shape').textContent()).toContain('fp8 weights');
  await page.getByLabel('Tensor parallel', { exact: true }).fill('none');
  await page.getByText('Tensor parallel is “none”; a number is needed.').first().waitFor();
});

test('a link opens the same plan in a fresh profile, a bare one too; a bad one changes nothing', async () => {
  const here = await lab.visit({ hash: '#/plan' });
  await answered(here);
  await here.getByLabel('Requests a second', { exact: true }).fill('77');
  await here.getByLabel('Requests a second', { exact: true }).blur();
  await unfold(here, 'Files and link');
  const hash = await copiedHash(here, 'Copy link');
  const there = await lab.visit({ hash });
  await there.getByText('This plan came with a link').waitFor();
  expect(await there.getByLabel('Requests a second', { exact: true }).inputValue()).toBe('77');
  await answered(there);
  await there.evaluate(() => (location.hash = '#/plan?link=s1.broken.1'));
  await there.getByRole('alert').getByText('Nothing was changed').waitFor();
  expect(await there.getByLabel('Requests a second', { exact: true }).inputValue()).toBe('77');

  const bare = await lab.visit({ hash: `#${await encodeScenarioLink(presetPlan('plan-laptop'), null)}` });
  await bare.getByRole('heading', { level: 1, name: 'Plan' }).waitFor();
  await expect.poll(() => headline(bare).textContent()).toMatch(/4060/);
});

test('a config.json is a model; one without a field is refused with it', async () => {
  const page = await lab.visit({ hash: '#/plan' });
  await answered(page);
  await page.getByRole('button', { name: 'Another model, by its config.json' }).click();
  const text = page.getByLabel('A config.json, or owner/name on Hugging Face');
  await text.fill('{"model_type": "llama"}');
  await page.getByRole('button', { name: 'Use it' }).click();
  await page
    .getByRole('alert')
    .getByText(/can’t be read/)
    .waitFor();
  await text.fill(JSON.stringify(CONFIG));
  await page.getByRole('button', { name: 'Use it' }).click();
  await page.getByText('From its own config.json').waitFor();
  await answered(page);
});

test('two plans stand side by side, and their link opens both', async () => {
  const page = await lab.visit({ hash: '#/plan/compare' });
  await page.getByLabel('B', { exact: true }).selectOption('plan-laptop');
  const table = page.getByRole('region', { name: 'The plans field by field' });
  await table.getByRole('row').filter({ hasText: 'model' }).first().waitFor();
  const rows = await table.getByRole('row').count();
  expect(rows).toBeGreaterThan(10);
  const hash = await copiedHash(page, 'Copy link to both');
  const there = await lab.visit({ hash });
  await there.getByRole('region', { name: 'The plans field by field' }).getByRole('row').nth(1).waitFor();
  expect(await there.getByRole('region', { name: 'The plans field by field' }).getByRole('row').count()).toBe(
    rows,
  );
});

test('measured results stand beside the plan; a file of no benchmark is one sentence', async () => {
  const page = await lab.visit({ hash: '#/plan/measured' });
  const input = page.getByLabel('Result files to read');
  await input.setInputFiles(jsonFile('bench.json', VLLM_BENCH));
  const table = page.getByRole('region', { name: 'Predicted and measured' });
  await table.getByRole('row').filter({ hasText: 'Per token' }).waitFor();
  await page.getByText('bench.json: vllm, 1 point').waitFor();
  expect(await findings(page)).toEqual([]);
  await page.getByLabel('Name', { exact: true }).fill('mine');
  await page.getByRole('button', { name: 'Recalibrate' }).click();
  await page.getByText(/^mine: mean error .* before/).waitFor();
  const kept = page.getByRole('region', { name: 'Calibrations that are kept' });
  expect(await kept.getByRole('button', { name: 'In use' }).count()).toBe(1);
  await page.reload();
  await kept.getByRole('row').filter({ hasText: 'mine' }).waitFor();
  await input.setInputFiles(jsonFile('other.json', { hello: 'world' }));
  await page
    .getByRole('alert')
    .getByText(/^other\.json: /)
    .waitFor();
});

test('a trace is the load', async () => {
  const page = await lab.visit({ hash: '#/plan' });
  await answered(page);
  const lines = Array.from({ length: 60 }, (_, i) => `${i * 0.25},${400 + i},${100 + i}`);
  const text = `timestamp,prompt_tokens,output_tokens\n${lines.join('\n')}\n`;
  const trace = page.getByLabel('Trace file of the load');
  await trace.setInputFiles({ name: 'mine.csv', mimeType: 'text/csv', buffer: Buffer.from(text) });
  await page.getByText('Rate, lengths and sharing are those of the trace').waitFor();
  await expect.poll(() => number(page, 'Output').textContent()).toMatch(/^5\d\d tok/);
  await page.getByRole('button', { name: 'Without a trace' }).click();
  await page.getByLabel('Prompt, median', { exact: true }).waitFor();
});

test('a slider redraws the answer within a frame', async () => {
  const page = await lab.visit({ hash: '#/plan', serviceWorker: false });
  await answered(page);
  const slider = page.getByLabel('Requests a second, drag');
  const drag = async (steps: number): Promise<void> => {
    await slider.focus();
    for (let i = 0; i < steps; i++) {
      await page.keyboard.press('ArrowRight');
      await page.waitForTimeout(40);
    }
  };
  await drag(20);
  const longest = await longestTaskMs(lab.browser, page, () => drag(20));
  console.info(`Longest task of the page while a slider moves the plan: ${longest.toFixed(1)} ms of CPU.`);
  expect(longest).toBeLessThanOrEqual(16);
});

test('a plan is saved in four kinds of files', async () => {
  const page = await lab.visit({ hash: '#/plan?story=plan-laptop' });
  await answered(page);
  await unfold(page, 'Files and link');
  for (const [name, ending] of [
    ['Save JSON', 'json'],
    ['Save YAML', 'yaml'],
    ['Save Markdown', 'md'],
    ['Save HTML with figures', 'html'],
  ] as const) {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(new RegExp(`\\.${ending}$`));
  }
});

test('a plan is kept, opened under Runs, and stands beside one whose file was dropped there', async () => {
  const page = await lab.visit({ hash: '#/plan' });
  await answered(page);
  const words = await headline(page).textContent();
  await page.getByLabel('Name', { exact: true }).fill('Mine');
  await page.getByRole('button', { name: 'Keep', exact: true }).click();
  await page.getByRole('link', { name: 'open it under Runs' }).click();
  await page.getByRole('heading', { level: 1, name: 'Mine' }).waitFor();
  expect(await headline(page).textContent()).toBe(words);
  await page.locator('[data-figure="plan_memory"] svg').first().waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save JSON' }).click(),
  ]);
  const saved = JSON.parse(await readFile(await download.path(), 'utf8')) as PlanRun;
  expect(saved).toMatchObject({ kind: 'plan', title: 'Mine' });

  await page.goto(`${lab.host.url}#/runs`);
  const model = 'llama-3.1-70b';
  const other = { ...saved, id: 'other', title: 'Dropped', scenario: { ...saved.scenario, model } };
  const cost = other.deployment?.cost;
  if (cost) cost.perHour *= 3;
  const text = JSON.stringify(other, null, 2);
  await page.getByRole('link', { name: 'Mine' }).waitFor();
  const carried = await page.evaluateHandle((content) => {
    const data = new DataTransfer();
    data.items.add(new File([content], 'plan.json', { type: 'application/json' }));
    return data;
  }, text);
  await page.dispatchEvent('main', 'drop', { dataTransfer: carried });
  await page.getByText('1 run imported').waitFor();
  await page.getByLabel('Choose Mine for comparison').check();
  await page.getByLabel('Choose Dropped for comparison').check();
  await page.getByRole('button', { name: 'Compare two' }).click();
  const beside = page.getByRole('region', { name: 'The plans field by field' });
  await beside.getByRole('row').filter({ hasText: '+200 %' }).first().waitFor();
  await page.locator('[data-figure="plan_comparison"] svg').first().waitFor();
  expect(await findings(page)).toEqual([]);
  await page.getByRole('button', { name: 'Open in the planner' }).click();
  await answered(page);
});

const VIEWS = [
  {
    name: 'everything unfolded',
    hash: '#/plan',
    ready: async (page: Page) => {
      await answered(page);
      await page.evaluate(() =>
        document
          .querySelectorAll('details.unfold')
          .forEach((part) => ((part as HTMLDetailsElement).open = true)),
      );
      await page.getByRole('region', { name: 'The load over GPUs' }).waitFor();
      await page.locator('[data-figure="plan_fleet"] svg').first().waitFor();
    },
  },
  {
    name: 'compare',
    hash: '#/plan/compare',
    ready: async (page: Page) => {
      await page.getByLabel('B', { exact: true }).selectOption('plan-laptop');
      await page.getByRole('region', { name: 'The plans field by field' }).waitFor();
    },
  },
] as const;

for (const scheme of ['light', 'dark'] as const) {
  test.each(VIEWS)(`axe finds nothing serious, ${scheme}: $name`, async ({ hash, ready }) => {
    const page = await lab.visit({ scheme, hash });
    await ready(page);
    expect(await findings(page)).toEqual([]);
  });
}

test.each(VIEWS)('390 px need no horizontal scrolling: $name', async ({ hash, ready }) => {
  const page = await lab.visit({ width: 390, hash });
  await ready(page);
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow).toBeLessThanOrEqual(0);
});

test('a picker is worked with the keyboard alone', async () => {
  const page = await lab.visit({ hash: '#/plan' });
  await answered(page);
  const model = page.getByRole('combobox', { name: 'Model' });
  await model.focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  expect(await model.getAttribute('aria-expanded')).toBe('true');
  expect(await model.getAttribute('aria-activedescendant')).not.toBeNull();
  await page.keyboard.press('Escape');
  expect(await model.getAttribute('aria-expanded')).toBe('false');
  const before = await model.inputValue();
  await page.keyboard.type('mixtral');
  await page.keyboard.press('Enter');
  expect(await model.inputValue()).not.toBe(before);
});

const CONFIG = {
  model_type: 'llama',
  hidden_size: 2048,
  num_hidden_layers: 16,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  intermediate_size: 8192,
  vocab_size: 128_256,
  max_position_embeddings: 131_072,
  tie_word_embeddings: true,
};
