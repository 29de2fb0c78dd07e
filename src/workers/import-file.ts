/** A file that the page is handed: runs of ours go to the store, what another tool measured becomes a run first. */
import { crc32Bytes } from '../core/crc32.ts';
import type { ImportedRun } from '../core/run/imported.ts';
import { fileKind, importResults, traceSentence } from '../exchange/read/read-import.ts';

export type Brought =
  | { readonly kind: 'ours' }
  | { readonly kind: 'import'; readonly run: ImportedRun }
  | { readonly kind: 'refused'; readonly sentence: string };

const HEAD = 1 << 20;

/** Runs and exports of ours begin with their version, a number, or with their format. */
function looksOurs(text: string): boolean {
  return /^\s*\{\s*"(?:version"\s*:\s*-?\d|format"|kind")/.test(text.slice(0, 400));
}

export interface BroughtStamp {
  readonly createdAt: string;
  readonly appVersion: string;
  readonly file: string;
}

/** The same file gives the same id, so that it is kept once. */
export function brought(text: string, stamp: BroughtStamp): Brought {
  if (looksOurs(text)) return { kind: 'ours' };
  const kind = fileKind(text.slice(0, HEAD));
  if (kind.kind === 'run') return { kind: 'ours' };
  if (kind.kind === 'trace') return { kind: 'refused', sentence: traceSentence(kind.format) };
  const bytes = new TextEncoder().encode(text);
  const id = `imported-${crc32Bytes(bytes).toString(16)}-${bytes.length}`;
  const read = importResults(text, { ...stamp, id, command: null });
  return read.ok ? { kind: 'import', run: read.value } : { kind: 'refused', sentence: read.sentence };
}
