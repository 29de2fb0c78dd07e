/** Every kind of run has a report that says what it was; pairs of unlike kinds stand beside each other where both have requests. */
import { describe, expect, test } from 'vitest';
import { sampledRun } from '../../../src/core/metrics/regression/index.ts';
import type { Run } from '../../../src/core/run/schema.ts';
import { runReport, runReportHtml, runReportMarkdown } from '../../../src/exchange/report/run-report.ts';
import { toyCheck, toyRun } from '../../charts/runs.ts';
import { loadRun, telemetryAt, watchRun } from '../../charts/load-runs.ts';
import { toySimRun } from '../../charts/sim-runs.ts';
import { RUNS } from '../write/runs.ts';

const ALL: readonly Run[] = [...Object.values(RUNS).map((make) => make()), toyCheck(), toyRun('concurrency')];

describe.each(ALL.map((run) => ({ kind: run.kind, run })))('$kind', ({ run }) => {
  test('a report in both forms', () => {
    const text = runReportMarkdown(run);
    expect(text.startsWith('# ')).toBe(true);
    expect(text.length).toBeGreaterThan(200);
    expect(text).not.toMatch(/undefined|\[object|NaN|Infinity/);
    const html = runReportHtml(run);
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).not.toMatch(/<script/);
  });

  test('go or no-go for those that have requests, and for no others', () => {
    const { parts } = runReport(run, { figures: false });
    const judged = parts.some((part) => part.kind === 'heading' && part.text === 'Go or no-go');
    expect(judged).toBe(sampledRun(run) !== null);
  });
});

test('a load beside the simulation of another is compared in what both have', () => {
  const [load, simulated] = [loadRun([2]), toySimRun()];
  const single = { ...simulated, points: simulated.points.slice(0, 1) };
  const { parts } = runReport(load, { baseline: single, figures: false });
  const table = parts.find((part) => part.kind === 'table' && part.head[1] === 'Before');
  expect(table?.kind === 'table' && table.rows.map(([name]) => name)).toContain('mean TTFT');
});

test('a load counts no preemptions, which its client does not see; a simulation does', () => {
  expect(runReportMarkdown(loadRun([2]))).not.toMatch(/\| (Preemptions|Recomputed tokens) \|/);
  expect(runReportMarkdown(toySimRun())).toMatch(/\| Preemptions \|/);
});

test('a watch stands beside itself: its first half before its second', () => {
  const samples = [0, 1, 2, 3, 4].map((i) =>
    telemetryAt(1000 * i, { running: i < 2 ? 1 : 5, preemptions: 2 * i }),
  );
  const { parts } = runReport(watchRun(samples), { figures: false });
  const table = parts.find((part) => part.kind === 'table' && part.head[1] === 'First half');
  const rows = table?.kind === 'table' ? table.rows : [];
  expect(rows.find(([name]) => name === 'Preemptions, grown by')).toEqual([
    'Preemptions, grown by',
    '4',
    '4',
  ]);
  expect(rows.find(([name]) => name === 'Running')?.[2]).toBe('5');
});

test('what came from outside is text', () => {
  const evil = '</title><img src=x onerror=alert(1)> | `x`';
  const html = runReportHtml({ ...toySimRun(), title: evil, notes: [evil] });
  expect(html).not.toContain('<img');
  const text = runReportMarkdown({ ...toySimRun(), title: evil, notes: [evil] });
  expect(text).not.toContain('<img');
});
