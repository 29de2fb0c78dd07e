import { expect, test } from 'vitest';
import { migrateRun, parseRun, RUN_KINDS } from '../../../src/core/run/parse.ts';
import { parseRunLazily } from '../../../src/core/run/parse-lazily.ts';
import type { Run } from '../../../src/core/run/schema.ts';
import { toyPlanRun } from '../../charts/plan-runs.ts';
import { checkRun, labRun, point, repetition, request } from '../../support/runs.ts';

const run = labRun([point()]);

test.each<Run>([run, checkRun(), checkRun({ received: 'link' }), toyPlanRun()])(
  'a $kind run is read as it is, as text and as an object',
  async (each) => {
    expect(parseRun(each)).toEqual({ ok: true, run: each });
    expect(parseRun(JSON.stringify(each))).toEqual({ ok: true, run: each });
    expect(await parseRunLazily(JSON.stringify(each))).toEqual({ ok: true, run: each });
  },
);

function withRequest(changes: object) {
  return labRun([point({ repetitions: [repetition({ requests: [{ ...request(), ...changes }] })] })]);
}

const refusals: { name: string; input: unknown; says: string }[] = [
  { name: 'no JSON', input: 'x', says: 'This run is not valid JSON; check for a missing bracket or quote.' },
  { name: 'a list', input: [], says: 'A run is a JSON object; this is none.' },
  { name: 'no version', input: { kind: 'lab' }, says: 'This run has no version; add "version": 1.' },
  {
    name: 'a newer version',
    input: { ...run, version: 2 },
    says: 'This run has version 2, newer than 1, which is the newest read here; update KV Lab.',
  },
  {
    name: 'another kind',
    input: { ...run, kind: 'sim' },
    says: `This run has no kind; ${[...RUN_KINDS].join(', ')} is needed. Is it another file?`,
  },
  {
    name: 'a plan without its rows',
    input: { ...toyPlanRun(), rows: undefined },
    says: 'rows is missing; add it.',
  },
  { name: 'a missing field', input: { ...run, points: undefined }, says: 'points is missing; add it.' },
  {
    name: 'a negative count',
    input: withRequest({ promptTokens: -1 }),
    says: 'points.0.repetitions.0.requests.0.promptTokens is -1; the least is 0.',
  },
  {
    name: 'a time that is a word',
    input: withRequest({ endMs: 'late' }),
    says: 'points.0.repetitions.0.requests.0.endMs is "late"; a number is needed.',
  },
  {
    name: 'Infinity',
    input: withRequest({ endMs: Infinity }),
    says: 'points.0.repetitions.0.requests.0.endMs is Infinity; a finite number is needed.',
  },
  {
    name: '__proto__',
    input: '{"version":1,"__proto__":{"x":1}}',
    says: '__proto__ is not allowed as a name; remove it.',
  },
  {
    name: 'a title that is too long',
    input: { ...run, title: 'x'.repeat(121) },
    says: 'title has a length of 121; the most is 120.',
  },
  {
    name: 'an unknown field',
    input: { ...run, profit: 1 },
    says: 'profit is not part of the run; remove it.',
  },
  {
    name: 'a scenario that is none',
    input: { ...run, scenario: { ...run.scenario, seed: -1 } },
    says: 'scenario.seed is -1; the least is 0.',
  },
  {
    name: 'too many points',
    input: { ...run, points: Array.from({ length: 1025 }, () => point()) },
    says: 'points has a length of 1025; the most is 1024.',
  },
];

test.each(refusals)('refuses $name in one sentence', async ({ input, says }) => {
  expect(parseRun(input)).toEqual({ ok: false, sentence: says });
  expect(await parseRunLazily(input)).toEqual({ ok: false, sentence: says });
});

test('old documents are lifted version by version', () => {
  const migrations = {
    1: (document: object) => ({ ...document, steps: ['1 to 2'] }),
    2: (document: { steps?: unknown }) => ({
      ...document,
      steps: [...(document.steps as string[]), '2 to 3'],
    }),
  };
  expect(migrateRun({ version: 1 }, 3, migrations)).toEqual({ version: 3, steps: ['1 to 2', '2 to 3'] });
  expect(migrateRun({ version: 2, steps: [] }, 3, migrations)).toEqual({ version: 3, steps: ['2 to 3'] });
  expect(migrateRun({ version: 3 }, 3, migrations)).toEqual({ version: 3 });
  expect(migrateRun({ version: 0 }, 3, migrations)).toEqual({ version: 0 });
});
