import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { answerOf, readMeasure } from '../../../src/core/lesson/answer.ts';
import { findLesson, LESSONS, lessonScenario } from '../../../src/core/lesson/lessons.ts';
import type { Lesson } from '../../../src/core/lesson/schema.ts';
import { expandSweep } from '../../../src/core/scenario/sweep.ts';
import { labRun, point, repetition, step } from '../../support/runs.ts';

const FOLDER = fileURLToPath(new URL('../../../scenarios/lessons', import.meta.url));

describe('the lessons', () => {
  it('are all files of their folder', () => {
    const files = readdirSync(FOLDER).map((file) => file.replace(/\.json$/, ''));
    expect(LESSONS.map(({ name }) => name).toSorted()).toEqual(files.toSorted());
  });

  it.each(LESSONS)('$name: no two choices can be right at once', ({ lesson }) => {
    const ranges = lesson.choices.map(({ from, to }) => [from ?? -Infinity, to ?? Infinity] as const);
    for (const [from, to] of ranges) expect(from).toBeLessThan(to);
    const sorted = ranges.toSorted((a, b) => a[0] - b[0]);
    for (const [i, [from]] of sorted.entries())
      expect(from).toBeGreaterThanOrEqual(sorted[i - 1]?.[1] ?? -Infinity);
  });

  it.each(LESSONS)('$name: its scenario parses, as it is and with every change', (named) => {
    const { of, over } = named.lesson.quantity;
    for (const value of [undefined, ...named.lesson.change.options.map((option) => option.value)]) {
      const scenario = lessonScenario(named, value);
      const points = (scenario.kind === 'lab' ? expandSweep(scenario) : expandSweep(scenario)).length;
      expect(Math.max(of.point, over?.point ?? 0)).toBeLessThan(points);
    }
  });

  it('change what their option says', () => {
    const named = findLesson('why-a-cache');
    if (!named) throw new Error('missing');
    expect(lessonScenario(named, 1024)).toMatchObject({ workload: { promptTokens: 1024 } });
  });
});

describe('an answer', () => {
  const steps = [step({ phase: 'prefill', wallMs: 12 }), step({ phase: 'decode', wallMs: 3 })];
  const run = labRun([point({ repetitions: [repetition({ steps })] })]);
  const why = findLesson('why-a-cache')?.lesson;
  const withChoices = (choices: Lesson['choices']): Lesson => {
    if (!why) throw new Error('missing');
    return { ...why, choices };
  };

  it('is the choice whose range holds the measured quantity', () => {
    const prefill = readMeasure(run, { point: 0, metric: 'prefillMs' });
    const decode = readMeasure(run, { point: 0, metric: 'decodeStepMs' });
    if (prefill === null || decode === null) throw new Error('The run has no steps.');
    const value = prefill / decode;
    expect(value).toBe(4);
    const below = { text: 'less', from: null, to: value };
    const above = { text: 'more', from: value, to: null };
    expect(answerOf(withChoices([below, above]), run)).toEqual({ value, choice: 1 });
    expect(answerOf(withChoices([above, below]), run)).toEqual({ value, choice: 0 });
  });

  it('is missing where the run has no such point or metric', () => {
    expect(readMeasure(run, { point: 60, metric: 'prefillMs' })).toBeNull();
    expect(readMeasure(run, { point: 0, metric: 'nothing' })).toBeNull();
  });
});
