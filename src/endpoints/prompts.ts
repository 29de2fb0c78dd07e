/**
 * The text of the requests: equal block ids of the table are equal words, all else is the request's own, and a turn of a
 * session begins with the prompt and the real answer of the turn before it.
 *
 * Words stand for tokens by a rate that two probes measure (probe.ts), so that lengths are the server's own tokens; how
 * many they really were is kept beside what was asked. Token ids are exact, where a server takes them.
 */
import { createRandom, type Random } from '../core/random.ts';
import type { SharingSettings } from '../core/scenario/simulate/schema.ts';
import type { RequestTable } from '../core/schedule/requests.ts';
import { groupShape } from '../core/workload/request-groups.ts';
import type { LoadApi } from '../core/scenario/load/schema.ts';
import type { ChatMessage, Prompt } from './request.ts';

/** Common short words: most tokenizers have them whole, with the space before. */
export const WORDS = (
  'time year people way day man thing woman life child world school state family student group country problem hand ' +
  'part place case week company system program question work night point home water room mother area money story fact ' +
  'month lot right study book eye job word business issue side kind head house service friend father power hour game ' +
  'line end member law car city name team minute idea body back parent face others level office door health art ' +
  'war history party result change morning reason research girl guy moment air teacher force education foot boy age ' +
  'policy music market sense nation plan college interest death course someone experience building'
).split(' ');

/** How a server's count of tokens follows from words: tokens = base + perWord · words. */
export interface TokenRate {
  readonly base: number;
  readonly perWord: number;
}

export interface PromptParts {
  readonly requests: RequestTable;
  readonly sharing: SharingSettings;
  readonly blockTokens: number;
  readonly seed: number;
  readonly api: LoadApi;
  readonly tokens:
    | { readonly kind: 'text'; readonly rate: TokenRate }
    | { readonly kind: 'ids'; readonly vocabulary: number };
}

export interface PromptWriter {
  /** The prompt of a row; a turn's parent must have ended. */
  prompt(row: number): Prompt;
  /** What a row answered; kept only where another row begins with it. */
  answered(row: number, text: string): void;
}

function wordAt(random: Random): string {
  return ` ${WORDS[random.below(WORDS.length)] ?? 'time'}`;
}

/** Ids below this are the special tokens of most vocabularies. */
const FIRST_ID = 300;

/** A run of units (words or ids), as long as the tokens that it stands for. */
class Units {
  readonly #parts: PromptParts;
  readonly #random: Random;

  constructor(parts: PromptParts) {
    this.#parts = parts;
    this.#random = createRandom(parts.seed).fork('prompts');
  }

  /** Units that stand for so many tokens. */
  count(tokens: number): number {
    const { tokens: kind } = this.#parts;
    return kind.kind === 'ids' ? tokens : Math.round(tokens / kind.rate.perWord);
  }

  /** `to − from` tokens' worth of units, cut so that neighbours make up the whole. */
  slice(name: string | number, from: number, to: number): string[] {
    const random = this.#random.fork(name);
    return Array.from({ length: Math.max(0, this.count(to) - this.count(from)) }, () => this.#unit(random));
  }

  #unit(random: Random): string {
    const { tokens } = this.#parts;
    if (tokens.kind === 'text') return wordAt(random);
    const first = Math.min(FIRST_ID, Math.floor(tokens.vocabulary / 2));
    return String(first + random.below(tokens.vocabulary - first));
  }
}

interface Turn {
  readonly units: readonly string[];
  answer: string;
  readonly parent: number;
}

export function promptWriter(parts: PromptParts): PromptWriter {
  const { requests, sharing, blockTokens, tokens, api } = parts;
  const rows = groupShape(sharing).rows;
  const units = new Units(parts);
  const parentOf = (row: number): number => (row % rows === 0 ? -1 : (requests.after[row] ?? -1));
  const isParent = new Set(Array.from({ length: requests.size }, (_, row) => parentOf(row)));
  const turns = new Map<number, Turn>();
  const base = tokens.kind === 'text' ? tokens.rate.base : 0;

  /** Blocks that others may share, by their ids, then what is the row's own. */
  const opening = (row: number): string[] => {
    const length = Math.max(1, (requests.promptTokens[row] ?? 0) - base);
    const [start, end] = [requests.blockStart[row] ?? 0, requests.blockStart[row + 1] ?? 0];
    const known = Math.min(end - start, Math.floor(length / blockTokens));
    const shared = Array.from({ length: known }, (_, i) =>
      units.slice(`block ${requests.blockIds[start + i] ?? 0}`, i * blockTokens, (i + 1) * blockTokens),
    );
    return [...shared.flat(), ...units.slice(row, known * blockTokens, length)];
  };

  /** A later turn is its parent's text and answer, then new words. */
  const following = (row: number, parent: number): string[] => {
    const before = (requests.promptTokens[parent] ?? 0) + (requests.outputTokens[parent] ?? 0);
    return units.slice(row, before, Math.max(before + 1, requests.promptTokens[row] ?? 0));
  };

  const history = (row: number): Turn[] => {
    const turn = turns.get(row);
    return turn === undefined ? [] : [...history(turn.parent), turn];
  };

  const written = (turn: Turn): Prompt => {
    const before = history(turn.parent);
    if (tokens.kind === 'ids') {
      return { kind: 'ids', ids: [...before, turn].flatMap((said) => said.units.map(Number)) };
    }
    if (api === 'completions') {
      const text = before.map((said) => said.units.join('') + said.answer).join('') + turn.units.join('');
      return { kind: 'text', text: text.trimStart() };
    }
    const messages = before.flatMap((said): ChatMessage[] => [
      { role: 'user', content: said.units.join('').trimStart() },
      { role: 'assistant', content: said.answer },
    ]);
    return {
      kind: 'chat',
      messages: [...messages, { role: 'user', content: turn.units.join('').trimStart() }],
    };
  };

  return {
    prompt(row) {
      const parent = parentOf(row);
      const own = parent < 0 ? opening(row) : following(row, parent);
      const turn: Turn = { units: own.length > 0 ? own : units.slice(row, 0, 2), answer: '', parent };
      if (isParent.has(row)) turns.set(row, turn);
      return written(turn);
    },
    answered(row, text) {
      const turn = turns.get(row);
      if (turn) turn.answer = text;
    },
  };
}
