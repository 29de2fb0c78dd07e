/** Links: what one page makes, a fresh profile opens; what is broken or hostile gives a sentence and changes nothing. */
import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { encodeCheckLink, packLink } from '../../src/core/scenario/link.ts';
import { toyCheck } from '../charts/runs.ts';
import { useLab } from './support/lab.ts';

const lab = useLab();

async function scenarioText(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'JSON', exact: true }).click();
  return page.getByLabel(/The scenario as one JSON document/).inputValue();
}

test('a link opens the same experiment in a fresh profile', async () => {
  const here = await lab.visit({ hash: '#/lab' });
  await here.getByLabel('Experiment', { exact: true }).selectOption({ label: 'Eviction policy by budget' });
  await here.getByLabel('Concurrency', { exact: true }).fill('3');
  await here.getByLabel('Values of axis 2, separated by commas').fill('128, 256');
  await here.getByRole('button', { name: 'Copy link' }).click();
  const link = await here.getByLabel('The link').inputValue();
  const made = await scenarioText(here);
  expect(JSON.parse(made)).toMatchObject({ workload: { concurrency: 3 } });

  const there = await lab.visit({ hash: new URL(link).hash });
  await there.getByText('This experiment came with a link').waitFor();
  expect(await scenarioText(there)).toBe(made);
});

test('a card’s link shows the card and whose word it is', async () => {
  const check = toyCheck();
  const page = await lab.visit({ hash: `#${await encodeCheckLink(check)}` });
  await page.getByRole('heading', { name: check.title }).waitFor();
  await page.getByText('From a link: these numbers are as its sender wrote them').first().waitFor();
});

const HOSTILE: readonly { what: string; make: () => Promise<string>; says: RegExp }[] = [
  { what: 'a newer version', make: async () => 's99.abc.123', says: /newer KV Lab/ },
  {
    what: 'a cut end',
    make: async () => (await packLink('s1', '{"set":{"workload":{"concurrency":7}}}')).slice(0, 30),
    says: /cut off or damaged/,
  },
  { what: '64 kB and more', make: async () => `s1.${'A'.repeat(66_000)}.1`, says: /characters; at most/ },
  {
    what: 'what unpacks to megabytes',
    make: () => packLink('s1', `{"set":{"about":"${' '.repeat(5_000_000)}"}}`),
    says: /unpacks to more/,
  },
  {
    what: 'deep nesting',
    make: () => packLink('s1', `{"set":${'['.repeat(9000)}${']'.repeat(9000)}}`),
    says: /nested|levels/,
  },
  {
    what: 'a way to prototypes',
    make: () => packLink('s1', '{"set":{"__proto__":{"polluted":true},"constructor":{}}}'),
    says: /not allowed as a name/,
  },
  {
    what: 'a context of 10⁹',
    make: () => packLink('s1', '{"set":{"workload":{"promptTokens":1000000000}}}'),
    says: /1000000000; the most is/,
  },
  { what: 'no link at all', make: async () => '%3Cscript%3Ealert(1)%3C/script%3E', says: /no KV Lab link/ },
];

test.each(HOSTILE)('a link with $what gives one sentence and changes nothing', async ({ make, says }) => {
  const page = await lab.visit({ hash: '#/lab' });
  await page.getByLabel('Concurrency', { exact: true }).fill('5');
  const link = await make();
  await page.evaluate((hash) => (location.hash = hash), link);
  const alert = page.getByRole('alert');
  await alert.waitFor();
  expect(await alert.textContent()).toMatch(says);
  expect(await page.getByLabel('Concurrency', { exact: true }).inputValue()).toBe('5');
  expect(await page.evaluate(() => Object.hasOwn(Object.prototype, 'polluted'))).toBe(false);
});

test('a bad link in a fresh profile leaves a page that works', async () => {
  const page = await lab.visit({ hash: '#s1.broken.1' });
  await page.getByText('Nothing was changed').waitFor();
  await page.getByRole('link', { name: 'Runs' }).click();
  await page.getByRole('heading', { name: 'Runs' }).waitFor();
});
