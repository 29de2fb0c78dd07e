/** Writes results into the folder of `--out`. */
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { InputError } from './errors.ts';

/** Makes the folder before anything is measured, so that a wrong path costs no hour. @throws InputError */
export function openFolder(path: string): (name: string, contents: string | Uint8Array) => void {
  try {
    makeFolders(resolve(path));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError(`The folder ${path} can't be made (${reason}); name another with --out.`);
  }
  return (name, contents) => writeFileSync(join(path, name), contents);
}

/**
 * From the first missing folder downwards, each by itself: Node's recursive mkdir never returns where a file system says
 * of a new folder that its parent does not exist although it does, as /proc says.
 */
function makeFolders(path: string): void {
  if (existsSync(path)) {
    if (!statSync(path).isDirectory()) throw new Error('it is a file');
    return;
  }
  makeFolders(dirname(path));
  mkdirSync(path);
}
