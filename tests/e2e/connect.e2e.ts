/** Real servers from the page: probe, load with its course, refusals told apart, watch, acts; no other host is ever asked. */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright';
import { afterEach, expect, test } from 'vitest';
import { encodeScenarioLink } from '../../src/core/scenario/link.ts';
import { fakeServer, streaming, type FakeOptions, type FakeServer } from '../endpoints/server.ts';
import { smallLoad } from '../endpoints/support.ts';
import { findings } from './support/axe.ts';
import { useLab, type VisitOptions } from './support/lab.ts';

const lab = useLab();
const servers: FakeServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
  // What a browser refuses stands in its console too; that is what these tests ask for.
  const expected = lab.problems.filter((text) => !/CORS|net::ERR|Failed to load resource/.test(text));
  lab.problems.splice(0, lab.problems.length, ...expected);
});

async function serverOf(options: FakeOptions = {}): Promise<FakeServer> {
  const server = await fakeServer({ cors: true, completion: streaming(15), ...options });
  servers.push(server);
  return server;
}

const KEY = 'a-secret-key';

async function probed(page: Page, url: string): Promise<void> {
  await page.getByLabel('Address of the server').fill(url);
  await page.getByLabel('Key, where it asks for one').fill(KEY);
  await page.getByRole('button', { name: 'Probe' }).click();
}

async function opened(layer: Parameters<typeof smallLoad>[0], options: VisitOptions = {}): Promise<Page> {
  const link = await encodeScenarioLink(smallLoad(layer), null);
  const page = await lab.visit({ ...options, hash: `#/connect?link=${link}` });
  await page.getByText('This load came with a link').waitFor();
  return page;
}

const LAYER = {
  title: 'A small load',
  workload: { requests: 24, outputTokens: { kind: 'fixed', tokens: 12 } },
  measurement: { repeats: 1, calibrationRepeats: 1, warmupRequests: 1 },
};

test('a load is sent, drawn while it comes, measured beside predicted, and kept without address or key', async () => {
  const server = await serverOf();
  const page = await opened(LAYER);
  const hosts = new Set<string>();
  page.context().on('request', (request) => hosts.add(new URL(request.url()).host));
  await probed(page, server.url);
  await page.getByText('vLLM 0.1').waitFor();
  await page.getByRole('button', { name: 'Send the load' }).click();
  await page.locator('[data-figure="load_output_rate"] svg').first().waitFor();
  await page.getByRole('progressbar', { name: 'Load' }).waitFor();
  const row = page.getByRole('region', { name: 'Measured beside predicted' }).locator('tbody tr');
  await row.first().waitFor();
  expect(await row.first().textContent()).toMatch(/24 \/ 0 \/ 0/);
  await page.locator('[data-figure="load_ttft_cdf"] svg').first().waitFor();
  expect(await findings(page)).toEqual([]);

  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save JSON' }).click(),
  ]);
  const file = await readFile(await download.path(), 'utf8');
  expect(JSON.parse(file)).toMatchObject({ kind: 'load', complete: true, model: 'tiny' });
  const { host, port } = new URL(server.url);
  for (const secret of [host, port, KEY]) expect(file).not.toContain(secret);
  await page.getByRole('button', { name: 'Copy link to the load' }).click();
  const link = await page.getByLabel('The link').inputValue();
  for (const secret of [port, KEY]) expect(link).not.toContain(secret);
  expect(server.sent.every(({ key }) => key === `Bearer ${KEY}`)).toBe(true);
  expect([...hosts].toSorted()).toEqual([host, new URL(lab.host.url).host].toSorted());

  await page.getByRole('link', { name: 'Open under Runs, compare' }).click();
  await page.getByRole('heading', { level: 1, name: 'A small load' }).waitFor();
  await page.getByRole('button', { name: 'Open in Connect' }).click();
  await page.getByRole('heading', { level: 1, name: 'Connect' }).waitFor();
  await row.first().waitFor();
});

test('a cancel ends the load at once; what came is kept', async () => {
  const server = await serverOf({ completion: streaming(200) });
  const page = await opened({
    ...LAYER,
    measurement: { repeats: 1, calibrationRepeats: 0, warmupRequests: 0 },
  });
  await probed(page, server.url);
  await page.getByText('vLLM 0.1').waitFor();
  await page.getByRole('button', { name: 'Send the load' }).click();
  await page.locator('[data-figure="load_in_flight"] svg').first().waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByText('not complete').waitFor();
  await page.getByText('The load was cancelled.').first().waitFor();
});

