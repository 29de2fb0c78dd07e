/** The lessons: predict, run, read the answer, change one thing; on a slide, on a phone and without a GPU. */
import type { Page } from 'playwright';
import { describe, expect, test } from 'vitest';
import { answerOf } from '../../src/core/lesson/answer.ts';
import { findLesson, LESSONS, lessonScenario } from '../../src/core/lesson/lessons.ts';
import { runSimulation } from '../../src/sim/run.ts';
import { findings } from './support/axe.ts';
import { NO_GPU_ARGS, useLab } from './support/lab.ts';

const RUN = /That is my prediction/;

/** Chooses the first answer and commits to it. */
async function predict(page: Page): Promise<void> {
  expect(await page.getByRole('button', { name: RUN }).isDisabled()).toBe(true);
  await page.getByRole('radio').first().check();
  await page.getByRole('button', { name: RUN }).click();
  await page.getByText('what the run says').waitFor({ timeout: 120_000 });
}

/** Text of the choice that the run makes right. */
async function answered(page: Page): Promise<string> {
  const label = page.locator('label', { hasText: 'what the run says' });
  return ((await label.textContent()) ?? '').replace('what the run says', '').trim();
}

describe('with a GPU', () => {
  const lab = useLab();

  test.each(LESSONS)('$name answers on the page what its run says', async ({ name, lesson }) => {
    const page = await lab.visit({ hash: `#/teach/${name}` });
    await page.getByRole('heading', { level: 1, name: lesson.title }).waitFor();
    await predict(page);
    expect(await page.getByRole('radio').first().isDisabled()).toBe(true);
    await page.getByText(lesson.remember).waitFor();
    const named = findLesson(name);
    const scenario = named && lessonScenario(named);
    if (scenario?.kind !== 'simulate') return;
    // The worker of the page and this process simulate the same.
    const answer = answerOf(lesson, runSimulation(scenario));
    expect(await answered(page)).toBe(lesson.choices[answer?.choice ?? -1]?.text);
    const [option] = lesson.change.options;
    await page.getByRole('button', { name: option?.label ?? '', exact: true }).click();
    await page.getByText(`${lesson.change.label}: ${option?.label}`).waitFor({ timeout: 60_000 });
  });

  test.each(['light', 'dark'] as const)('axe finds nothing serious, %s', async (scheme) => {
    const page = await lab.visit({ hash: '#/teach', scheme });
    await page.getByRole('heading', { level: 1, name: 'Teach' }).waitFor();
    expect(await findings(page)).toEqual([]);
    await page.getByRole('link', { name: 'What a token costs' }).click();
    await predict(page);
    expect(await findings(page)).toEqual([]);
  });

  test('a lesson for a slide stands alone, and fits a phone', async () => {
    const page = await lab.visit({ hash: '#/teach/bytes-per-token?embed', width: 390 });
    await page.getByRole('heading', { level: 1, name: 'What a token costs' }).waitFor();
    expect(await page.getByRole('navigation').count()).toBe(0);
    await predict(page);
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBeLessThanOrEqual(0);
  });

  test('is taken by keyboard alone, and says so when a lesson is not there', async () => {
    const page = await lab.visit({ hash: '#/teach/no-such-lesson' });
    await page.getByText('There is no lesson “no-such-lesson”').waitFor();
    await page.getByRole('link', { name: 'Prefix reuse' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('radio').first().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('what the run says').waitFor({ timeout: 60_000 });
  });
});

describe('without a GPU', () => {
  const lab = useLab(NO_GPU_ARGS);

  test('a lesson that measures shows a recorded run and says so', async () => {
    const page = await lab.visit({ hash: '#/teach/why-a-cache' });
    await predict(page);
    await page.getByText(/a recorded run, because there is no GPU to measure here/).waitFor();
    await page.getByText('a recorded run answers its own question only').waitFor();
  });
});
