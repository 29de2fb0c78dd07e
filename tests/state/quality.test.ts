import { describe, expect, it } from 'vitest';
import { cellsOf } from '../../src/core/scenario/quality/cells.ts';
import { decodeLink } from '../../src/core/scenario/link.ts';
import { presetQuality } from '../../src/core/scenario/presets.ts';
import { ALL_FORMATS, numbersOf, QualityForm } from '../../src/state/quality-form.svelte.ts';

describe('the form of a quality experiment', () => {
  it('begins with a story and changes its lists', () => {
    const form = new QualityForm();
    expect(form.scenario).toEqual(presetQuality('quality-formats'));
    const before = form.cells;
    form.toggle('cache.kFormats', 'int2', ALL_FORMATS);
    expect(form.cells).toBe(before - 1);
    form.set('tasks.recall.distances', numbersOf('16, 64'));
    expect(form.scenario?.tasks.recall.distances).toEqual([16, 64]);
    expect(form.value('tasks.recall.distances')).toBe('16, 64');
  });

  it('says what is wrong and keeps the rest', () => {
    const form = new QualityForm();
    form.toggle('cache.policies', 'h2o', ['none', 'h2o']);
    expect(form.problem).toContain('cache.budgets is empty');
    expect(form.scenario).toBeNull();
    form.set('cache.budgets', [64]);
    expect(form.problem).toBeNull();
    form.set('tasks.recall.samples', Number.NaN);
    expect(form.problem).toContain('tasks.recall.samples');
  });

  it('does not make smaller what a person chose', () => {
    const form = new QualityForm();
    form.set('tasks.recall.samples', 40);
    expect(form.scenario?.softwareAdapter).not.toHaveProperty(['tasks.recall.samples']);
  });

  it('travels in a link', async () => {
    const form = new QualityForm();
    form.choose('quality-outliers');
    const link = await form.link();
    const opened = await decodeLink(link ?? '');
    expect(opened.ok && opened.kind).toBe('quality');
    expect(opened.ok && opened.kind === 'quality' ? cellsOf(opened.scenario) : []).toHaveLength(form.cells);
  });
});