test('each refusal is told apart and answered with the command to paste', async () => {
  const page = await opened(LAYER);
  const alert = page.getByRole('region', { name: 'The server' }).getByRole('alert');
  const command = page.getByRole('region', { name: 'The same on the command line' });

  const closed = await serverOf({ cors: false });
  await probed(page, closed.url);
  await alert.getByText(/does not let other pages ask it \(CORS\)/).waitFor();
  const text = await command.textContent();
  expect(text).toContain(`--endpoint ${closed.url}`);
  expect(text).toContain('KVLAB_ENDPOINT_KEY=…');
  expect(text).not.toContain(KEY);

  await probed(page, 'http://127.0.0.1:9');
  await alert.getByText(/Nobody listens/).waitFor();

  const site = await serverOf({ documents: { '/v1/models': '<!doctype html><title>x</title>' } });
  await probed(page, site.url);
  await alert.getByText(/web page \(HTML\)/).waitFor();

  await probed(page, 'gpu:8000');
  await alert.getByText(/no address|can’t be reached/).waitFor();
});

const METRICS =
  '# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running 3\nvllm:num_requests_waiting 2\nvllm:kv_cache_usage_perc 0.95\n';

test('a server is watched with alerts, and pasted metrics are read', async () => {
  const server = await serverOf({ documents: { '/metrics': METRICS } });
  const page = await lab.visit({ hash: '#/connect/watch' });
  await page.getByLabel('Address of the server').fill(server.url);
  await page.getByLabel('Looks').fill('4');
  await page.getByLabel('Every, s').fill('0.2');
  await page.getByRole('button', { name: 'Watch', exact: true }).click();
  await page.getByText('Over-used: the KV cache was 95 % full').waitFor();
  await page.getByRole('link', { name: 'Open under Runs' }).waitFor();
  await page.locator('[data-figure="load_kv_use"] svg').first().waitFor();
  await page.getByLabel('Metrics as text').fill('sglang:num_running_reqs 7\nsglang:token_usage 0.5');
  await page.getByRole('button', { name: 'Read it' }).click();
  await page.getByRole('region', { name: 'Metrics by name' }).getByText('sglang:num_running_reqs').waitFor();
  expect(await findings(page)).toEqual([]);
});

test('a slot of llama.cpp is saved; what a server can’t do is not offered', async () => {
  const models = '{"data":[{"id":"m","owned_by":"llamacpp"}]}';
  const server = await serverOf({
    documents: {
      '/v1/models': models,
      '/props': '{"total_slots":2,"build_info":"b1"}',
      '/slots/1?action=save': '{"n_saved":12,"n_written":3400}',
    },
  });
  const page = await lab.visit({ hash: '#/connect/act' });
  await probed(page, server.url);
  await page.getByText('llama.cpp b1').waitFor();
  await page.getByLabel('Slot', { exact: true }).selectOption('1');
  await page.getByRole('button', { name: 'Save the slot' }).click();
  await page.getByText('Slot 1 was saved as kvlab-slot.bin (12 tokens, 3,400 bytes).').waitFor();
  expect(await findings(page)).toEqual([]);
  const plain = await serverOf();
  await probed(page, plain.url);
  await page.getByRole('button', { name: 'Empty the prefix cache' }).waitFor();
  expect(await page.getByRole('button', { name: 'Save the slot' }).count()).toBe(0);
});

test('390 px need no horizontal scrolling, in the dark axe finds nothing serious', async () => {
  const page = await lab.visit({ scheme: 'dark', width: 390, hash: '#/connect?story=load-ramp' });
  await page.getByRole('heading', { level: 1, name: 'Connect' }).waitFor();
  await page.locator('summary', { has: page.getByRole('heading', { name: 'Every input' }) }).click();
  expect(await findings(page)).toEqual([]);
  for (const view of ['Watch', 'Act']) {
    await page
      .getByRole('navigation', { name: 'Views of real servers' })
      .getByRole('link', { name: view })
      .click();
    await page.getByRole('region', { name: view === 'Watch' ? 'The watch' : 'Act on the server' }).waitFor();
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBeLessThanOrEqual(0);
  }
});
