/** What each serving engine adds to the roofline of a step: engines.json, one row an engine with its source. */
import * as v from 'valibot';
import { PLAN_ENGINES, type PlanEngineName } from '../../core/scenario/plan/schema.ts';
import rows from './engines.json' with { type: 'json' };

const source = v.pipe(v.string(), v.minLength(10));
const time = v.pipe(v.number(), v.minValue(0), v.maxValue(100));

export const EngineTimes = v.strictObject({
  engine: v.picklist(PLAN_ENGINES),
  /**
   * Least milliseconds a layer of a step that computes a prompt: such a step is launched kernel by kernel, not replayed
   * from a captured graph, and a GPU that is faster than that waits.
   */
  promptLayerMs: time,
  promptLayerSource: source,
  /**
   * Microseconds that an all-reduce takes in a layer beyond what it takes in a row of all-reduces, where kernels were
   * timed: ranks come to it one after another, and what follows waits.
   */
  reduceUs: time,
  reduceSource: source,
  /** Milliseconds of a request outside of steps before its first token: the server, the tokenizer, the queue's turn. */
  requestMs: time,
  requestSource: source,
});
export type EngineTimes = v.InferOutput<typeof EngineTimes>;

export const ENGINE_TIMES: readonly EngineTimes[] = v.parse(v.array(EngineTimes), rows);

/** @throws Error for an engine without a row, which is a mistake of ours */
export function engineTimes(engine: PlanEngineName): EngineTimes {
  const times = ENGINE_TIMES.find((row) => row.engine === engine);
  if (!times) throw new Error(`engines.json has no row of ${engine}.`);
  return times;
}
