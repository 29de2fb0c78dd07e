/** Plans as files, and back. */
import type { Read } from '../core/json.ts';
import type { PlanRun } from '../core/run/plan.ts';
import { planToHtml, planToJson, planToMarkdown, planToYaml, readYaml } from '../exchange/plan/files.ts';
import { parsePlanRun } from '../plan/index.ts';
import type { PlanFileKind } from './plan-api.ts';

const FILES: Readonly<Record<PlanFileKind, (run: PlanRun) => string>> = {
  json: planToJson,
  yaml: planToYaml,
  md: planToMarkdown,
  html: planToHtml,
};

export function planFile(run: PlanRun, kind: PlanFileKind): string {
  return FILES[kind](run);
}

/** A plan that was saved as JSON or YAML. @throws Error with the sentence of what is wrong with it */
export function readPlan(text: string): PlanRun {
  const isJson = text.trimStart().startsWith('{');
  return valueOf(parsePlanRun(isJson ? text : valueOf(readYaml(text))));
}

function valueOf<T>(read: Read<T>): T {
  if (read.ok) return read.value;
  throw new Error(read.sentence);
}
