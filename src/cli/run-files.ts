/** Runs that a command names: a run.json, a file that the page saved, the folder that --out wrote, or another tool's result. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseRun, type Run } from '../index.ts';
import { InputError } from './errors.ts';
import { importedFrom } from './exchange-files.ts';

/** @throws InputError where there is no run */
export function readRunFile(path: string): Run {
  const file = existsSync(path) && statSync(path).isDirectory() ? join(path, 'run.json') : path;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new InputError(
      `${file} can't be read; name the run.json of a command’s --out, its folder, or a run that the page saved as JSON.`,
    );
  }
  const parsed = parseRun(text);
  if (parsed.ok) return parsed.run;
  // What another tool measured can be reported as well; where it is none of that either, it was meant as a run.
  const brought = importedFrom(text, file, null);
  if (brought.ok) return brought.value;
  throw new InputError(`${file}: ${parsed.sentence}`);
}
