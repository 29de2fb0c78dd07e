/**
 * Ranges of tokens [from, to), each in one tier and one format: sorted, disjoint, and as few as they can be. What was
 * evicted is a gap.
 *
 * Boundary: lists of ranges; bytes and sequences are the book's.
 */
import type { SequencePart } from '../../core/run/autopilot.ts';

export type Parts = readonly SequencePart[];

function cut(part: SequencePart, from: number, to: number): SequencePart[] {
  const [low, high] = [Math.max(part.from, from), Math.min(part.to, to)];
  return low < high ? [{ ...part, from: low, to: high }] : [];
}

/** What lies within [from, to), cut at its ends. */
export function partsWithin(parts: Parts, from: number, to: number): SequencePart[] {
  return parts.flatMap((part) => cut(part, from, to));
}

/** Neighbours that hold alike become one. */
export function joined(parts: Parts): SequencePart[] {
  const out: SequencePart[] = [];
  for (const part of parts) {
    const last = out.at(-1);
    if (last?.to === part.from && last.tier === part.tier && last.format === part.format) last.to = part.to;
    else out.push({ ...part });
  }
  return out;
}

/** The same list with other parts (or gaps) within [from, to). @param inner sorted, and within the range */
export function replaced(parts: Parts, from: number, to: number, inner: Parts): SequencePart[] {
  return joined([...partsWithin(parts, 0, from), ...inner, ...partsWithin(parts, to, Infinity)]);
}

export function tokensOf(parts: Parts): number {
  return parts.reduce((sum, part) => sum + part.to - part.from, 0);
}

/** @throws Error that names the first part that is out of order, empty, behind the end, or should be one with another */
export function checkParts(name: string, tokens: number, parts: Parts): void {
  let end = 0;
  let last: SequencePart | null = null;
  for (const part of parts) {
    const { from, to } = part;
    if (from < end || to <= from || to > tokens) {
      throw new Error(
        `Part ${from}–${to} of ${name} (${tokens} tokens) stands behind one that ends at ${end}.`,
      );
    }
    if (last?.to === from && last.tier === part.tier && last.format === part.format)
      throw new Error(`Parts of ${name} on both sides of token ${from} hold alike and should be one.`);
    end = to;
    last = part;
  }
}
