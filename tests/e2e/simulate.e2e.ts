/** The room Simulate: stories, streamed results, cancel, trace files, links, kept runs, replays of recorded engines. */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { toyCheck } from '../charts/runs.ts';
import { toySimRun } from '../charts/sim-runs.ts';
import { referenceText, whyNoReferenceData } from '../reference-data.ts';
import { findings } from './support/axe.ts';
import { importRuns, useLab } from './support/lab.ts';
import { longestTaskMs } from './support/trace.ts';

const lab = useLab();

/** Ends within a second, whatever the machine. */
const QUICK = {
  version: 1,
  kind: 'simulate',
  title: 'Quick engine',
  hardware: { kvBlocks: 2000 },
  workload: { requests: 120, arrivals: { kind: 'poisson', rate: 20 } },
};
/** Minutes of work for one core. */
const ENDLESS = {
  ...QUICK,
  title: 'Endless engine',
  workload: { requests: 2_000_000, arrivals: { kind: 'poisson', rate: 5 } },
  hardware: { kvBlocks: 20_000 },
};
const LONGER = {
  ...QUICK,
  title: 'Longer engine',
  workload: { requests: 30_000, arrivals: { kind: 'poisson', rate: 12 } },
  hardware: { kvBlocks: 20_000 },
};

async function openScenario(page: Page, scenario: unknown): Promise<void> {
  await page.getByRole('button', { name: 'JSON', exact: true }).click();
  const editor = page.getByLabel(/The scenario as one JSON document/);
  await editor.fill(JSON.stringify(scenario));
  await editor.blur();
}

const runButton = (page: Page) => page.getByRole('button', { name: 'Run', exact: true });

test('an edited simulation is still there when the page is loaded again, and can be dropped', async () => {
  const page = await lab.visit({ hash: '#/simulate?story=preemption-storm' });
  await openScenario(page, QUICK);
  await page.getByRole('heading', { name: 'Quick engine' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Quick engine' }).waitFor();
  await page.getByText('Taken up as it stood before the page was loaded again.').waitFor();
  await page.getByRole('button', { name: 'Start over' }).click();
  await page.getByRole('heading', { name: 'A preemption storm' }).waitFor();
  expect(await page.getByText('Taken up as it stood').count()).toBe(0);
});

test('the room goes on with its draft after a visit to another one, and the console stays silent', async () => {
  const page = await lab.visit({ hash: '#/simulate' });
  const warnings: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'warning' && message.text().includes('svelte')) warnings.push(message.text());
  });
  const plan = page.getByRole('region', { name: 'Run and results' });
  await plan.getByText('To be simulated').waitFor();
  await page.getByRole('link', { name: 'Runs', exact: true }).click();
  await page.getByRole('heading', { name: 'Runs' }).waitFor();
  await page.getByRole('link', { name: 'Simulate', exact: true }).click();
  await page.getByLabel('Trace file to read').setInputFiles({
    name: 'mine.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from('time,prompt,output\n0,100,5\n1,200,5\n2,300,5\n'),
  });
  await plan.getByText(/of mine\.csv/).waitFor();
  await page.getByLabel('Story').selectOption('ten-blocks');
  await plan.getByText(/4 requests/).waitFor();
  expect(warnings).toEqual([]);
});

async function simulate(page: Page, scenario: unknown): Promise<void> {
  await openScenario(page, scenario);
  await expect.poll(() => runButton(page).isEnabled()).toBe(true);
  await runButton(page).click();
  await page.getByRole('link', { name: 'Open under Runs, compare' }).waitFor();
}

const figure = (page: Page, id: string) => page.locator(`[data-figure="${id}"]`);

