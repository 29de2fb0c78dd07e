/** What is wrong with a document's version; apart, so that who reads runs need not know every kind of scenario. */
import type { Json } from '../json.ts';

/** Sentence about a document's version, or null when this release reads it. */
export function versionSentence(version: Json | undefined, known: number, what: string): string | null {
  if (version === undefined) return `This ${what} has no version; add "version": ${known}.`;
  if (version === known) return null;
  if (typeof version === 'number' && Number.isInteger(version) && version > known) {
    return `This ${what} has version ${version}, newer than ${known}, which is the newest read here; update KV Lab.`;
  }
  return `This ${what} has version ${JSON.stringify(version).slice(0, 40)}; the version read here is ${known}.`;
}
