/** What a run says to a lesson's question: the quantity, and which choice it makes right. */
import { DISTRIBUTION_IDS, SCALAR_IDS } from '../metrics/samples.ts';
import { summarizePoint } from '../metrics/summarize.ts';
import { createRandom } from '../random.ts';
import { median } from '../metrics/percentiles.ts';
import type { LabRun, Run } from '../run/schema.ts';
import type { SimRun } from '../run/simulation.ts';
import type { Lesson, LessonMeasure } from './schema.ts';

export interface LessonAnswer {
  readonly value: number;
  /** Place of the choice whose range holds the value. */
  readonly choice: number;
}

/** A number of a run, or null where it has none: a point that failed, a metric that nobody measured. */
export function readMeasure(run: Run, measure: LessonMeasure): number | null {
  if (run.kind === 'simulate') return ofSimulation(run, measure);
  return run.kind === 'lab' ? ofExperiment(run, measure) : null;
}

/** Median over the repetitions. */
function ofSimulation(run: SimRun, { point, metric }: LessonMeasure): number | null {
  const [name = '', part] = metric.split('.');
  const values = (run.points[point]?.repetitions ?? []).flatMap(({ summary }) => {
    const value: unknown = Object.entries(summary).find(([key]) => key === name)?.[1];
    const leaf: unknown =
      part === undefined || typeof value !== 'object' || value === null
        ? value
        : Object.entries(value).find(([key]) => key === part)?.[1];
    return typeof leaf === 'number' ? [leaf] : [];
  });
  return values.length === 0 ? null : median(values);
}

/** A scalar's median over repetitions, or the median of a distribution. */
function ofExperiment(run: LabRun, { point: index, metric }: LessonMeasure): number | null {
  const point = run.points[index];
  if (!point) return null;
  const { scalars, distributions } = summarizePoint(
    point,
    run.scenario.objectives,
    createRandom(run.scenario.seed),
  );
  const scalar = SCALAR_IDS.find((id) => id === metric);
  if (scalar) return scalars[scalar].value;
  const distribution = DISTRIBUTION_IDS.find((id) => id === metric);
  return distribution ? distributions[distribution].percentiles[50].value : null;
}

/** The quantity of a lesson in a run, and the choice that it makes right; null where the run can't say. */
export function answerOf(lesson: Lesson, run: Run): LessonAnswer | null {
  const { of, over } = lesson.quantity;
  const numerator = readMeasure(run, of);
  const denominator = over === null ? 1 : readMeasure(run, over);
  if (numerator === null || denominator === null || denominator === 0) return null;
  const value = numerator / denominator;
  const choice = lesson.choices.findIndex(
    ({ from, to }) => (from === null || value >= from) && (to === null || value < to),
  );
  return choice < 0 ? null : { value, choice };
}