test('a story runs to its figures without a GPU, each with a sentence, and the run is kept', async () => {
  const page = await lab.visit({ hash: '#/simulate' });
  await page.getByLabel('Story').selectOption({ index: 0 });
  await runButton(page).click();
  await page.getByRole('link', { name: 'Open under Runs, compare' }).waitFor();
  for (const id of [
    'sim_kv_over_time',
    'sim_running_waiting',
    'sim_ttft_cdf',
    'sim_tpot_cdf',
    'sim_e2e_cdf',
  ]) {
    await figure(page, id).locator('svg').first().waitFor();
    expect(await figure(page, id).locator('.finding').textContent()).toMatch(/\d.*\.$/);
  }
  await page.getByRole('link', { name: 'Open under Runs, compare' }).click();
  await page.getByRole('heading', { level: 1 }).waitFor();
  await figure(page, 'sim_kv_over_time').waitFor();
  await page.getByRole('button', { name: 'Its blocks, step by step' }).click();
  await page.getByLabel('Step that is shown').waitFor();
  await page.goto(`${lab.host.url}#/runs`);
  await expect.poll(() => page.getByRole('main').getByRole('listitem').count()).toBe(1);
});

test('results stream in, and cancelling stops at once whatever the worker is in the middle of', async () => {
  const page = await lab.visit({ hash: '#/simulate' });
  await openScenario(page, ENDLESS);
  await expect.poll(() => runButton(page).isEnabled()).toBe(true);
  await runButton(page).click();
  await page.getByText('· so far').waitFor({ timeout: 60_000 });
  await figure(page, 'sim_running_waiting').locator('svg').first().waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Cancel' }).waitFor({ state: 'detached', timeout: 2000 });
  await page.getByText('Cancelled; what was simulated until then is shown and not kept.').first().waitFor();
  await expect.poll(() => runButton(page).isEnabled()).toBe(true);
  await simulate(page, QUICK);
  await page.goto(`${lab.host.url}#/runs`);
  await expect.poll(() => page.getByRole('main').getByRole('listitem').count()).toBe(1);
});

test('a long simulation holds the page up for no more than 50 ms of CPU', async () => {
  const page = await lab.visit({ hash: '#/simulate' });
  await openScenario(page, LONGER);
  await expect.poll(() => runButton(page).isEnabled()).toBe(true);
  const longest = await longestTaskMs(lab.browser, page, async () => {
    await runButton(page).click();
    await page.getByRole('link', { name: 'Open under Runs, compare' }).waitFor({ timeout: 120_000 });
  });
  console.info(`Longest task of the page while it simulates: ${longest.toFixed(1)} ms of CPU.`);
  expect(longest).toBeLessThanOrEqual(50);
});

test('a link reproduces the same simulation, number by number, in a fresh profile', async () => {
  const here = await lab.visit({ hash: '#/simulate' });
  await simulate(here, { ...QUICK, seed: 7 });
  await here.getByRole('button', { name: 'Copy link to the simulation' }).click();
  const link = await here.getByLabel('The link').last().inputValue();
  const table = (page: Page) => page.getByRole('region', { name: 'Points of the simulation' }).textContent();
  const made = await table(here);

  const there = await lab.visit({ hash: new URL(link).hash });
  await there.getByText('This simulation came with a link').waitFor();
  await runButton(there).click();
  await there.getByRole('link', { name: 'Open under Runs, compare' }).waitFor();
  expect(await table(there)).toBe(made);
});

test('a link of the older form finds its room, and an address names story and seed', async () => {
  const page = await lab.visit({ hash: '#/simulate?story=ten-blocks&seed=42' });
  await expect.poll(() => page.getByLabel('Story').inputValue()).toBe('ten-blocks');
  await page.getByRole('button', { name: 'JSON', exact: true }).click();
  const text = await page.getByLabel(/The scenario as one JSON document/).inputValue();
  expect(JSON.parse(text)).toMatchObject({ seed: 42 });
  await page.getByRole('button', { name: 'Copy link' }).first().click();
  const link = await page.getByLabel('The link').first().inputValue();
  const bare = decodeURIComponent(link.slice(link.indexOf('link=') + 5));
  const other = await lab.visit({ hash: `#${bare}` });
  await other.getByText('This simulation came with a link').waitFor();
});

