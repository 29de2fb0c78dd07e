/** Where the model that ships with the page lies on this machine, for commands without `--model`. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SHIPPED_MODEL } from '../lab/index.ts';
import { InputError } from './errors.ts';

/** Beside the built command line in the package, or two folders above its source. */
const PLACES = ['./', '../../public/'] as const;

/** @throws InputError where this package came without it */
export function shippedModelFolder(): string {
  for (const place of PLACES) {
    const folder = fileURLToPath(
      new URL(/* @vite-ignore */ `${place}${SHIPPED_MODEL.folder}`, import.meta.url),
    );
    if (existsSync(folder)) return folder;
  }
  throw new InputError('The model that ships with the page is not here; name one with --model.');
}
