/** Samples of a simulated run: its rows where it keeps all of them, and what its summary says of each repetition. */
import type { SimRepetition, SimRun } from '../../run/simulation.ts';
import type { ServingObjectives } from '../serving/summary.ts';
import { rowsOf, summedUp } from './columns.ts';
import type { SampledRepetition, SampledRun } from './sampled.ts';

export function sampledSimulation({ title, scenario, points }: SimRun): SampledRun {
  const { objectives } = scenario;
  return {
    title,
    origin: 'simulated',
    objectives,
    points: points.map(({ settings, reason, repetitions }) => ({
      settings,
      reason,
      repetitions: repetitions.map((repetition) => sampled(repetition, objectives)),
    })),
  };
}

/** A repetition of the simulator, or one of its shape. */
export function sampled(
  { seed, summary, requests }: Pick<SimRepetition, 'seed' | 'summary' | 'requests'>,
  objectives: ServingObjectives,
): SampledRepetition {
  const whole = requests.arrivalMs.length >= requests.total;
  return {
    seed,
    rows: whole
      ? rowsOf(
          {
            ...requests,
            tokens: (row) => requests.outputTokens[row] ?? 0,
            sent: (row) => requests.arrivalMs[row] !== null,
          },
          objectives,
          null,
        )
      : null,
    summed: {
      ttft: summedUp(summary.ttftMs),
      tpot: summedUp(summary.tpotMs),
      itl: summedUp(summary.itlMs),
      e2e: summedUp(summary.e2eMs),
      queue: summedUp(summary.queueMs),
    },
    scalars: {
      throughput: summary.outputTokensPerSecond,
      'requests per second': summary.requestsPerSecond,
      goodput: summary.goodput,
      attainment: summary.attainment,
      'hit ratio': summary.prefixHitRatio,
      'error rate': summary.requests > 0 ? 1 - summary.finished / summary.requests : null,
      preemptions: summary.preemptions,
    },
    requests: summary.requests,
    finished: summary.finished,
  };
}
