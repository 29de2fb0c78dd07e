/** Files that stand beside a scenario: traces, profiles, hardware checks. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseRun, TraceError, TraceReader, type CheckRun, type Trace } from '../index.ts';
import { profileFileNames, type ProfileFiles } from '../sim/index.ts';
import { InputError } from './errors.ts';
import { eachLine } from './read.ts';

/** @throws InputError with the number of the bad line and the reason */
export function readTraceFile(path: string): Trace {
  const reader = new TraceReader();
  try {
    eachLine(path, 'a trace', (line) => reader.push(line));
    return reader.finish();
  } catch (error) {
    if (error instanceof TraceError) throw new InputError(`${path}: ${error.message}`);
    throw error;
  }
}

/** The texts of a profile's folder. @throws InputError where it is none */
export function readProfile(folder: string, tensorParallel: number): ProfileFiles {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new InputError(`${folder} is no folder; --profile names one with meta.yaml and its tables.`);
  }
  const names = profileFileNames(tensorParallel).filter((name) => existsSync(join(folder, name)));
  if (!names.includes('meta.yaml')) {
    throw new InputError(`${folder} has no meta.yaml; --profile names a folder with one beside its tables.`);
  }
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

/** @throws InputError */
export function readCheck(path: string): CheckRun {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new InputError(`${path} can't be read; name the run.json that kvlab check --out wrote.`);
  }
  const parsed = parseRun(text);
  if (!parsed.ok) throw new InputError(`${path}: ${parsed.sentence}`);
  if (parsed.run.kind === 'check') return parsed.run;
  throw new InputError(
    `${path} is no hardware check; --check takes the run.json that kvlab check --out wrote.`,
  );
}
