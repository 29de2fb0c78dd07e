/**
 * The one place that knows where reference data lies: the folder that KVLAB_DATA names.
 *
 * Tests that need it ask here and are skipped in words where it is missing; no other file names it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env['KVLAB_DATA'] ?? '';

/** Why a test with reference data can't run, or null when it can. For `describe.skipIf` with the reason in its title. */
export function whyNoReferenceData(file: string): string | null {
  if (folder === '') return 'KVLAB_DATA is not set';
  return existsSync(join(folder, file)) ? null : `KVLAB_DATA has no ${file}`;
}

/** Text of a reference file. @throws Error in words where it is missing. */
export function referenceText(file: string): string {
  const reason = whyNoReferenceData(file);
  if (reason !== null) throw new Error(`No reference data: ${reason}.`);
  return readFileSync(join(folder, file), 'utf8');
}
