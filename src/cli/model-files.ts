/** The files of a model on this machine, for `--model`. What they mean is found out where they are read. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { InputError } from './errors.ts';

export interface ModelPaths {
  /** Of the folder, for people. */
  readonly name: string;
  readonly paths: readonly string[];
}

/** What a model is made of; a folder's pictures and notes stay where they are. */
const MODEL_FILE = /\.(json|safetensors|gguf|bin|jinja)$/i;
/** Vocabularies that stand beside a checkpoint of one file. */
const VOCABULARY = /^(tokenizer(_config)?\.json|chat_template\.jinja|tok\w*\.bin)$/;
const MOST_FILES = 400;

/** @throws InputError */
export function modelFiles(path: string): ModelPaths {
  if (!existsSync(path)) {
    throw new InputError(`There is no file and no folder ${path}; name a model's with --model.`);
  }
  const whole = resolve(path);
  if (!statSync(whole).isDirectory()) {
    const folder = dirname(whole);
    const beside = listed(folder).filter((name) => VOCABULARY.test(name) && name !== basename(whole));
    return { name: basename(folder), paths: [whole, ...beside.map((name) => join(folder, name))] };
  }
  const names = listed(whole).filter((name) => MODEL_FILE.test(name));
  if (names.length === 0) {
    throw new InputError(
      `${path} holds no model; name a folder with config.json and safetensors, one .gguf file, or one llama2.c .bin.`,
    );
  }
  if (names.length > MOST_FILES) {
    throw new InputError(`${path} holds ${names.length} files of models; name the folder of one.`);
  }
  return { name: basename(whole), paths: names.map((name) => join(whole, name)) };
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    const code =
      typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown';
    throw new InputError(`${folder} can't be read (${code}); name another with --model.`);
  }
}