test('a trace that is dropped becomes the workload; a bad line is refused with its number', async () => {
  const page = await lab.visit({ hash: '#/simulate' });
  await page.getByLabel('Story').waitFor();
  const rows = Array.from({ length: 50 }, (_, i) => `${i * 0.2},${100 + i},${5 + (i % 9)}`);
  const drop = (name: string, text: string) =>
    page.evaluate(
      ([fileName, content]) => {
        const data = new DataTransfer();
        data.items.add(new File([content ?? ''], fileName ?? ''));
        const target = document.querySelector('.simulate');
        target?.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
      },
      [name, text],
    );
  await drop('bad.csv', `time,prompt,output\n0,100,5\n1,none,5\n`);
  await page.getByText(/bad\.csv: Line 3/).waitFor();
  await drop('mine.csv', `time,prompt,output\n${rows.join('\n')}\n`);
  await page.getByText(/50 requests over/).waitFor();
  await runButton(page).click();
  await page.getByRole('link', { name: 'Open under Runs, compare' }).waitFor();
  await page
    .getByText(/all requests of mine\.csv|50 requests of mine\.csv|mine\.csv/)
    .first()
    .waitFor();
});

test('an impossible scenario is refused before it runs, with the number that is wrong', async () => {
  const page = await lab.visit({ hash: '#/simulate' });
  await page.getByLabel('Story').selectOption('ten-blocks');
  await page.getByLabel('KV blocks', { exact: true }).fill('0');
  await page.getByText('KV blocks is 0; the least is 1.').first().waitFor();
  expect(await runButton(page).isEnabled()).toBe(false);
});

test('the form follows the kinds that are chosen', async () => {
  const page = await lab.visit({ hash: '#/simulate' });
  await page.getByLabel('Arrivals', { exact: true }).selectOption('gamma');
  await page.getByLabel('CV', { exact: true }).fill('4');
  await page.getByText('Replicas and tiers').click();
  await page.getByRole('button', { name: 'Add a tier' }).click();
  await page.getByLabel('Disaggregation', { exact: true }).check();
  await page.getByLabel('Prefill replicas', { exact: true }).fill('2');
  await page.getByRole('button', { name: 'JSON', exact: true }).click();
  const text = await page.getByLabel(/The scenario as one JSON document/).inputValue();
  expect(JSON.parse(text)).toMatchObject({
    workload: { arrivals: { kind: 'gamma', cv: 4 } },
    cluster: { tiers: [{ kind: 'host' }], disaggregation: { prefillReplicas: 2 } },
  });
});

test('two kept simulations stand beside each other; their files hold every row', async () => {
  const runs = [
    toySimRun({ id: 'a', title: 'Calm engine' }),
    toySimRun({ id: 'b', title: 'Busy engine', slower: 2 }),
  ];
  const page = await lab.visit();
  await importRuns(page, lab, runs);
  await page.getByLabel('Choose Calm engine for comparison').check();
  await page.getByLabel('Choose Busy engine for comparison').check();
  await page.getByRole('button', { name: 'Compare two' }).click();
  await figure(page, 'sim_ttft_cdf').waitFor();
  expect(await figure(page, 'sim_ttft_cdf').locator('svg').textContent()).toContain('Busy engine');
  const save = async (name: string): Promise<string> => {
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name, exact: true }).click();
    return readFile(await (await download).path(), 'utf8');
  };
  expect(JSON.parse(await save('Save JSON'))).toEqual(runs[0]);
  expect((await save('Save requests, CSV')).trim().split('\r\n')).toHaveLength(41);
  const svg = page.waitForEvent('download');
  await figure(page, 'sim_kv_over_time').getByRole('button', { name: 'Save SVG' }).click();
  expect(await readFile(await (await svg).path(), 'utf8')).toMatch(/^<svg .*<\/svg>\s*$/s);
});

