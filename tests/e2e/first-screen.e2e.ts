/** The first screen: what it says, what it fetches, what it does while nothing is measured. */
import { expect, test } from 'vitest';
import { useLab } from './support/lab.ts';

const lab = useLab();

/** Compressed bytes until the first screen answers. */
const BUDGET_BYTES = 150_000;

test('says what it is, shows a finished run and offers one button, within its budget of bytes', async () => {
  const page = await lab.visit({ serviceWorker: false });
  await page.getByRole('heading', { level: 1 }).waitFor();
  const figure = page.getByRole('figure');
  await figure.locator('svg').first().waitFor();
  const check = page.getByRole('button', { name: 'Check this GPU' });
  await expect.poll(() => check.isEnabled()).toBe(true);
  // The adapter's name stands in the header once the GPU worker has answered: both workers are in the count.
  await page
    .getByText(/SwiftShader/i)
    .first()
    .waitFor();
  const bytes = lab.host.sent.reduce((sum, { bytes }) => sum + bytes, 0);
  const workers = lab.host.sent.filter(({ path }) => /worker/.test(path));
  expect(workers).toHaveLength(2);
  console.info(`First screen: ${(bytes / 1000).toFixed(1)} kB compressed of ${BUDGET_BYTES / 1000} kB.`);
  expect(bytes).toBeLessThanOrEqual(BUDGET_BYTES);
});

test('the theme goes by hand from the system’s to light to dark and is remembered', async () => {
  const page = await lab.visit({ scheme: 'light' });
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await ground();
  const button = page.getByRole('button', { name: /^Colours/ });
  await button.click();
  await button.click();
  await expect.poll(ground).not.toBe(light);
  const dark = await ground();
  await page.reload();
  await page.getByRole('heading', { level: 1 }).waitFor();
  expect(await ground()).toBe(dark);
});

test('an address that is no room leads to the first screen and says so', async () => {
  const page = await lab.visit({ hash: '#/engine-room' });
  await page.getByText('There is no room “engine-room” here').waitFor();
  await page.getByRole('button', { name: 'Check this GPU' }).waitFor();
});

test('every room of the header opens, and none is shown that is not built', async () => {
  const page = await lab.visit();
  const rooms = page.getByRole('navigation', { name: 'Rooms' }).getByRole('link');
  expect(await rooms.allTextContents()).toEqual([
    'Check',
    'Lab',
    'Simulate',
    'Model',
    'Plan',
    'Tune',
    'Connect',
    'Autopilot',
    'Teach',
    'Runs',
    'About',
  ]);
  const cards = page.getByRole('main').getByRole('listitem').getByRole('link');
  expect(await cards.allTextContents()).toEqual([
    'Check',
    'Lab',
    'Simulate',
    'Model',
    'Plan',
    'Tune',
    'Connect',
    'Autopilot',
    'Teach',
    'Runs',
  ]);
  for (const [name, heading] of [
    ['Check', 'Hardware check'],
    ['Lab', 'Lab'],
    ['Simulate', 'Simulate'],
    ['Model', 'Model'],
    ['Plan', 'Plan'],
    ['Tune', 'Tune'],
    ['Connect', 'Connect'],
    ['Autopilot', 'Autopilot'],
    ['Teach', 'Teach'],
    ['Runs', 'Runs'],
    ['About', 'About KV Lab'],
  ] as const) {
    await rooms.filter({ hasText: name }).click();
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    expect(await page.title()).toContain(name);
  }
  // The worked example has no place in the header: two rooms lead to it.
  await rooms.filter({ hasText: 'Simulate' }).click();
  await page.getByRole('link', { name: 'Worked example' }).click();
  await page.getByRole('heading', { level: 1, name: 'Ten blocks of four tokens' }).waitFor();
  await rooms.filter({ hasText: 'Teach' }).click();
  await page.getByRole('link', { name: 'Ten blocks of four tokens' }).click();
  await page.getByRole('heading', { level: 1, name: 'Ten blocks of four tokens' }).waitFor();
});

test('the page’s policy lets no inline code run', async () => {
  const page = await lab.visit();
  const blocked = await page.evaluate(
    () =>
      new Promise<string>((resolve) => {
        document.addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective));
        const script = document.createElement('script');
        script.textContent = 'window.ran = true';
        document.head.append(script);
      }),
  );
  expect(blocked).toBe('script-src-elem');
  expect(await page.evaluate(() => 'ran' in window)).toBe(false);
  // The violation that was provoked is heard by the watch over every page; one that was not would fail its test.
  expect(lab.problems.splice(0).join()).toContain('Content Security Policy');
});
