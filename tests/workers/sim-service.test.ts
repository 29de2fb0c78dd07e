/** The simulator's service without a worker around it: runs, partial results, files and their refusals. */
import { expect, test } from 'vitest';
import type { SimRun } from '../../src/core/run/simulation.ts';
import { DEFAULT_SIMULATION } from '../../src/core/scenario/simulate/defaults.ts';
import { lightRun } from '../../src/workers/light-run.ts';
import { NO_INPUTS, type SimProgress } from '../../src/workers/sim-api.ts';
import { createSimService } from '../../src/workers/sim-service.ts';
import { toySimRun } from '../charts/sim-runs.ts';

const quiet = (): void => undefined;

function bench(keep: (run: SimRun) => Promise<void> = async () => undefined) {
  const kept: SimRun[] = [];
  let [ms, ids] = [0, 0];
  const service = createSimService({
    // Every look at the clock is 60 ms later, so that partial results are due.
    now: () => (ms += 60),
    date: () => '2026-01-02T03:04:05.000Z',
    newId: () => `run-${++ids}`,
    appVersion: '0.0.0-test',
    keep: async (run) => {
      await keep(run);
      kept.push(run);
    },
  });
  return { service, kept };
}

const SMALL = { ...DEFAULT_SIMULATION, workload: { ...DEFAULT_SIMULATION.workload, requests: 60 } };
const LARGER = { ...DEFAULT_SIMULATION, workload: { ...DEFAULT_SIMULATION.workload, requests: 600 } };

test('a run comes back with its stamp and its first rows, and all of it is kept', async () => {
  const { service, kept } = bench();
  const outcome = await service.run(LARGER, NO_INPUTS, quiet);
  if (!outcome.ok) throw new Error(outcome.error.message);
  const { run, keepProblem } = outcome.value;
  expect([keepProblem, run.id, run.complete, run.appVersion]).toEqual([null, 'run-1', true, '0.0.0-test']);
  expect(kept.map(({ id }) => id)).toEqual(['run-1']);
  const rows = (of: SimRun | undefined) => of?.points[0]?.repetitions[0]?.requests.arrivalMs.length;
  expect([rows(kept[0]), rows(run)]).toEqual([600, 200]);
  expect(run).toEqual(lightRun(kept[0] ?? run));
});

test('what is there so far comes while it runs, and is part of the whole', async () => {
  const { service } = bench();
  const heard: SimProgress[] = [];
  const outcome = await service.run(LARGER, NO_INPUTS, (progress) => void heard.push(progress));
  const partials = heard.flatMap(({ partial }) => partial ?? []);
  expect(partials.length).toBeGreaterThan(0);
  const finished = partials.map(({ points }) => points[0]?.repetitions[0]?.summary.finished ?? 0);
  expect(finished).toEqual(finished.toSorted((a, b) => a - b));
  expect(partials.every(({ complete }) => !complete)).toBe(true);
  const whole = outcome.ok ? outcome.value.run.points[0]?.repetitions[0]?.summary.finished : null;
  expect(whole).toBe(600);
});

test('a run that cannot be kept is there all the same and says why', async () => {
  const full = async (): Promise<void> => {
    throw new Error('This browser’s storage is full; delete old runs.');
  };
  const outcome = await bench(full).service.run(SMALL, NO_INPUTS, quiet);
  expect(outcome.ok && outcome.value.keepProblem).toBe('This browser’s storage is full; delete old runs.');
});

const AZURE = 'TIMESTAMP,ContextTokens,GeneratedTokens\n';

test('a trace is read whole and told in numbers', async () => {
  const { service } = bench();
  const text = `${AZURE}2023-11-16 18:15:46.0,100,10\n2023-11-16 18:15:48.5,300,30\n`;
  const outcome = await service.readTrace(new File([text], 'azure.csv'), quiet);
  expect(outcome).toEqual({
    ok: true,
    value: {
      name: 'azure.csv',
      requests: 2,
      seconds: 2.5,
      meanPromptTokens: 200,
      meanOutputTokens: 20,
      blockTokens: null,
      reusable: null,
    },
  });
});

test.each([
  { what: 'no number', text: `${AZURE}2023-11-16 18:15:46.0,many,10\n`, says: /^Line 2 .*prompt/ },
  {
    what: 'going back in time',
    text: `${AZURE}2023-11-16 18:15:46.0,100,10\n2023-11-16 18:15:40.0,100,10\n`,
    says: /^Line 3 .*before the line above/,
  },
  { what: 'nothing', text: '', says: /without a single request/ },
])('a trace with $what is refused with its line', async ({ text, says }) => {
  const outcome = await bench().service.readTrace(new File([text], 'bad.csv'), quiet);
  expect(outcome.ok ? '' : outcome.error.message).toMatch(says);
});

test('a line that is cut between two pieces of the stream is one line', async () => {
  const { service } = bench();
  const rows = Array.from({ length: 20_000 }, (_, i) => `${i},${100 + (i % 7)},${1 + (i % 5)}`);
  const outcome = await service.readTrace(
    new File([`time,prompt,output\n${rows.join('\n')}`], 'plain.csv'),
    quiet,
  );
  expect(outcome.ok && [outcome.value.requests, outcome.value.seconds]).toEqual([20_000, 19_999]);
});

test('a scenario runs on the trace that is given beside it', async () => {
  const { service } = bench();
  const trace = new File([`time,prompt,output\n0,50,5\n1,60,6\n2,70,7\n`], 'three.csv');
  const scenario = {
    ...DEFAULT_SIMULATION,
    workload: { ...DEFAULT_SIMULATION.workload, requests: 0, trace: { name: 'three.csv', speed: 1 } },
  };
  const outcome = await service.run(scenario, { ...NO_INPUTS, trace }, quiet);
  const requests = outcome.ok ? outcome.value.run.points[0]?.repetitions[0]?.requests : undefined;
  expect(requests?.promptTokens).toEqual([50, 60, 70]);
});

test('a recording without its files is refused by name', async () => {
  const { service } = bench();
  const file = (path: string, text = '') => ({
    path,
    file: new File([text], path.split('/').at(-1) ?? path),
  });
  const missing = await service.replay([file('run/meta.json', '{}')], quiet);
  expect(missing.ok ? '' : missing.error.message).toContain('requests.jsonl is missing');
  const twice = await service.replay(
    [file('a/meta.json'), file('b/meta.json'), file('a/requests.jsonl')],
    quiet,
  );
  expect(twice.ok ? '' : twice.error.message).toContain('2 files are meta.json');
});

test('a light run is a run, with the total of its requests', () => {
  const run = toySimRun();
  const light = lightRun(run, 10);
  const requests = light.points[0]?.repetitions[0]?.requests;
  expect([requests?.total, requests?.endMs.length]).toEqual([500, 10]);
  expect(light.points[0]?.repetitions[0]?.summary).toEqual(run.points[0]?.repetitions[0]?.summary);
});
