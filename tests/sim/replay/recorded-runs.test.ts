/**
 * The simulator against two recorded vLLM engines. The bars are the project's; what was reached, and what a public
 * simulator reached on the same runs, stands beside them.
 */
import { describe, expect, it } from 'vitest';
import type { LatencySummary } from '../../../src/core/run/replay.ts';
import { replayRecorded } from '../../../src/sim/replay/index.ts';
import { referenceText, whyNoReferenceData } from '../../reference-data.ts';

const WORKLOAD = 'vllm_replay/workload_sharegpt-llama-3.1-8b-300-sps10.jsonl';
const TABLES = ['meta.yaml', 'attention.csv', 'dense.csv', 'per_sequence.csv'];

function replay(name: string, withProfile: boolean) {
  const run = (file: string): string => referenceText(`vllm_replay/${name}/${file}`);
  const profile = Object.fromEntries(TABLES.map((file) => [file, referenceText(`profiles/${name}/${file}`)]));
  return replayRecorded({
    workload: referenceText(WORKLOAD),
    requests: run('requests.jsonl'),
    meta: run('meta.json'),
    timeseries: run('timeseries.csv'),
    config: run('config.json'),
    ...(withProfile ? { profile } : {}),
  });
}

const within = (error: number, percent: number): void => {
  expect(Math.abs(error)).toBeLessThanOrEqual(percent);
};
const errors = (summary: LatencySummary): number[] =>
  [summary.mean, summary.p99].map((x) => Number(x.toFixed(1)) + 0);

const missing = whyNoReferenceData(WORKLOAD);
describe.skipIf(missing !== null)(`recorded runs${missing ? ` (skipped: ${missing})` : ''}`, () => {
  // Golden: errors of mean and p99 in percent, written by
  //   npm run kvlab -- replay vllm_replay/NAME --workload WORKLOAD --profile profiles/NAME --json
  // The public simulator (summary.txt, mean): RTX 4090 0.6 / 0.2 / 0.5, RTX PRO 6000 −4.0 / −1.0 / −1.8.
  it.each([
    { name: 'RTX4090__Llama-3.1-8B', ttft: [0.5, 0.1], tpot: [0.1, 0.6], e2e: [0.4, 0.3] },
    { name: 'RTXPRO6000__Llama-3.1-8B', ttft: [-0.8, 0.5], tpot: [0.1, 1.5], e2e: [-0.2, 0] },
  ])('$name with its measured tables', ({ name, ttft, tpot, e2e }) => {
    const { errorPercent, costModel, steps } = replay(name, true);
    within(errorPercent.tpotMs.mean, 1.5);
    within(errorPercent.e2eMs.mean, 1.5);
    within(errorPercent.ttftMs.mean, 3);
    for (const { p99 } of [errorPercent.ttftMs, errorPercent.tpotMs, errorPercent.e2eMs]) within(p99, 5);
    expect([errors(errorPercent.ttftMs), errors(errorPercent.tpotMs), errors(errorPercent.e2eMs)]).toEqual([
      ttft,
      tpot,
      e2e,
    ]);
    const { measured, interpolated, extrapolated, assumed } = costModel.basis;
    expect(measured + interpolated + extrapolated).toBe(steps);
    expect(assumed).toBe(0);
  });

  // Golden: the same without --profile.
  it.each([
    { name: 'RTX4090__Llama-3.1-8B', ttft: [0.7, 0.5], tpot: [0.4, 0.6], e2e: [0.6, 0.7] },
    { name: 'RTXPRO6000__Llama-3.1-8B', ttft: [0.1, 1], tpot: [0.3, 1.3], e2e: [0.2, 0.5] },
  ])('$name with the roofline alone', ({ name, ttft, tpot, e2e }) => {
    const { errorPercent, costModel, steps } = replay(name, false);
    within(errorPercent.e2eMs.mean, 12);
    expect([errors(errorPercent.ttftMs), errors(errorPercent.tpotMs), errors(errorPercent.e2eMs)]).toEqual([
      ttft,
      tpot,
      e2e,
    ]);
    expect(costModel.basis.assumed).toBe(steps);
  });

  it('has the series that were recorded, and no other', () => {
    const small = replay('RTX4090__Llama-3.1-8B', true);
    expect(Object.keys(small.series)).toEqual(['running', 'waiting', 'kvUsagePercent']);
    expect(small.kvBlocks).toEqual({ value: 2588, origin: 'recorded' });
    const large = replay('RTXPRO6000__Llama-3.1-8B', true);
    expect(Object.keys(large.series)).toEqual(['running', 'waiting']);
    expect(large.errorPercent).not.toHaveProperty('kvUsagePercent');
    expect(large.kvBlocks.origin).toBe('derived');
    for (const report of [small, large]) {
      for (const { errorPercent, measured, predicted, timeSeconds } of Object.values(report.series)) {
        expect(errorPercent).toBeGreaterThan(0);
        expect(errorPercent).toBeLessThan(4);
        expect(predicted).toHaveLength(measured.length);
        expect(timeSeconds).toHaveLength(measured.length);
      }
    }
  });

  it('preempts, since 2,588 blocks are few', () => {
    expect(replay('RTX4090__Llama-3.1-8B', true).preemptions).toBeGreaterThan(100);
  });
});
