/**
 * The door of load scenarios: partial documents over the defaults, as parse.ts takes the other kinds; and their sweep as
 * points.
 *
 * Left out: links to the page, which has no view for loads.
 */
import * as v from 'valibot';
import type { Json } from '../../json.ts';
import { issueSentence } from '../../sentences.ts';
import { mergeLayer, withValueAt } from '../layer.ts';
import { readLayer } from '../parse.ts';
import { assign } from '../set.ts';
import { DEFAULT_LOAD } from './defaults.ts';
import { loadContradiction } from './rules.ts';
import { LoadScenario } from './schema.ts';

export type ParsedLoad =
  { readonly ok: true; readonly scenario: LoadScenario } | { readonly ok: false; readonly sentence: string };

export interface LoadPointPlan {
  readonly index: number;
  readonly label: string;
  readonly settings: Readonly<Record<string, number | string>>;
  readonly scenario: LoadScenario;
}

function checked(document: unknown): ParsedLoad {
  const result = v.safeParse(LoadScenario, document, { abortEarly: true });
  if (!result.success) {
    return { ok: false, sentence: issueSentence(result.issues, 'The scenario', DEFAULT_LOAD) };
  }
  const scenario = result.output;
  const points = pointsOf(scenario);
  if (!points.ok) return points;
  for (const { scenario: point } of points.value) {
    const sentence = loadContradiction(point);
    if (sentence !== null) return { ok: false, sentence };
  }
  const sentence = loadContradiction({
    ...scenario,
    workload: points.value[0]?.scenario.workload ?? scenario.workload,
  });
  return sentence === null ? { ok: true, scenario } : { ok: false, sentence };
}

/** Reads a load from JSON text or a plain object. */
export function parseLoad(input: unknown, base: LoadScenario = DEFAULT_LOAD): ParsedLoad {
  const read = readLayer(input);
  if (!read.ok) return read;
  const { kind } = read.value;
  if (kind !== undefined && kind !== 'load') {
    const is = JSON.stringify(kind).slice(0, 40);
    return { ok: false, sentence: `This scenario has kind ${is}; a load (kind "load") is needed here.` };
  }
  return checked(mergeLayer(base, read.value));
}

/** Applies `path=value` assignments in order, then checks the whole. */
export function assignLoad(scenario: LoadScenario, assignments: readonly string[]): ParsedLoad {
  const assigned = assign(scenario, assignments);
  return assigned.ok ? checked(assigned.value) : assigned;
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
