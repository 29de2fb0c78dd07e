/** Writes a plan into the file of --out; its ending says how. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { extname } from 'node:path';
import { parsePlanRun, type PlanRun } from '../plan/index.ts';
import { InputError } from './errors.ts';

const FORMATS: Readonly<Record<string, (run: PlanRun) => string>> = {
  '.json': (run) => `${JSON.stringify(run, null, 2)}\n`,
};

/** @throws InputError for an ending that plans are not written in, and for a file that can't be written */
export function writePlan(path: string, run: PlanRun): void {
  const render = FORMATS[extname(path).toLowerCase()];
  if (!render) {
    throw new InputError(
      `--out is ${path}; a plan is written as ${Object.keys(FORMATS).join(', ')}: end the file's name with one of them.`,
    );
  }
  try {
    writeFileSync(path, render(run));
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
  if (!/"deployment"\s*:/.test(text)) return null;
  const parsed = parsePlanRun(text);
  if (!parsed.ok) throw new InputError(`${path}: ${parsed.sentence}`);
  return parsed.value;
}
