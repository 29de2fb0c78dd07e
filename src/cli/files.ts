/** Writes results into the folder of `--out`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from './errors.ts';

/** Makes the folder before anything is measured, so that a wrong path costs no hour. @throws InputError */
export function openFolder(path: string): (name: string, contents: string | Uint8Array) => void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError(`The folder ${path} can't be made (${reason}); name another with --out.`);
  }
  return (name, contents) => writeFileSync(join(path, name), contents);
}
