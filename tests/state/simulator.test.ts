/** The simulator's states without a worker: progress, partial runs, cancel, files, two sides. */
import { expect, test } from 'vitest';
import { DEFAULT_SIMULATION } from '../../src/core/scenario/simulate/defaults.ts';
import { SIMULATE } from '../../src/state/route.ts';
import { changesBetween, SimCompare } from '../../src/state/sim-compare.svelte.ts';
import { SimFiles } from '../../src/state/sim-files.svelte.ts';
import { SimSession, SimTask, type SimPort } from '../../src/state/sim-session.svelte.ts';
import { SimSetup } from '../../src/state/sim-setup.svelte.ts';
import {
  NO_INPUTS,
  type KeptRun,
  type OnSimProgress,
  type Outcome,
  type SimWorkerApi,
} from '../../src/workers/sim-api.ts';
import { toySimRun } from '../charts/sim-runs.ts';
import { deferred, failed, settle } from './doubles.ts';

/** A worker whose one answer the test gives; ended, it answers `cancelled` as the client does. */
function bench() {
  let answer = deferred<Outcome<KeptRun>>();
  const heard: { progress: OnSimProgress } = { progress: () => undefined };
  let [refreshed, cancelled] = [0, 0];
  const run: SimWorkerApi['run'] = (_scenario, _inputs, onProgress) => {
    answer = deferred();
    heard.progress = onProgress;
    return answer.promise;
  };
  const port: SimPort = {
    api: { run } as Partial<SimWorkerApi> as SimWorkerApi,
    cancel: () => {
      cancelled++;
      answer.resolve(failed('cancelled', 'Cancelled.'));
    },
  };
  const library = { refresh: async () => void refreshed++ };
  return {
    session: new SimSession(port, library),
    port,
    heard,
    resolve: (outcome: Outcome<KeptRun>) => answer.resolve(outcome),
    counts: () => ({ refreshed, cancelled }),
  };
}

const RUN = toySimRun();
const PARTIAL = { ...RUN, complete: false };

test('a run shows what is there so far, then the whole, and the list of runs is read again', async () => {
  const { session, heard, resolve, counts } = bench();
  const started = session.start(DEFAULT_SIMULATION, NO_INPUTS);
  heard.progress({ fraction: 0.5, message: 'Half', partial: PARTIAL });
  expect([session.task.busy, session.task.progress.message, session.run]).toEqual([true, 'Half', PARTIAL]);
  resolve({ ok: true, value: { run: RUN, keepProblem: null } });
  await started;
  expect([session.task.busy, session.run, counts().refreshed]).toEqual([false, RUN, 1]);
});

test('a cancelled run keeps on screen what it had, says so, and is no fault', async () => {
  const { session, heard, counts } = bench();
  const started = session.start(DEFAULT_SIMULATION, NO_INPUTS);
  heard.progress({ fraction: 0.5, message: 'Half', partial: PARTIAL });
  session.cancel();
  await started;
  expect([session.task.status, session.task.fault, session.run?.complete]).toEqual(['idle', null, false]);
  expect(session.run?.notes.at(-1)).toContain('Cancelled');
  expect(counts()).toEqual({ refreshed: 0, cancelled: 1 });
});

test('an impossible scenario is one sentence, and the next run starts clean', async () => {
  const { session, resolve } = bench();
  const started = session.start(DEFAULT_SIMULATION, NO_INPUTS);
  resolve(failed('failed', 'Weights of 140 GB do not fit into 72 GB.'));
  await started;
  expect([session.task.status, session.task.fault?.text]).toEqual([
    'failed',
    'Weights of 140 GB do not fit into 72 GB.',
  ]);
  const again = session.start(DEFAULT_SIMULATION, NO_INPUTS);
  expect(session.task.fault).toBeNull();
  resolve({ ok: true, value: { run: RUN, keepProblem: 'Full.' } });
  await again;
  expect(session.keepProblem).toBe('Full.');
});

test('what a second question overtook is not heard any more', async () => {
  const { port } = bench();
  const task = new SimTask<string>(port);
  const first = deferred<Outcome<string>>();
  const asked = task.ask(() => first.promise);
  const second = task.ask(async () => ({ ok: true, value: 'second' }));
  first.resolve({ ok: true, value: 'first' });
  expect([await asked, await second, task.value]).toEqual([null, 'second', 'second']);
});