/** Two policies under a pool that is too small for every system prompt. */
const POLICIES = {
  ...QUICK,
  title: 'Two policies',
  hardware: { kvBlocks: 1200 },
  engine: { maxModelTokens: 2048 },
  workload: {
    requests: 200,
    arrivals: { kind: 'poisson', rate: 10 },
    promptTokens: { kind: 'uniform', min: 100, max: 400 },
    outputTokens: { kind: 'fixed', tokens: 40 },
    sharing: { kind: 'system', prompts: 12, systemTokens: 1024, exponent: 0.5 },
  },
  sweep: [{ path: 'engine.prefixCache', values: ['off', 'hash'] }],
};

test('A and B on the same arrivals: the differences with intervals, both runs kept', async () => {
  const page = await lab.visit({ hash: '#/simulate' });
  await openScenario(page, POLICIES);
  await page.getByRole('link', { name: 'A/B' }).click();
  await page.getByRole('button', { name: /^Take “Two policies”/ }).click();
  const changes = page.getByRole('region', { name: 'What B changes' });
  expect(await changes.locator('tbody tr').allTextContents()).toEqual(['engine.prefixCacheoffhash']);
  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  await page.getByRole('link', { name: 'Open both under Runs' }).waitFor();
  await page.getByText(/^B’s p99 TTFT is [\d.]+ % (lower|higher), interval .*\(5 seeds\)/).waitFor();
  await page.getByText('Both sides had the same requests at the same times.').waitFor();
  const said = await page.locator('.sentences').textContent();
  await page.getByRole('button', { name: 'Copy link' }).click();
  const link = await page.getByLabel('The link').inputValue();
  const there = await lab.visit({ hash: new URL(link).hash });
  await there.getByRole('region', { name: 'What B changes' }).getByText('engine.prefixCache').waitFor();
  await there.getByRole('button', { name: 'Compare', exact: true }).click();
  await there.getByRole('link', { name: 'Open both under Runs' }).waitFor();
  expect(await there.locator('.sentences').textContent()).toBe(said);
  await figure(page, 'sim_ttft_cdf').locator('svg').first().waitFor();
  await page.getByText(/^All \d+ quantities$/).click();
  await page.getByRole('region', { name: 'B against A' }).getByText('p99 TTFT').waitFor();
  await page.getByRole('link', { name: 'Open both under Runs' }).click();
  await page.getByRole('heading', { level: 1, name: 'Two policies · A' }).waitFor();
});

test('the saturation is searched and every policy is replayed, each cancels', async () => {
  const page = await lab.visit({ hash: '#/simulate' });
  await openScenario(page, POLICIES);
  await page.getByRole('button', { name: 'Compare every policy' }).click();
  const curves = figure(page, 'accesses_missratio');
  await curves.locator('svg').first().waitFor();
  expect((await curves.locator('svg').first().textContent())?.toLowerCase()).toContain('belady');
  await page.getByRole('button', { name: 'Find the saturation' }).click();
  await page
    .getByRole('status')
    .filter({ hasText: /^(Up to [\d.]+ req\/s holds|Every load up to|No load was found)/ })
    .waitFor();
  await figure(page, 'sim_ttft_by_setting').locator('svg').first().waitFor();
  await openScenario(page, ENDLESS);
  await page.getByRole('button', { name: 'Find the saturation' }).click();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Cancel' }).waitFor({ state: 'detached', timeout: 2000 });
});

test('without shared text there is nothing for a policy to keep, and the page says so', async () => {
  const page = await lab.visit({ hash: '#/simulate' });
  await openScenario(page, QUICK);
  await page.getByRole('button', { name: 'Compare every policy' }).click();
  await page.getByText(/No prompt block of this workload is asked for twice/).waitFor();
});

test('a cost model that needs files waits for them; a kept check is one of them', async () => {
  const page = await lab.visit();
  await importRuns(page, lab, [toyCheck()]);
  await page.goto(`${lab.host.url}#/simulate`);
  await page.getByText('Step times', { exact: true }).first().click();
  const kind = page.getByLabel('Step times', { exact: true });
  await kind.selectOption('table');
  await page.getByText('give its files').waitFor();
  expect(await runButton(page).isEnabled()).toBe(false);
  await kind.selectOption('check');
  expect(await runButton(page).isEnabled()).toBe(false);
  await page.getByLabel('Hardware check').selectOption({ index: 1 });
  await expect.poll(() => runButton(page).isEnabled()).toBe(true);
});

