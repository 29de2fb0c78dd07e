/**
 * The same against a real llama.cpp server, whose address is in KVLAB_TEST_ENDPOINT, such as http://127.0.0.1:8099, with
 * --metrics, four slots and --slot-save-path. KVLAB_TEST_START is a command that starts another one, which the tests stop, slow
 * and kill, at the address in KVLAB_TEST_STARTED. Without the variables the tests are skipped, in words.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';
import { summarizeLoad } from '../../src/core/metrics/load/summary.ts';
import { actOnServer } from '../../src/endpoints/control.ts';
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
});

real('saves a slot with what it holds, erases it and restores it', { timeout: MINUTES }, async () => {
  const endpoint = endpointAt(url);
  const server = await probe(endpoint);
  await loadOn(
    url,
    smallLoad({ workload: { requests: 8, arrivals: { kind: 'closed', users: 4, thinkSeconds: 0 } } }),
  );
  const act = (name: 'save' | 'erase' | 'restore') =>
    actOnServer(endpoint, server, { act: `${name} a slot`, slot: 0, file: 'kvlab-test.bin' });
  const tokens = (said: string): number => Number(/\((\d+) tokens/.exec(said)?.[1]);
  const saved = tokens(await act('save'));
  expect(saved).toBeGreaterThan(0);
  expect(tokens(await act('erase'))).toBe(saved);
  expect(tokens(await act('restore'))).toBe(saved);
  expect(await actOnServer(endpoint, server, { act: 'reset the prefix cache', slot: 0, file: '' })).toMatch(
    /emptied/,
  );
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

const start = process.env['KVLAB_TEST_START'] ?? '';
const startedAt = process.env['KVLAB_TEST_STARTED'] ?? '';
const own = test.skipIf(start === '' || startedAt === '');

test('a real server that may be killed', ({ skip }) => {
  skip(start === '' || startedAt === '', 'No command: set KVLAB_TEST_START and KVLAB_TEST_STARTED.');
});

let started: ChildProcess | null = null;
afterEach(() => void signalled('SIGKILL'));

function signalled(signal: NodeJS.Signals): void {
  if (started?.pid !== undefined && started.exitCode === null && started.signalCode === null)
    process.kill(-started.pid, signal);
}

async function running(): Promise<void> {
  started = spawn(start, { shell: true, detached: true, stdio: 'ignore' });
  await expect
    .poll(
      () =>
        probe(endpointAt(startedAt)).then(
          () => true,
          () => false,
        ),
      { timeout: MINUTES },
    )
    .toBe(true);
}

const STREAMS = {
  requests: 40,
  arrivals: { kind: 'closed', users: 8, thinkSeconds: 0 },
  outputTokens: { kind: 'fixed', tokens: 200 },
};

own(
  'is killed in the middle: what came is kept, the rest is not sent',
  { timeout: 3 * MINUTES },
  async () => {
    await running();
    let ended = 0;
    const run = await loadOn(startedAt, smallLoad({ workload: STREAMS }), {
      onCourse: (news) => {
        if (news.kind === 'request' && ++ended === 6) signalled('SIGKILL');
      },
    });
    const record = run.points[0]?.repetitions[0]?.measured;
    if (!record) throw new Error('No record.');
    const { summary, errors, notSent } = summarizeLoad(record, NONE);
    expect(run.complete).toBe(false);
    expect(run.notes.join(' ')).toMatch(/The server was gone/);
    expect(summary.finished).toBeGreaterThanOrEqual(6);
    expect(
      (errors['connection lost'] ?? 0) + (errors['unreachable'] ?? 0) + (errors['stream cut'] ?? 0),
    ).toBeGreaterThan(0);
    expect(notSent).toBeGreaterThan(0);
  },
);

own(
  'is stopped for two seconds: the wait is in the latencies, and nothing fails',
  { timeout: 3 * MINUTES },
  async () => {
    await running();
    let ended = 0;
    const run = await loadOn(startedAt, smallLoad({ workload: { ...STREAMS, requests: 16 } }), {
      onCourse: (news) => {
        if (news.kind !== 'request' || ++ended !== 4) return;
        signalled('SIGSTOP');
        setTimeout(() => signalled('SIGCONT'), 2000);
      },
    });
    const record = run.points[0]?.repetitions[0]?.measured;
    if (!record) throw new Error('No record.');
    const { summary, failed } = summarizeLoad(record, NONE);
    expect([summary.finished, failed]).toEqual([16, 0]);
    expect(summary.e2eMs?.max).toBeGreaterThan(1900);
  },
);
