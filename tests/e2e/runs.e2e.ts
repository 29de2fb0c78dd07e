/** Kept runs: in and out, renamed, searched, compared, deleted; files that are refused; a disk that is full. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { toyCheck, toyRun } from '../charts/runs.ts';
import { importRuns, jsonFile, useLab } from './support/lab.ts';

const lab = useLab();

const FAST = { ...toyRun('concurrency', { repeats: 2, title: 'Fast engine' }), id: 'fast' };
const SLOW = { ...toyRun('concurrency', { repeats: 2, title: 'Slow engine', slower: 2 }), id: 'slow' };

test('rename, search, delete, export everything and import it again', async () => {
  const page = await lab.visit();
  await importRuns(page, lab, [FAST, SLOW, toyCheck()]);
  const rows = page.getByRole('main').getByRole('listitem');
  expect(await rows.count()).toBe(3);

  await page.getByRole('button', { name: 'Rename Fast engine' }).click();
  await page.getByLabel('New title').fill('Quick engine');
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'Quick engine' }).waitFor();

  await page.getByLabel('Search runs').fill('quick');
  await expect.poll(() => rows.count()).toBe(1);
  await page.getByLabel('Search runs').fill('');

  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export everything' }).click();
  const exported = await readFile(await (await download).path(), 'utf8');

  for (const title of ['Quick engine', 'Slow engine']) {
    await page.getByRole('button', { name: `Delete ${title}` }).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByRole('link', { name: title }).waitFor({ state: 'detached' });
  }
  await page.reload();
  await expect.poll(() => rows.count()).toBe(1);

  await page.getByLabel('Run files to import').setInputFiles(jsonFile('all.json', exported));
  await page.getByText('2 runs imported').waitFor();
  await page.getByRole('link', { name: 'Quick engine' }).waitFor();
});

test('two runs stand beside each other in every figure', async () => {
  const page = await lab.visit();
  await importRuns(page, lab, [FAST, SLOW]);
  await page.getByLabel('Choose Fast engine for comparison').check();
  await page.getByLabel('Choose Slow engine for comparison').check();
  await page.getByRole('button', { name: 'Compare two' }).click();
  const figure = page.locator('[data-figure="fig2_tps_vs_concurrency"]');
  await figure.waitFor();
  const legend = figure.locator('svg');
  await expect.poll(() => legend.textContent()).toContain('Fast engine');
  expect(await legend.textContent()).toContain('Slow engine');
});

test('a run saves as JSON that reads again, as CSV, its figures as SVG and 300-dpi PNG', async () => {
  const page = await lab.visit();
  await importRuns(page, lab, [FAST]);
  await page.getByRole('link', { name: 'Fast engine' }).click();
  const figure = page.locator('[data-figure="fig2_tps_vs_concurrency"]');
  await figure.waitFor();
  const save = async (button: ReturnType<typeof page.getByRole>): Promise<Buffer> => {
    const download = page.waitForEvent('download');
    await button.click();
    return readFile(await (await download).path());
  };
  expect(JSON.parse((await save(page.getByRole('button', { name: 'Save JSON' }))).toString())).toEqual(FAST);
  const csv = (await save(page.getByRole('button', { name: 'Save requests, CSV' })))
    .toString()
    .trim()
    .split('\r\n');
  const requests = FAST.points.flatMap(({ repetitions }) => repetitions.flatMap(({ requests }) => requests));
  expect(csv).toHaveLength(requests.length + 1);
  const points = (await save(page.getByRole('button', { name: 'Save points, CSV' })))
    .toString()
    .trim()
    .split('\r\n');
  expect(points).toHaveLength(FAST.points.length + 1);
  const svg = (await save(figure.getByRole('button', { name: 'Save SVG' }))).toString();
  expect(svg).toMatch(/^<svg .*<\/svg>\s*$/s);
  const png = await save(figure.getByRole('button', { name: /Save PNG/ }));
  expect(png.subarray(1, 4).toString()).toBe('PNG');
  expect(png.readUInt32BE(16)).toBe(2100);
  expect(png.includes('pHYs')).toBe(true);
});

test('the requests stand in a table, point by point', async () => {
  const page = await lab.visit();
  await importRuns(page, lab, [FAST]);
  await page.getByRole('link', { name: 'Fast engine' }).click();
  await page.getByText('Requests, one row each').click();
  const rows = page.getByRole('region', { name: 'Requests' }).locator('tbody tr');
  await expect.poll(() => rows.count()).toBe(2);
  await page.getByLabel('Point', { exact: true }).selectOption({ label: 'concurrency 4' });
  await expect.poll(() => rows.count()).toBe(8);
});

test.each([
  { what: 'no JSON', document: '{"version": 1,', says: 'not valid JSON' },
  { what: 'a newer run', document: { ...FAST, version: 99 }, says: 'version 99, newer' },
  { what: 'a missing kind', document: { version: 1 }, says: 'no kind' },
  {
    what: 'a key that reaches prototypes',
    document: '{"version":1,"kind":"lab","__proto__":{"x":1}}',
    says: '__proto__',
  },
  { what: 'deep nesting', document: `${'['.repeat(5000)}${']'.repeat(5000)}`, says: 'levels deep' },
])('a file with $what is refused in one sentence and changes nothing', async ({ document, says }) => {
  const page = await lab.visit({ hash: '#/runs' });
  await page.getByLabel('Run files to import').setInputFiles(jsonFile('bad.json', document));
  await page.getByText(says).waitFor();
  await page.getByText('0 runs imported').waitFor();
  await page.getByText('Nothing is kept yet').waitFor();
});

test('a title from outside never becomes markup', async () => {
  const page = await lab.visit();
  const title = '<img src=x onerror=alert(1)>';
  await importRuns(page, lab, [{ ...FAST, title, notes: [title] }]);
  await page.getByRole('link', { name: title }).click();
  await page.getByRole('heading', { name: title }).waitFor();
  expect(await page.locator('main img').count()).toBe(0);
});

test('a full disk quota is one sentence', async () => {
  const page = await lab.visit({ hash: '#/runs' });
  const devtools = await page.context().newCDPSession(page);
  const { origin } = new URL(lab.host.url);
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 2000 });
  const bytes = toyRun('sharedPrefix', { title: 'Too large' });
  await page.getByLabel('Run files to import').setInputFiles(jsonFile('large.json', bytes));
  await page.getByText('storage is full; delete old runs').waitFor();
});

test('a run that is not here says where it may be', async () => {
  const page = await lab.visit({ hash: '#/runs/nowhere' });
  await page.getByText('not kept in this browser').waitFor();
});
