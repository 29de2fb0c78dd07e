/** Every view for people who use a keyboard, a screen reader, a phone, or ask for less motion. */
import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { encodeCheckLink } from '../../src/core/scenario/link.ts';
import { toyCheck, toyRun } from '../charts/runs.ts';
import { findings } from './support/axe.ts';
import { importRuns, useLab } from './support/lab.ts';

const lab = useLab();

const RUN = { ...toyRun('mixedLengths', { repeats: 2, title: 'A run with everything' }), id: 'everything' };
const CHECK = toyCheck();

interface View {
  readonly name: string;
  open(page: Page): Promise<void>;
}

const go = (hash: string, heading: string): View['open'] => {
  return async (page) => {
    await page.goto(`${lab.host.url}${hash}`);
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
  };
};

const VIEWS: readonly View[] = [
  { name: 'first screen', open: go('#/', 'A laboratory') },
  { name: 'check', open: go('#/check', 'Hardware check') },
  {
    name: 'card',
    open: async (page) => {
      await page.goto(`${lab.host.url}#${await encodeCheckLink(CHECK)}`);
      await page.getByRole('heading', { name: CHECK.title }).waitFor();
    },
  },
  { name: 'lab', open: go('#/lab', 'Lab') },
  {
    name: 'lab as JSON, with a mistake',
    open: async (page) => {
      await go('#/lab', 'Lab')(page);
      await page.getByRole('button', { name: 'JSON', exact: true }).click();
      await page.getByLabel(/The scenario as one JSON document/).fill('{');
      await page.getByLabel(/The scenario as one JSON document/).blur();
      await page.getByText('not valid JSON').first().waitFor();
    },
  },
  {
    name: 'lab with every part open and a wrong field',
    open: async (page) => {
      await go('#/lab', 'Lab')(page);
      await page.evaluate(() => document.querySelectorAll('details').forEach((part) => (part.open = true)));
      await page.getByLabel('Concurrency', { exact: true }).fill('none');
      await page.getByText('a number is needed').first().waitFor();
    },
  },
  {
    name: 'runs',
    open: async (page) => {
      await importRuns(page, lab, [RUN]);
    },
  },
  {
    name: 'run',
    open: async (page) => {
      await importRuns(page, lab, [RUN]);
      await page.getByRole('link', { name: RUN.title }).click();
      await page.getByRole('figure').first().waitFor();
      await page.getByText('Requests, one row each').click();
    },
  },
  { name: 'about', open: go('#/about', 'About KV Lab') },
  { name: 'nowhere', open: go('#/nowhere', 'A laboratory') },
];

/** Fonts and figures have settled. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(() => document.fonts.ready);
  await page.waitForTimeout(150);
}

for (const scheme of ['light', 'dark'] as const) {
  test.each(VIEWS)(`axe finds nothing serious, ${scheme}: $name`, async ({ open }) => {
    const page = await lab.visit({ scheme });
    await open(page);
    await settled(page);
    expect(await findings(page)).toEqual([]);
  });
}

test.each(VIEWS)('390 px need no horizontal scrolling: $name', async ({ open }) => {
  const page = await lab.visit({ width: 390 });
  await open(page);
  await settled(page);
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow).toBeLessThanOrEqual(0);
});

test('the keyboard alone reaches the content and the first button, and sees where it is', async () => {
  const page = await lab.visit();
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content');
  await page.keyboard.press('Enter');
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('MAIN');
  await page.keyboard.press('Tab');
  const focused = await page.evaluate(() => {
    const element = document.activeElement;
    return {
      text: element?.textContent?.trim(),
      outline: element ? getComputedStyle(element).outlineStyle : 'none',
    };
  });
  expect(focused).toEqual({ text: 'Check this GPU', outline: 'solid' });
});

test('entering a room moves the focus to its content', async () => {
  const page = await lab.visit();
  await page.getByRole('navigation', { name: 'Rooms' }).getByRole('link', { name: 'Runs' }).press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Runs' }).waitFor();
  await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe('MAIN');
});

test('a definition opens on focus and closes on Escape', async () => {
  const page = await lab.visit({ hash: '#/check' });
  const hint = page.getByRole('button', { name: 'Largest single buffer' });
  await hint.waitFor();
  await hint.focus();
  const tip = page.getByRole('tooltip').filter({ hasText: 'One layer’s KV pool is one buffer' });
  await tip.waitFor({ state: 'visible' });
  await page.keyboard.press('Escape');
  await tip.waitFor({ state: 'hidden' });
});

test('who asks for less motion gets none', async () => {
  const page = await lab.visit({ reducedMotion: true });
  await page.getByRole('heading', { level: 1 }).waitFor();
  const longest = await page.evaluate(() =>
    Math.max(
      ...[...document.querySelectorAll('*')].flatMap((element) => {
        const { transitionDuration, animationDuration } = getComputedStyle(element);
        return `${transitionDuration}, ${animationDuration}`
          .split(',')
          .map((text) => Number.parseFloat(text));
      }),
    ),
  );
  expect(longest).toBeLessThanOrEqual(0.001);
});
