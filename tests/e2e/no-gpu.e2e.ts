/** A browser without WebGPU: one sentence, and everything but measuring. */
import { expect, test } from 'vitest';
import { toyRun } from '../charts/runs.ts';
import { importRuns, NO_GPU_ARGS, useLab } from './support/lab.ts';

const lab = useLab(NO_GPU_ARGS);

test('says what is missing and what to do, and measures nothing', async () => {
  const page = await lab.visit();
  await page
    .getByText(/offers no WebGPU.*use Chrome|found no GPU it may use.*hardware acceleration/)
    .waitFor();
  expect(await page.getByRole('button', { name: 'Check this GPU' }).isDisabled()).toBe(true);
  await page.goto(`${lab.host.url}#/lab`);
  await page.getByRole('heading', { level: 1, name: 'Lab' }).waitFor();
  expect(await page.getByRole('button', { name: 'Run', exact: true }).isDisabled()).toBe(true);
});

test('a page whose WebGPU is taken away says so in the same way', async () => {
  const page = await lab.visit({
    before: () => Object.defineProperty(Navigator.prototype, 'gpu', { value: undefined, configurable: true }),
  });
  await page.getByText(/offers no WebGPU/).waitFor();
});

test('runs open, compare and save all the same', async () => {
  const page = await lab.visit();
  await importRuns(page, lab, [{ ...toyRun('blockSize', { repeats: 2, title: 'From elsewhere' }), id: 'x' }]);
  await page.getByRole('link', { name: 'From elsewhere' }).click();
  await page.getByRole('figure').first().waitFor();
  await page.getByRole('button', { name: 'Open in the lab' }).click();
  await page.getByRole('heading', { level: 1, name: 'Lab' }).waitFor();
});
