/** Samples of a load on a real server: every request that was sent, every piece of text that came. */
import type { LoadRecord, LoadRun } from '../../run/load.ts';
import { summarizeLoad, tokensOf } from '../load/summary.ts';
import type { ServingObjectives } from '../serving/summary.ts';
import { gapsOf, rowsOf } from './columns.ts';
import type { SampledRepetition, SampledRun } from './sampled.ts';
import { sampled } from './sampled-sim.ts';

const NO_ROWS = {
  total: Infinity,
  arrivalMs: [],
  startMs: [],
  firstTokenMs: [],
  endMs: [],
  promptTokens: [],
  outputTokens: [],
  cachedTokens: [],
  preemptions: [],
  replica: [],
};

export function sampledLoad({ title, scenario, points }: LoadRun): SampledRun {
  const { objectives } = scenario;
  return {
    title,
    origin: 'measured',
    objectives,
    points: points.map(({ settings, reason, repetitions }) => ({
      settings,
      reason,
      repetitions: repetitions.map(({ measured }) => repetitionOf(measured, objectives)),
    })),
  };
}

function repetitionOf(record: LoadRecord, objectives: ServingObjectives): SampledRepetition {
  const { requests } = record;
  const { summary, failed, notSent } = summarizeLoad(record, objectives);
  const sent = summary.requests - notSent;
  const base = sampled({ seed: record.seed, summary, requests: NO_ROWS }, objectives);
  return {
    ...base,
    rows: rowsOf(
      {
        arrivalMs: requests.arrivalMs,
        startMs: null,
        firstTokenMs: requests.firstTokenMs,
        endMs: requests.endMs,
        promptTokens: requests.askedPromptTokens,
        tokens: (row) => tokensOf(record, row),
        sent: (row) => requests.sentMs[row] !== null,
      },
      objectives,
      gapsOf(requests.chunks, requests.chunkMs, (row) => requests.endMs[row] !== null),
    ),
    scalars: {
      ...base.scalars,
      'error rate': sent > 0 ? failed / sent : null,
      // A server's counter is since its start, and not of this load alone.
      preemptions: null,
    },
  };
}