test('a recording that lacks a file says which', async () => {
  const page = await lab.visit({ hash: '#/simulate/replay' });
  await page
    .getByLabel('Files of a recording')
    .setInputFiles([{ name: 'meta.json', mimeType: 'application/json', buffer: Buffer.from('{}') }]);
  await page.getByRole('button', { name: 'Replay', exact: true }).click();
  await page.getByText(/requests\.jsonl is missing/).waitFor();
});

const RECORDED = 'vllm_replay/RTX4090__Llama-3.1-8B';
const PROFILE = 'profiles/RTX4090__Llama-3.1-8B';
const WORKLOAD = 'vllm_replay/workload_sharegpt-llama-3.1-8b-300-sps10.jsonl';
const missing = whyNoReferenceData(`${RECORDED}/meta.json`);

test.skipIf(missing !== null)(
  `a recorded run stands beside its replay${missing === null ? '' : ` (skipped: ${missing})`}`,
  async () => {
    const page = await lab.visit({ hash: '#/simulate/replay' });
    const files = [
      ...['meta.json', 'requests.jsonl', 'timeseries.csv', 'config.json'].map(
        (name) => `${RECORDED}/${name}`,
      ),
      ...['meta.yaml', 'dense.csv', 'attention.csv', 'per_sequence.csv'].map((name) => `${PROFILE}/${name}`),
      WORKLOAD,
    ];
    await page.getByLabel('Files of a recording').setInputFiles(
      files.map((path) => ({
        name: path.split('/').at(-1) ?? path,
        mimeType: 'text/plain',
        buffer: Buffer.from(referenceText(path)),
      })),
    );
    await page.getByRole('button', { name: 'Replay', exact: true }).click();
    const table = page.getByRole('region', { name: 'Predicted and measured' }).locator('table').first();
    await table.waitFor();
    // The errors of the three means, the first number of every third row.
    const errors = await table
      .locator('tbody tr')
      .filter({ hasText: 'error' })
      .evaluateAll((rows) =>
        rows.map((row) => Number.parseFloat(row.querySelectorAll('td')[1]?.textContent ?? '')),
      );
    expect(errors).toHaveLength(3);
    for (const error of errors) expect(Math.abs(error)).toBeLessThan(3);
    await figure(page, 'replay_ttft_cdf').locator('svg').first().waitFor();
    await figure(page, 'replay_kvusage').locator('svg').first().waitFor();
    expect(await findings(page)).toEqual([]);
  },
);

for (const scheme of ['light', 'dark'] as const) {
  for (const width of [1440, 390]) {
    test(`axe finds nothing serious and nothing scrolls sideways, ${scheme} at ${width} px`, async () => {
      const page = await lab.visit({ hash: '#/simulate', scheme, width });
      await page.getByRole('heading', { level: 1, name: 'Simulate' }).waitFor();
      await page.getByLabel('Story').selectOption('ten-blocks');
      await runButton(page).click();
      await figure(page, 'sim_ttft_cdf').locator('svg').first().waitFor();
      await page.evaluate(() => document.querySelectorAll('details').forEach((part) => (part.open = true)));
      expect(await findings(page)).toEqual([]);
      const overflow = () =>
        page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(await overflow()).toBeLessThanOrEqual(0);
      const hint = page.getByText('The table is wider than its frame: scroll it sideways.');
      const cut = await page
        .getByRole('region', { name: 'Points of the simulation' })
        .evaluate((region) => region.scrollWidth > region.clientWidth);
      expect(await hint.count()).toBe(cut ? 1 : 0);
      if (width === 390) expect(cut).toBe(true);
      for (const view of ['replay', 'compare']) {
        await page.goto(`${lab.host.url}#/simulate/${view}`);
        await page.getByRole('heading', { level: 2 }).first().waitFor();
        expect(await findings(page)).toEqual([]);
        expect(await overflow()).toBeLessThanOrEqual(0);
      }
    });
  }
}
