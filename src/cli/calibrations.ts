/** Files of calibrations: written by `validate --calibrate`, read by --calibration. */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { MeasuredResult } from '../index.ts';
import {
  parseCalibration,
  recalibrate,
  type PlanCalibration,
  type PlanRun,
  type Recalibration,
} from '../plan/index.ts';
import { InputError } from './errors.ts';

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** @throws InputError */
export function readCalibration(path: string): PlanCalibration {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new InputError(
      `${path} can't be read (${reasonOf(error)}); name a file that validate --calibrate wrote.`,
    );
  }
  const read = parseCalibration(text);
  if (!read.ok) throw new InputError(`${path}: ${read.sentence}`);
  return read.value;
}

/** Called as its file is. @throws InputError, PlanError */
export function writeCalibration(
  path: string,
  run: PlanRun,
  results: readonly MeasuredResult[],
): Recalibration {
  const name = basename(path).replace(/\.json$/i, '');
  if (name === '' || name.length > 120) {
    throw new InputError(`--calibrate is ${path.slice(0, 200)}; name a file, such as h100.json.`);
  }
  const made = recalibrate(run, results, { name, createdAt: new Date().toISOString() });
  try {
    writeFileSync(path, `${JSON.stringify(made.calibration, null, 2)}\n`);
  } catch (error) {
    throw new InputError(
      `${path} can't be written (${reasonOf(error)}); name another file with --calibrate.`,
    );
  }
  return made;
}
