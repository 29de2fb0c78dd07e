/** Files that import, export and report read: runs of ours, and what other tools wrote. */
import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileKind, importResults, parseRun, traceSentence, type FileKind, type Run } from '../index.ts';
import { InputError } from './errors.ts';

const MOST_BYTES = 200_000_000;
const HEAD_BYTES = 1 << 20;

function unreadable(path: string, error: unknown): InputError {
  const code =
    typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown';
  return new InputError(`${path} can't be read (${code}); name a run, the result of a benchmark or a trace.`);
}

/** The beginning of a file, which is enough to know it. @throws InputError */
export function kindOfFile(path: string): FileKind {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = new Uint8Array(HEAD_BYTES);
      return fileKind(new TextDecoder().decode(bytes.subarray(0, readSync(file, bytes))));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

function textOf(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > MOST_BYTES) {
      throw new InputError(
        `${path} has ${size} bytes; at most ${MOST_BYTES} are read: export it without details.`,
      );
    }
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw unreadable(path, error);
  }
}

type Read = ReturnType<typeof importResults>;

/** What a text of another tool's comes to as a run, or the sentence why it is none. */
export function importedFrom(text: string, file: string, command: string | null): Read {
  return importResults(text, {
    id: randomUUID(),
    createdAt: new Date().toISOString(),
    appVersion: __APP_VERSION__,
    file: basename(file),
    command,
  });
}

const EVERYTHING =
  'this is an export of all runs of a page; import it there under Runs, and save the run that is meant as JSON.';

function isEverything(text: string): boolean {
  return /^\s*\{\s*"format"\s*:\s*"kvlab-runs"/.test(text.slice(0, 200));
}

/** A run of ours, its folder, or the results of another tool as one. @throws InputError */
export function readRunFile(named: string, command: string | null): Run {
  const path = existsSync(named) && statSync(named).isDirectory() ? join(named, 'run.json') : named;
  const kind = kindOfFile(path);
  if (kind.kind === 'trace') throw new InputError(`${path}: ${traceSentence(kind.format)}`);
  const text = textOf(path);
  if (kind.kind === 'run') {
    const parsed = parseRun(text);
    if (parsed.ok) return parsed.run;
    throw new InputError(`${path}: ${isEverything(text) ? EVERYTHING : parsed.sentence}`);
  }
  const read = importedFrom(text, path, command);
  if (!read.ok) throw new InputError(`${path}: ${read.sentence}`);
  return read.value;
}
