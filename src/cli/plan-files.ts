/** Writes a plan into the file of --out; its ending says how. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { planFigures, renderSvg } from '../charts/index.ts';
import { PLAN_FILES, readYaml } from '../index.ts';
import { parsePlanRun, type PlanRun } from '../plan/index.ts';
import { InputError } from './errors.ts';

/** @throws InputError for an ending that plans are not written in, and for a file that can't be written */
export function writePlan(path: string, run: PlanRun): void {
  const ending = extname(path).toLowerCase();
  const render = PLAN_FILES[ending];
  if (!render) {
    throw new InputError(
      `--out is ${path}; a plan is written as ${Object.keys(PLAN_FILES).join(', ')}: end the file's name with one of them.`,
    );
  }
  try {
    writeFileSync(path, render(run));
    // Markdown names its figures; they lie beside it.
    const figures = ending === '.md' ? planFigures(run) : [];
    for (const figure of figures) writeFileSync(join(dirname(path), `${figure.id}.svg`), renderSvg(figure));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError(`${path} can't be written (${reason}); name another file with --out.`);
  }
}

/**
 * The plan in a file that `plan --out` wrote; null where the file holds a scenario, or there is none.
 * @throws InputError for a damaged plan
 */
export function readPlanRun(path: string): PlanRun | null {
  if (!existsSync(path)) return null;
  const text = readFileSync(path, 'utf8');
  if (!/^\s*"?deployment"?\s*:/m.test(text) && !/"deployment"\s*:/.test(text)) return null;
  const parsed = /^\.ya?ml$/.test(extname(path).toLowerCase()) ? parsedYaml(path, text) : parsePlanRun(text);
  if (!parsed.ok) throw new InputError(`${path}: ${parsed.sentence}`);
  return parsed.value;
}

/** @throws InputError for a text that is no YAML */
function parsedYaml(path: string, text: string): ReturnType<typeof parsePlanRun> {
  const read = readYaml(text);
  if (!read.ok) throw new InputError(`${path}: ${read.sentence}`);
  return parsePlanRun(read.value);
}
