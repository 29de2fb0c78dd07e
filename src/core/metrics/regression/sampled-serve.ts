/** Samples of the serving lab: measured repetitions, a point for each backend. */
import type { ServePoint, ServeRecord, ServeRun } from '../../run/serve.ts';
import type { ServeScenario } from '../../scenario/serve/schema.ts';
import { servedRepetition, shapeOf } from '../serving/served.ts';
import { gapsOf, rowsOf } from './columns.ts';
import type { SampledRepetition, SampledRun } from './sampled.ts';
import { sampled } from './sampled-sim.ts';

export function sampledServe({ title, scenario, points }: ServeRun): SampledRun {
  const backends = new Set(points.map(({ backend }) => backend));
  return {
    title,
    origin: 'measured',
    objectives: scenario.objectives,
    points: points.map((point) => ({
      settings: backends.size > 1 ? { ...point.settings, backend: point.backend } : point.settings,
      reason: point.reason,
      repetitions: point.repetitions.map(({ measured }) => repetitionOf(measured, point, scenario)),
    })),
  };
}

function repetitionOf(record: ServeRecord, point: ServePoint, scenario: ServeScenario): SampledRepetition {
  const { requests } = record;
  const served = servedRepetition(record, shapeOf(point, scenario));
  return {
    ...sampled(served, scenario.objectives),
    rows: rowsOf(
      {
        ...requests,
        tokens: (row) => requests.tokens[row] ?? 0,
        sent: (row) => requests.sentMs[row] !== null,
      },
      scenario.objectives,
      gapsOf(requests.tokens, requests.tokenMs, (row) => requests.endMs[row] !== null),
    ),
  };
}
