/** The tuner's states without a page, on the service that the worker has. */
import { expect, test } from 'vitest';
import type { Run } from '../../src/core/run/schema.ts';
import type { TuneRun } from '../../src/core/run/tune.ts';
import { parseTuning } from '../../src/core/scenario/parse.ts';
import { presetTuning, TUNE_PRESETS } from '../../src/core/scenario/presets.ts';
import type { TuneScenario } from '../../src/core/scenario/tune/schema.ts';
import { entryOf, type RunEntry } from '../../src/store/runs.ts';
import { numberList } from '../../src/state/number-list.ts';
import {
  axesOf,
  readValues,
  showValues,
  TUNE_GROUPS,
  tuneParts,
  tunePlan,
  withAxis,
} from '../../src/state/tune-form.ts';
import { rankedRows, tuneHeadline, tuneNumbers } from '../../src/state/tune-words.ts';
import { TuneRoom, type TunePort } from '../../src/state/tune.svelte.ts';
import { createTuneService } from '../../src/workers/tune-service.ts';
import type { OnTuneNews } from '../../src/workers/tune-api.ts';

let clock = 0;
const service = createTuneService({
  now: () => (clock += 200),
  date: () => '2026-01-01T00:00:00.000Z',
  newId: () => 'a-tuning',
  appVersion: '0',
  pause: () => Promise.resolve(),
});

/** Four candidates in one cell. */
function small(): TuneScenario {
  const parsed = parseTuning({
    version: 1,
    kind: 'tune',
    title: 'A small tuning',
    profile: { name: 'ci-micro' },
    space: { kvFormat: ['bf16', 'fp8'], maxSequences: [4, 16] },
    budget: { share: 1 },
  });
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.scenario;
}

/** A library in memory. */
function shelf() {
  const kept = new Map<string, Run>();
  return {
    kept,
    entries: [] as RunEntry[],
    refresh(): Promise<void> {
      this.entries = [...kept.values()].map(entryOf);
      return Promise.resolve();
    },
    open: (id: string) => Promise.resolve(kept.get(id) ?? null),
    keep: (run: Run) => {
      kept.set(run.id, run);
      return Promise.resolve(null);
    },
  };
}

function room(library = shelf(), simulator: TunePort = { ...service, reset: () => undefined }): TuneRoom {
  return new TuneRoom({
    ports: { simulator, kernels: simulator, engine: simulator, endpoint: simulator },
    texts: service,
    library,
    tab: null,
    now: () => (clock += 200),
  });
}

test('a tuning runs to its end, is kept, and says who won in words', async () => {
  const library = shelf();
  const tune = room(library);
  tune.setup.take(small());
  await tune.start();
  expect(tune.status).toBe('done');
  expect(tune.fault).toBeNull();
  const { run } = tune;
  if (run === null) throw new Error('A run is expected.');
  expect(run.complete).toBe(true);
  expect(library.kept.get(run.id)?.kind).toBe('tune');
  expect(tuneHeadline(run)).not.toBe('');
  expect(tuneNumbers(run).every(({ value }) => value !== 'none')).toBe(true);
  expect(rankedRows(run).length).toBe(run.rows.length);
  const texts = await service.texts(run);
  expect(texts.ok && texts.value?.applied.map(({ target }) => target)).toContain('vllm');
  expect(texts.ok && texts.value?.applied[0]?.file).toBe('best_plan.json');
  expect(await tune.report(run, 'html')).toContain('<svg');
  expect(await tune.report(run, 'md')).toContain('A small tuning');
});

test('a cancel keeps what was measured, and going on measures nothing twice', async () => {
  const library = shelf();
  let heard = 0;
  const stopping: TunePort = {
    run: (scenario, resume, onNews) => {
      const counted: OnTuneNews = (news) => {
        onNews(news);
        if (++heard === 3) service.cancel();
      };
      return service.run(scenario, resume, counted);
    },
    cancel: () => service.cancel(),
    reset: () => undefined,
  };
  const first = room(library, stopping);
  first.setup.take(small());
  await first.start();
  const cut = first.run;
  expect(cut?.complete).toBe(false);
  const taken = cut?.samples.candidate.length ?? 0;
  expect(taken).toBeGreaterThan(0);

  // Another visit finds it, and goes on with the same id.
  const next = room(library);
  await next.enter();
  expect(next.stopped?.title).toBe('A small tuning');
  await next.goOn();
  expect(next.run?.complete).toBe(true);
  expect(next.run?.id).toBe(cut?.id);
  expect(next.stopped).toBeNull();

  const whole = room();
  whole.setup.take(small());
  await whole.start();
  const scores = (run: TuneRun | null) => run?.rows.map(({ score }) => score?.value);
  expect(scores(next.run)).toEqual(scores(whole.run));
});

test('a worker that breaks leaves what was heard of it, with its sentence', async () => {
  const library = shelf();
  const breaking: TunePort = {
    run: async (scenario, resume, onNews) => {
      await service.run(scenario, resume, onNews);
      return { ok: false, error: { code: 'failed', message: 'The worker broke.', data: null } };
    },
    cancel: () => undefined,
    reset: () => undefined,
  };
  const tune = room(library, breaking);
  tune.setup.take(small());
  await tune.start();
  expect(tune.status).toBe('failed');
  expect(tune.fault?.text).toBe('The worker broke.');
  expect(tune.run?.complete).toBe(false);
  expect(library.kept.size).toBe(1);
});

test('what is about to be done is told in numbers, and follows the space', () => {
  const scenario = small();
  expect(tunePlan(scenario)).toMatchObject({ candidates: 4, cells: 1, full: 4 * scenario.budget.repeats });
  const tune = room();
  tune.setup.take(scenario);
  tune.setup.set('space', withAxis(scenario, 'blockSize', readValues('16, 32')));
  const changed = tune.setup.draft.scenario;
  if (changed === null) throw new Error('The space reads.');
  expect(tunePlan(changed).candidates).toBe(8);
  expect(axesOf(changed).find(({ axis }) => axis === 'blockSize')?.values).toEqual([16, 32]);
  tune.setup.set('space', withAxis(changed, 'kvFormat', readValues('int5')));
  expect(tune.setup.draft.scenario).toBeNull();
  expect(tune.setup.draft.problems).not.toEqual([]);
});

test('values are written and read as text', () => {
  expect(readValues('on, off 16; paged')).toEqual([true, false, 16, 'paged']);
  expect(showValues([true, 16, 'paged'])).toBe('on, 16, paged');
  expect(numberList('16, 32 64')).toEqual([16, 32, 64]);
  expect(numberList('16, many')).toBeNull();
  expect(numberList(' ')).toBeNull();
});

test.each(TUNE_PRESETS.map(({ name }) => ({ name })))('$name has cells to measure', ({ name }) => {
  const plan = tunePlan(presetTuning(name));
  expect(plan.candidates).toBeGreaterThan(1);
  expect(plan.most).toBeGreaterThan(0);
});

test('every setting of the form has words', () => {
  const tune = room();
  const parts = TUNE_GROUPS.flatMap(({ paths }) => paths).flatMap((path) =>
    tuneParts(tune.setup.draft.document, path),
  );
  expect(parts.filter(({ path, label }) => label === path || label === path.split('.').at(-1))).toEqual([]);
});

test('a link opens the same tuning', async () => {
  const here = room();
  here.setup.take(small());
  const link = await here.setup.link();
  const there = room();
  await there.setup.follow({ link: link?.replace('/tune?link=', '') ?? null, story: null });
  expect(there.setup.draft.scenario).toEqual(small());
});
