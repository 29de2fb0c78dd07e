/**
 * A lesson: a question, a prediction that the learner commits to, a run that answers, one thing to change, and what to
 * remember. One file each in `scenarios/lessons/`.
 *
 * The right choice stands nowhere: it is the range that holds the quantity which the run measures or simulates. So a
 * lesson can be wrong about the world only where its run is.
 */
import * as v from 'valibot';

export const LESSON_VERSION = 1;

const text = (max: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(max));
const finite = v.pipe(v.number(), v.finite());

/**
 * A number of a run: of the point with this place in the sweep, the metric with this name. Simulations: a path into
 * their summary such as `ttftMs.p99`. Experiments: a metric of core/metrics such as `prefillMs`.
 */
const Measure = v.strictObject({
  point: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(63)),
  metric: v.pipe(v.string(), v.regex(/^[a-zA-Z0-9]+(\.[a-zA-Z0-9]+)?$/), v.maxLength(60)),
});

const Choice = v.strictObject({
  text: text(160),
  /** The choice is right when from ≤ quantity < to. */
  from: v.nullable(finite),
  to: v.nullable(finite),
});

export const Lesson = v.strictObject({
  version: v.literal(LESSON_VERSION),
  kind: v.literal('lesson'),
  title: text(80),
  /** What one should know before the question; paragraphs. */
  before: v.pipe(v.array(text(700)), v.minLength(1), v.maxLength(6)),
  question: text(400),
  choices: v.pipe(v.array(Choice), v.minLength(2), v.maxLength(6)),
  quantity: v.strictObject({
    /** "p99 time to first token, static over continuous". */
    name: text(160),
    /** After the number: "×", " tokens". */
    unit: v.pipe(v.string(), v.maxLength(20)),
    of: Measure,
    /** The quantity is a quotient when this is given. */
    over: v.nullable(Measure),
  }),
  /** Ids of the figures that show it. */
  figures: v.pipe(v.array(text(60)), v.maxLength(3)),
  /** A layer over the defaults of its kind: what the run answers with. */
  scenario: v.record(v.string(), v.unknown()),
  /** The one thing to change afterwards: a path of the scenario and values for it. */
  change: v.strictObject({
    label: text(120),
    path: text(80),
    options: v.pipe(
      v.array(
        v.strictObject({ label: text(60), value: v.union([v.number(), v.string(), v.boolean(), v.null()]) }),
      ),
      v.minLength(2),
      v.maxLength(6),
    ),
    /** What to watch when it changes. */
    watch: text(400),
  }),
  /** Why it came out as it did; paragraphs. */
  after: v.pipe(v.array(text(700)), v.minLength(1), v.maxLength(6)),
  remember: text(300),
});
export type Lesson = v.InferOutput<typeof Lesson>;
export type LessonMeasure = v.InferOutput<typeof Measure>;
