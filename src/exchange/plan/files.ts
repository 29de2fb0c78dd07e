/** A plan as a file: JSON and YAML hold the run whole and come back as a plan; Markdown and HTML are to be read. */
import { parse, stringify } from 'yaml';
import type { Read } from '../../core/json.ts';
import type { PlanRun } from '../../core/run/plan.ts';
import { reportHtml, reportMarkdown } from '../report/parts.ts';
import { planReport } from './report.ts';

export function planToJson(run: PlanRun): string {
  return `${JSON.stringify(run, null, 2)}\n`;
}

export function planToYaml(run: PlanRun): string {
  return stringify(run, { lineWidth: 110, aliasDuplicateObjects: false });
}

/** Figures beside it as `plan_memory.svg` and so on: those of planFigures. */
export function planToMarkdown(run: PlanRun): string {
  return reportMarkdown(planReport(run));
}

/** One file with its figures inside. */
export function planToHtml(run: PlanRun): string {
  return reportHtml(titleOf(run), planReport(run));
}

function titleOf({ title }: PlanRun): string {
  return title === '' ? 'A plan' : title;
}

/** By the ending of a file's name. */
export const PLAN_FILES: Readonly<Record<string, (run: PlanRun) => string>> = {
  '.json': planToJson,
  '.yaml': planToYaml,
  '.yml': planToYaml,
  '.md': planToMarkdown,
  '.html': planToHtml,
};

const MAX_CHARACTERS = 5_000_000;
/** A plan has none; a few are harmless, many are an attack. */
const MAX_ALIASES = 20;

/** YAML as plain values, for the door of plans to check. */
export function readYaml(text: string): Read<unknown> {
  if (text.length > MAX_CHARACTERS) {
    return {
      ok: false,
      sentence: `This YAML has ${text.length} characters; at most ${MAX_CHARACTERS} are read.`,
    };
  }
  try {
    return { ok: true, value: parse(text, { maxAliasCount: MAX_ALIASES, uniqueKeys: true }) };
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return { ok: false, sentence: `This is no YAML that can be read: ${reason.slice(0, 200)}` };
  }
}
