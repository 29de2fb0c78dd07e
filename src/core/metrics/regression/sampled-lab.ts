/** Samples of an experiment of the laboratory: requests of each kept repetition. Repetitions are few requests and many. */
import type { LabRun, Point, Repetition } from '../../run/schema.ts';
import { interTokenGapsMs, isFinished, meets, tpotMs, ttftMs, type Objectives } from '../requests.ts';
import { scalarSamples, type ScalarId } from '../samples.ts';
import { NOTHING_SUMMED, rowsOf } from './columns.ts';
import type { SampledRepetition, SampledRun } from './sampled.ts';

export function sampledLab({ title, scenario, points }: LabRun): SampledRun {
  const objectives = { ...scenario.objectives, e2eMs: null };
  return {
    title,
    origin: 'measured',
    objectives,
    points: points.map((point) => ({
      settings: point.settings,
      reason: point.reason,
      repetitions: point.repetitions.map((repetition) =>
        repetitionOf(point, repetition, scenario.objectives),
      ),
    })),
  };
}

function repetitionOf(point: Point, repetition: Repetition, objectives: Objectives): SampledRepetition {
  const { requests } = repetition;
  const finished = requests.filter(isFinished);
  const one: Point = { ...point, repetitions: [repetition] };
  const scalar = (id: ScalarId): number | null => scalarSamples(one, id, objectives)[0] ?? null;
  const judged = objectives.ttftMs !== null || objectives.tpotMs !== null;
  const good = finished.filter((request) => meets(objectives, ttftMs(request), tpotMs(request)));
  const gaps = interTokenGapsMs(repetition);
  return {
    seed: null,
    rows: rowsOf(
      {
        arrivalMs: requests.map(({ queuedMs }) => queuedMs),
        startMs: requests.map(({ startMs }) => startMs),
        firstTokenMs: requests.map(({ firstTokenMs }) => firstTokenMs),
        endMs: requests.map(({ endMs, error }) => (error === null ? endMs : null)),
        promptTokens: requests.map(({ promptTokens }) => promptTokens),
        tokens: (row) => requests[row]?.outputTokens ?? 0,
        sent: () => true,
      },
      { ...objectives, e2eMs: null },
      // Steps are common to all requests, so a gap belongs to its repetition, not to a request.
      { values: Float64Array.from(gaps), rows: new Uint32Array(gaps.length) },
    ),
    summed: NOTHING_SUMMED,
    scalars: {
      throughput: scalar('throughput'),
      'requests per second': null,
      goodput: scalar('goodput'),
      attainment: judged && requests.length > 0 ? good.length / requests.length : null,
      'hit ratio': null,
      'error rate': requests.length > 0 ? 1 - finished.length / requests.length : null,
      preemptions: null,
    },
    requests: requests.length,
    finished: finished.length,
  };
}
