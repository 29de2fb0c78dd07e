/** The points of a load: its ramp, value by value, each a scenario of its own without one. */
import * as v from 'valibot';
import type { Json } from '../../json.ts';
import { withValueAt } from '../layer.ts';
import { loadContradiction } from './rules.ts';
import { LoadScenario } from './schema.ts';

export interface LoadPointPlan {
  readonly index: number;
  readonly label: string;
  readonly settings: Readonly<Record<string, number | string>>;
  readonly scenario: LoadScenario;
}

type Points =
  | { readonly ok: true; readonly value: readonly LoadPointPlan[] }
  | { readonly ok: false; readonly sentence: string };

function pointsOf(scenario: LoadScenario): Points {
  const { sweep } = scenario;
  if (sweep === null) {
    return { ok: true, value: [{ index: 0, label: 'single point', settings: {}, scenario }] };
  }
  const value: LoadPointPlan[] = [];
  for (const [index, setting] of sweep.values.entries()) {
    const swept = withValueAt({ ...scenario, sweep: null }, sweep.path, setting as Json);
    const result = v.safeParse(LoadScenario, swept ?? null, { abortEarly: true });
    if (!result.success) {
      return {
        ok: false,
        sentence: `sweep.path is ${sweep.path}, which can’t be ${JSON.stringify(setting).slice(0, 40)}; name a setting that takes it.`,
      };
    }
    const shown =
      typeof setting === 'number' || typeof setting === 'string'
        ? setting
        : JSON.stringify(setting).slice(0, 80);
    const label = `${sweep.path.split('.').at(-1) ?? sweep.path} ${shown}`;
    value.push({ index, label, settings: { [sweep.path]: shown }, scenario: result.output });
  }
  return { ok: true, value };
}

/** The points of a parsed scenario. */
export function loadPoints(scenario: LoadScenario): readonly LoadPointPlan[] {
  const points = pointsOf(scenario);
  if (!points.ok) throw new RangeError(points.sentence);
  return points.value;
}

/** What contradicts itself in one of the points, or in all together; null where nothing does. */
export function loadSweepContradiction(scenario: LoadScenario): string | null {
  const points = pointsOf(scenario);
  if (!points.ok) return points.sentence;
  for (const { scenario: point } of points.value) {
    const sentence = loadContradiction(point);
    if (sentence !== null) return sentence;
  }
  return loadContradiction({
    ...scenario,
    workload: points.value[0]?.scenario.workload ?? scenario.workload,
  });
}
