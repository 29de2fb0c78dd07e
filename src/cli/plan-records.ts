/** Models and GPUs of no record, from files that --model and --gpu name: a config.json, a hardware check. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { architectureFromText, findModelRecord, gpuFromCheck } from '../plan/index.ts';
import { InputError } from './errors.ts';
import { readCheck } from './inputs.ts';

const CONFIG = 'config.json';
/** Larger than every config.json there is. */
const MOST_BYTES = 4_000_000;

/** Whether a name is a path: it ends as a file does, or there is one. A repository's name has no ending and no folder. */
function fileOf(name: string): string | null {
  if (/\.json$/i.test(name)) return name;
  const inside = join(name, CONFIG);
  return existsSync(inside) ? inside : null;
}

/** `Qwen3-8B/config.json` is Qwen3-8B, `Qwen3-8B.json` is too. */
function modelName(path: string): string {
  const file = basename(path);
  return file === CONFIG ? basename(dirname(resolve(path))) : file.replace(/\.json$/i, '').replace('--', '/');
}

function textOf(path: string): string {
  try {
    if (statSync(path).size > MOST_BYTES) throw new Error(`more than ${MOST_BYTES} bytes`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError(
      `${path} can't be read (${reason}); --model takes a known model or its config.json.`,
    );
  }
}

const LLAMA = 'llama';

/** A type alone in the way can be overruled. */
function refusal({
  sentence,
  unknownType,
}: {
  readonly sentence: string;
  readonly unknownType?: string;
}): string {
  return unknownType === undefined
    ? sentence
    : `${sentence} If its layers are Llama's all the same, --as ${LLAMA} reads them so.`;
}

/** What --model says, as a layer of a plan's scenario. @throws InputError with the nearest names, or the missing field */
export function modelLayer(name: string | null, as: string | null = null): object {
  if (name === null) return {};
  const path = fileOf(name);
  if (path === null) {
    const record = findModelRecord(name);
    if (!record.ok) throw new InputError(record.sentence);
    return { model: name, architecture: null };
  }
  if (as !== null && as.toLowerCase() !== LLAMA) {
    throw new InputError(`--as is “${as.slice(0, 40)}”; there is ${LLAMA}.`);
  }
  const read = architectureFromText(textOf(path), modelName(path), as === null ? {} : { as: LLAMA });
  if (!read.ok) throw new InputError(refusal(read));
  return { model: read.value.id, architecture: read.value };
}

/** What --gpu says: a name, or the file of a hardware check. @throws InputError */
export function namedGpu(name: string): { gpu: string | null; custom: unknown } {
  if (!/\.json$/i.test(name)) return { gpu: name, custom: null };
  const read = gpuFromCheck(readCheck(name));
  if (!read.ok) throw new InputError(read.sentence);
  return { gpu: null, custom: read.value };
}
