/**
 * A simulated run as the page holds it: everything but the rows of its requests beyond the first ones. Figures need no
 * row, and a million of them would hold the page up when they arrive.
 */
import type { SimRepetition, SimRun } from '../core/run/simulation.ts';

export const LIGHT_ROWS = 200;

export function lightRun(run: SimRun, rows = LIGHT_ROWS): SimRun {
  const points = run.points.map((point) => ({
    ...point,
    repetitions: point.repetitions.map((repetition) => lightRepetition(repetition, rows)),
  }));
  return { ...run, points };
}

function lightRepetition(repetition: SimRepetition, rows: number): SimRepetition {
  const { total, ...columns } = repetition.requests;
  const cut = <T>(column: readonly T[]): T[] => column.slice(0, rows);
  return {
    ...repetition,
    requests: {
      total,
      arrivalMs: cut(columns.arrivalMs),
      startMs: cut(columns.startMs),
      firstTokenMs: cut(columns.firstTokenMs),
      endMs: cut(columns.endMs),
      promptTokens: cut(columns.promptTokens),
      outputTokens: cut(columns.outputTokens),
      cachedTokens: cut(columns.cachedTokens),
      preemptions: cut(columns.preemptions),
      replica: cut(columns.replica),
    },
  };
}
