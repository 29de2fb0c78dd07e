/** After the first visit the page needs no network. */
import { expect, inject, test } from 'vitest';
import { serve } from './support/server.ts';
import { useLab } from './support/lab.ts';

const lab = useLab();

test('reloads, opens every room and its runs with the host gone', async () => {
  const host = await serve(inject('dist'));
  const page = await lab.visit();
  await page.goto(host.url);
  await page.getByText('works offline').waitFor();
  await host.close();
  await page.reload();
  await page.getByRole('heading', { level: 1 }).waitFor();
  for (const room of ['Check', 'Lab', 'Simulate', 'Runs', 'About']) {
    await page.getByRole('navigation', { name: 'Rooms' }).getByRole('link', { name: room }).click();
    await expect.poll(() => page.title()).toContain(room);
    await page.getByRole('heading', { level: 1 }).waitFor();
  }
  await page.goto(`${host.url}#/runs/demo`);
  await page.getByRole('figure').first().waitFor();
});
