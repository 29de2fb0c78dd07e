/**
 * A model by its repository's name on the page itself: fetched, run, kept, run again with the hub gone, deleted.
 *
 * What the page asks of huggingface.co is answered by a server on this machine, to which the browser's requests are
 * turned; the hub itself is never reached.
 */
import type { BrowserContext } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { referenceBytes, referenceText, whyNoReferenceData } from '../reference-data.ts';
import { COMMIT, startHub, type HubServer } from '../support/hub-server.ts';
import { useLab } from './support/lab.ts';

const HUB = 'https://huggingface.co';
const FOLDER = 'weights/tinystories-656k';
const REPO = 'owner/tinystories-656k';
const missing = whyNoReferenceData('weights/golden_greedy.json');
const lab = useLab();

let hub: HubServer;
beforeAll(async () => {
  hub = await startHub();
  if (missing !== null) return;
  const files = new Map<string, Uint8Array>();
  for (const name of ['config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json']) {
    files.set(name, await referenceBytes(`${FOLDER}/${name}`));
  }
  hub.repositories.set(REPO, { commit: COMMIT, files });
});
afterAll(() => hub?.close());

/** The connection breaks whenever the weights themselves are asked for. */
let breaksAtWeights = false;

/** Turns the hub's address to the server on this machine. */
async function redirectHub(context: BrowserContext): Promise<void> {
  await context.route(`${HUB}/**`, async (route) => {
    const request = route.request();
    const { pathname, search } = new URL(request.url());
    if (breaksAtWeights && pathname.endsWith('model.safetensors')) return route.abort('connectionreset');
    const headers = await request.allHeaders();
    const answer = await fetch(`${hub.url}${pathname}${search}`, {
      headers: Object.fromEntries(
        Object.entries(headers).filter(([name]) => ['range', 'authorization'].includes(name)),
      ),
    });
    await route.fulfill({
      status: answer.status,
      headers: { ...Object.fromEntries(answer.headers), 'access-control-allow-origin': '*' },
      body: Buffer.from(await answer.arrayBuffer()),
    });
  });
}

describe.skipIf(missing !== null)(`a repository by name${missing ? ` (skipped: ${missing})` : ''}`, () => {
  test('breaks off, is fetched, speaks, is kept, speaks again without the hub, and is deleted', async () => {
    const golden = JSON.parse(referenceText('weights/golden_greedy.json'))['tinystories-656k'];
    const context = await lab.browser.newContext({ serviceWorkers: 'block' });
    await redirectHub(context);
    const page = await lab.visit({ context, hash: '#/model' });
    const which = page.getByRole('region', { name: 'The loaded model' });
    const answer = page.getByRole('region', { name: 'What the model says' });
    const openSources = () =>
      which.locator('details', { hasText: 'Another model' }).evaluate((details) => {
        if (details instanceof HTMLDetailsElement) details.open = true;
      });

    const generate = async (): Promise<void> => {
      await page.getByLabel('Prompt', { exact: true }).fill(golden.prompt_text);
      await page.getByLabel('New tokens').fill('12');
      await page.getByRole('button', { name: 'Generate' }).click();
      await answer.getByText('a little girl named Lily').waitFor({ timeout: 60_000 });
    };

    await expect
      .poll(() => page.getByRole('button', { name: 'Generate' }).isEnabled(), { timeout: 60_000 })
      .toBe(true);
    await openSources();
    await page.getByLabel('Repository of the Hugging Face hub').fill(REPO);
    breaksAtWeights = true;
    await page.getByRole('button', { name: 'Fetch' }).click();
    await which.getByRole('alert').filter({ hasText: 'model.safetensors' }).waitFor({ timeout: 60_000 });
    expect(await which.getByRole('alert').textContent()).toMatch(/load it again|check the network/);
    breaksAtWeights = false;
    await page.getByRole('button', { name: 'Fetch' }).click();
    await which.getByText(REPO).first().waitFor({ timeout: 60_000 });
    await expect
      .poll(() => page.getByRole('button', { name: 'Generate' }).isEnabled(), { timeout: 60_000 })
      .toBe(true);
    await generate();
    const asked = hub.log.length;
    expect(asked).toBeGreaterThan(3);

    hub.faults.statuses = Array.from({ length: 100 }, () => 503);
    await page.reload();
    await expect
      .poll(() => page.getByRole('button', { name: 'Generate' }).isEnabled(), { timeout: 60_000 })
      .toBe(true);
    await openSources();
    await which.getByRole('button', { name: REPO, exact: true }).click();
    await page.getByText('Loading the model').first().waitFor();
    await expect
      .poll(() => page.getByRole('button', { name: 'Generate' }).isEnabled(), { timeout: 60_000 })
      .toBe(true);
    await generate();
    // Only the listing was asked for again, in vain.
    expect(hub.log.slice(asked).every((line) => line.includes('/api/models/'))).toBe(true);
    hub.faults.statuses = [];

    await openSources();
    await which.getByRole('button', { name: `Delete ${REPO}` }).click();
    await which.getByText(`${REPO} is deleted`).waitFor();
    expect(await which.getByRole('button', { name: `Delete ${REPO}` }).count()).toBe(0);
    // The browser reports each refused request of the listing.
    expect(lab.problems.splice(0).filter((problem) => !/503|ERR_CONNECTION_RESET/.test(problem))).toEqual([]);
  });
});