test('a worker that throws is a sentence, never a task without an end', async () => {
  const { port } = bench();
  const task = new SimTask<string>(port);
  await task.ask(() => Promise.reject(new Error('The message could not be sent.')));
  expect([task.status, task.fault?.text]).toEqual(['failed', 'The message could not be sent.']);
});

test('a scenario lacks the files that it names', () => {
  const files = new SimFiles({ readTrace: async () => failed('trace', 'Line 2 of the trace: no.') });
  const { workload } = DEFAULT_SIMULATION;
  const traced = { ...DEFAULT_SIMULATION, workload: { ...workload, trace: { name: 'a', speed: 1 } } };
  expect([files.lacks(DEFAULT_SIMULATION), files.lacks(traced)]).toEqual([false, true]);
  expect(files.lacks({ ...DEFAULT_SIMULATION, cost: { kind: 'table', name: 'p' } })).toBe(true);
});

test('a bad trace is refused with its file and line, and the one before it stays', async () => {
  const facts = {
    ...{ name: 'good.csv', requests: 2, seconds: 1, meanPromptTokens: 1, meanOutputTokens: 1 },
    ...{ blockTokens: null, reusable: null },
  };
  const files = new SimFiles({
    readTrace: async (file) =>
      file.name === 'good.csv' ? { ok: true, value: facts } : failed('trace', 'Line 2 of the trace: no.'),
  });
  await files.takeTrace(new File(['x'], 'good.csv'));
  expect(await files.takeTrace(new File(['x'], 'bad.csv'))).toBeNull();
  expect([files.fault?.text, files.facts?.name]).toEqual(['bad.csv: Line 2 of the trace: no.', 'good.csv']);
});

test('A and B are the two first points of a sweep, with seeds for an interval', () => {
  const { port } = bench();
  const swept = { ...DEFAULT_SIMULATION, sweep: [{ path: 'engine.cachePolicy', values: ['lru', 'sieve'] }] };
  const compare = new SimCompare(port, { refresh: async () => undefined }, swept);
  expect(compare.changes).toEqual([{ path: 'engine.cachePolicy', a: 'lru', b: 'sieve' }]);
  expect([compare.a.scenario?.repeats, compare.a.scenario?.sweep]).toEqual([5, []]);
  compare.copyToB();
  expect(compare.changes).toEqual([]);
});

test('a comparison travels as a link; a broken one changes nothing', async () => {
  const { port } = bench();
  const make = () => new SimCompare(port, { refresh: async () => undefined }, DEFAULT_SIMULATION);
  const here = make();
  here.b.set('engine.tokenBudget', 512);
  const link = new URLSearchParams((await here.link())?.split('?')[1]);
  const there = make();
  await there.openLinks(link.get('link') ?? '', link.get('with') ?? '');
  expect(there.changes).toEqual(here.changes);
  await there.openLinks('s1.broken', 's1.broken');
  expect(there.linkProblem).toMatch(/\.$/);
  expect(there.changes).toEqual(here.changes);
});

test('changes are told setting by setting, parts as a whole', () => {
  const a = { engine: { blockSize: 16 }, cluster: { tiers: [] as string[], router: 'round-robin' } };
  const b = { engine: { blockSize: 32 }, cluster: { tiers: ['host'], router: 'round-robin' } };
  expect(changesBetween(a, b)).toEqual([
    { path: 'engine.blockSize', a: '16', b: '32' },
    { path: 'cluster.tiers', a: '[]', b: '["host"]' },
  ]);
});

test('an address names a story and a seed once; an unknown story changes nothing', async () => {
  const setup = new SimSetup();
  await setup.follow({ ...SIMULATE, story: 'ten-blocks', seed: 9 });
  expect([setup.story, setup.draft.scenario?.seed]).toEqual(['ten-blocks', 9]);
  setup.draft.set('seed', 3);
  await setup.follow({ ...SIMULATE, story: 'ten-blocks', seed: 9 });
  expect(setup.draft.scenario?.seed).toBe(3);
  await setup.follow({ ...SIMULATE, story: 'nowhere' });
  expect(setup.problem).toContain('There is no story “nowhere”');
  expect(setup.story).toBe('ten-blocks');
  await settle();
});
