/**
 * The text of the requests, as token ids from a seed: equal block ids of the table are equal tokens, all else is the
 * request's own. A turn of a session begins with the prompt and the real output of the turn before it.
 */
import { createRandom, type Random } from '../../core/random.ts';
import type { SharingSettings } from '../../core/scenario/simulate/schema.ts';
import type { RequestTable } from '../../core/schedule/requests.ts';
import { groupShape } from '../../core/workload/request-groups.ts';

export interface PromptParts {
  readonly requests: RequestTable;
  readonly sharing: SharingSettings;
  readonly blockSize: number;
  readonly vocab: number;
  /** Tokens that no prompt shall hold: begin, end and padding. */
  readonly reserved: ReadonlySet<number>;
  readonly seed: number;
}

export interface PromptWriter {
  /** The prompt of a row; a turn's parent must have ended. */
  prompt(row: number): number[];
  /** A token that a row generated; kept only where another row begins with it. */
  generated(row: number, token: number): void;
}

export function promptWriter({
  requests,
  sharing,
  blockSize,
  vocab,
  reserved,
  seed,
}: PromptParts): PromptWriter {
  const random = createRandom(seed).fork('prompts');
  const rows = groupShape(sharing).rows;
  const systemTokens = sharing.kind === 'none' ? 0 : sharing.systemTokens;
  const systemBlocks = Math.floor(systemTokens / blockSize);
  const isParent = new Set<number>();
  for (let row = 0; row < requests.size; row++) {
    if (row % rows !== 0) isParent.add(requests.after[row] ?? -1);
  }
  const texts = new Map<number, number[]>();
  const draw = (from: Random): number => {
    for (;;) {
      const token = from.below(vocab);
      if (!reserved.has(token)) return token;
    }
  };
  /** Which of the system prompts a row begins with; those shorter than a block are shared by nobody. */
  const systemOf = (row: number): number => {
    const first = requests.blockIds[requests.blockStart[row] ?? 0] ?? 0;
    return systemBlocks === 0 ? -1 - row : Math.floor(first / systemBlocks);
  };
  const start = (row: number): number[] => {
    if (row % rows !== 0) return [...(texts.get(requests.after[row] ?? -1) ?? [])];
    if (systemTokens === 0) return [];
    const system = random.fork(`system ${systemOf(row)}`);
    return Array.from({ length: systemTokens }, () => draw(system));
  };
  return {
    prompt(row) {
      const text = start(row);
      const own = random.fork(row);
      const length = requests.promptTokens[row] ?? 0;
      while (text.length < length) text.push(draw(own));
      text.length = length;
      if (isParent.has(row)) texts.set(row, [...text]);
      return text;
    },
    generated(row, token) {
      texts.get(row)?.push(token);
    },
  };
}
