/** What other tools wrote, imported under Runs, and runs out again through the one menu of formats. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { GENAI_BENCH, INFERENCE_PERF } from '../exchange/results/real.ts';
import { toySimRun } from '../charts/sim-runs.ts';
import { findings } from './support/axe.ts';
import { importRuns, jsonFile, useLab } from './support/lab.ts';

const lab = useLab();

test.each([
  { width: 1440, scheme: 'light' },
  { width: 390, scheme: 'dark' },
] as const)(
  'results are imported, say what they were, and go out as Prometheus text at $width',
  async (at) => {
    const page = await lab.visit({ ...at, hash: '#/runs' });
    const files = [jsonFile('stage.json', INFERENCE_PERF), jsonFile('genai.json', GENAI_BENCH)];
    await page.getByLabel('Run files to import').setInputFiles(files);
    await page.getByText('2 runs imported').waitFor();
    await page.getByText('What can be imported').click();
    await page.getByRole('rowheader', { name: 'llmperf' }).waitFor();
    expect(await findings(page)).toEqual([]);

    await page.getByRole('link', { name: /inference-perf/ }).click();
    await page.getByRole('rowheader', { name: 'normalized_time_per_output_token' }).waitFor();
    expect(await page.getByText('not read').count()).toBe(1);
    await page.getByRole('heading', { name: 'Time to first token by load' }).waitFor();
    expect(await findings(page)).toEqual([]);

    // With the keyboard alone: open, leave with Escape, open again, choose.
    const menu = page.getByRole('button', { name: 'Export as…' });
    await menu.focus();
    await page.keyboard.press('Enter');
    const prometheus = page.getByRole('button', { name: /^Prometheus text/ });
    await prometheus.waitFor();
    expect(await findings(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(at.width);
    await page.keyboard.press('Escape');
    await prometheus.waitFor({ state: 'hidden' });
    await page.keyboard.press('Enter');
    const download = page.waitForEvent('download');
    await prometheus.press('Enter');
    const text = await readFile(await (await download).path(), 'utf8');
    expect(text).toContain('# TYPE kvlab_tpot_mean_seconds gauge');
    await page.getByText(/^Saved .*\.prom\.$/).waitFor();
  },
);

test('the same file is kept once; a trace is told where it belongs', async () => {
  const page = await lab.visit({ hash: '#/runs' });
  const input = page.getByLabel('Run files to import');
  await input.setInputFiles(jsonFile('a.json', GENAI_BENCH));
  await page.getByText('1 run imported').waitFor();
  await input.setInputFiles(jsonFile('again.json', GENAI_BENCH));
  await page.getByText('was imported before').waitFor();
  const line = { timestamp: 0, input_length: 600, output_length: 5, hash_ids: [1, 2] };
  await input.setInputFiles(jsonFile('t.jsonl', `${JSON.stringify(line)}\n`));
  await page.getByText('choose it as the trace of a simulation').waitFor();
});

test('a simulation goes out as a trace for Perfetto and as a report of llm-d', async () => {
  const page = await lab.visit();
  await importRuns(page, lab, [{ ...toySimRun(), id: 'sim' }]);
  await page.goto(`${lab.host.url}#/runs/sim`);
  for (const [name, says] of [
    ['Trace for Perfetto', '"traceEvents"'],
    ['llm-d benchmark report', '"version": "0.2.1"'],
  ] as const) {
    await page.getByRole('button', { name: 'Export as…' }).click();
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: new RegExp(`^${name}`) }).click();
    expect(await readFile(await (await download).path(), 'utf8')).toContain(says);
  }
});
