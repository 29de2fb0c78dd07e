import { expect, test } from 'vitest';
import { parseRules } from '../../../src/core/metrics/regression/index.ts';
import { DEFAULT_SIMULATION } from '../../../src/core/scenario/simulate/defaults.ts';
import type { SimScenario } from '../../../src/core/scenario/simulate/schema.ts';
import { runReport, runReportHtml, runReportMarkdown } from '../../../src/exchange/report/run-report.ts';
import { runSimulation } from '../../../src/sim/run.ts';

/** @param slower factor of every step's time */
function simulated(slower: number, changes: Partial<SimScenario> = {}) {
  return runSimulation({
    ...DEFAULT_SIMULATION,
    title: slower === 1 ? 'Before' : `Slower by ${slower}`,
    workload: { ...DEFAULT_SIMULATION.workload, requests: 400, arrivals: { kind: 'poisson', rate: 6 } },
    cost: {
      kind: 'linear',
      ...{ baseMs: 8 * slower, perTokenMs: 0.02 * slower, perPrefillPairMs: 0 },
      ...{ perContextTokenMs: 1e-4, perSequenceMs: 0.05 * slower },
    },
    ...changes,
  });
}

function rules(text: string) {
  const read = parseRules(text);
  if (!read.ok) throw new Error(read.sentence);
  return read.value;
}

const before = simulated(1);
const after = simulated(1.2);

test('a pair of runs: verdict, rules, before and after, counters, what differs', () => {
  const report = runReport(after, { baseline: before, rules: rules('p95 ttft > 5%; throughput > 1 tok/s') });
  expect(report.judgement?.outcome).toBe('no-go');
  const text = runReportMarkdown(after, { baseline: before, rules: rules('p95 ttft > 5%') });
  expect(text).toMatch(/^# Slower by 1.2, against Before\n/);
  for (const part of [
    'Go or no-go',
    'Rules',
    'Before and after',
    'Counters',
    'Figures',
    'What differs',
    'Notes',
  ]) {
    expect(text.includes(`## ${part}\n`) || part === 'Notes', part).toBe(true);
  }
  expect(text).toContain('| cost.baseMs | 8 | 9.6 |');
});

test('the HTML stands alone and takes no markup from a title', () => {
  const html = runReportHtml({ ...before, title: '<script>alert(1)</script>' });
  expect(html).not.toContain('<script');
  expect(html).not.toMatch(/(?:src|href)="http/);
  expect(html).toContain('<svg');
});
