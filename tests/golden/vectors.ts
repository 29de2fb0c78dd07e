/** Exact test vectors with their sources: vectors.json, carried whole. */
import { readFileSync } from 'node:fs';

export interface Vector {
  readonly id: string;
  readonly fn: string;
  readonly input: Record<string, unknown>;
  readonly expected: unknown;
  /** Relative; 0: exact. */
  readonly tol: number;
  readonly source: string;
}

const file = JSON.parse(readFileSync(new URL('./vectors.json', import.meta.url), 'utf8')) as { vectors: Vector[] };

/** The vectors whose id begins with a prefix. @throws Error when there are none, so that no table is empty unseen. */
export function vectors(prefix: string): Vector[] {
  const found = file.vectors.filter(({ id }) => id.startsWith(prefix));
  if (found.length === 0) throw new Error(`No vector begins with ${prefix}.`);
  return found;
}

/** Whether a number is the expected one within a vector's relative tolerance. */
export function isWithin(actual: unknown, expected: unknown, tol: number): boolean {
  if (typeof actual !== 'number' || typeof expected !== 'number') return actual === expected;
  return Math.abs(actual - expected) <= tol * Math.max(Math.abs(expected), Math.abs(actual));
}
