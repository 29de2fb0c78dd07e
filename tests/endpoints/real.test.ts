/**
 * The same against a real llama.cpp server, whose address is in KVLAB_TEST_ENDPOINT, such as http://127.0.0.1:8099, with
 * --metrics and four slots. Without the variable the tests are skipped, in words.
 */
import { expect, test } from 'vitest';
import { summarizeLoad } from '../../src/core/metrics/load/summary.ts';
import { actOnSlot } from '../../src/endpoints/control.ts';
import { probe } from '../../src/endpoints/probe.ts';
import { scrape } from '../../src/endpoints/telemetry.ts';
import { endpointAt, loadOn, smallLoad } from './support.ts';

const url = process.env['KVLAB_TEST_ENDPOINT'] ?? '';
const real = test.skipIf(url === '');
const NONE = { ttftMs: null, tpotMs: null, e2eMs: null };
const MINUTES = 60_000;

test('a real server', ({ skip }) => {
  skip(url === '', 'No server: set KVLAB_TEST_ENDPOINT to the address of a llama.cpp server.');
});

real('says what it is, and its metrics are read', async () => {
  const told = await probe(endpointAt(url));
  expect(told).toMatchObject({ kind: 'llama.cpp', metrics: true });
  expect(told.version).toMatch(/^b\d+/);
  expect((await scrape(endpointAt(url))).telemetry).toMatchObject({
    running: expect.any(Number),
    waiting: expect.any(Number),
  });
  await actOnSlot(endpointAt(url), 0, 'erase');
});

real(
  'gives eight streams at once the tokens that were asked for, in both APIs and as ids',
  { timeout: 4 * MINUTES },
  async () => {
    const workload = {
      requests: 8,
      arrivals: { kind: 'closed', users: 8, thinkSeconds: 0 },
      outputTokens: { kind: 'fixed', tokens: 6 },
    };
    const layers = [{ api: 'completions' }, { api: 'chat' }, { prompts: { as: 'ids' } }];
    for (const layer of layers) {
      const run = await loadOn(url, smallLoad({ workload, ...layer, telemetrySeconds: 0.2 }));
      const record = run.points[0]?.repetitions[0]?.measured;
      if (!record) throw new Error('No record.');
      const { summary, failed } = summarizeLoad(record, NONE);
      expect([summary.finished, failed]).toEqual([8, 0]);
      expect(record.requests.outputTokens).toEqual(new Array(8).fill(6));
      expect(record.telemetry.length).toBeGreaterThan(0);
      if (layer.prompts)
        expect(record.requests.promptTokens.every((tokens) => tokens === 20 || tokens === 21)).toBe(true);
    }
  },
);

real('is not asked for a model that it does not have', async () => {
  await expect(loadOn(url, smallLoad({ model: 'nowhere' }))).rejects.toMatchObject({ kind: 'wrong model' });
});
