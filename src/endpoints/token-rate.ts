/**
 * How many tokens a server counts in a word, asked before a load: a prompt of a few words and one of many.
 *
 * These two questions are no part of the load. A server that fails now and then is asked again a few times, and told of.
 */
import type { LoadedServer } from '../core/run/load.ts';
import type { LoadApi } from '../core/scenario/load/schema.ts';
import { pause } from './drive.ts';
import type { Endpoint } from './endpoint.ts';
import { EndpointError } from './fault.ts';
import { WORDS, type TokenRate } from './prompts.ts';
import { emptyStream, stream } from './stream.ts';

const FEW_WORDS = 8;
/** Of the server's context that the longer prompt may take, at as many tokens a word as small vocabularies have. */
const CONTEXT_SHARE = 8;
const TIMEOUT_MS = 300_000;
/** Times that a question is asked, and the pause before the second, which doubles. */
const MOST_TIMES = 5;
const PAUSE_MS = 100;

interface Asked {
  readonly api: LoadApi;
  readonly model: string;
  readonly signal: AbortSignal;
}

/**
 * @param onFault told of each failure after which the server is asked again
 * @returns null where the server counts no tokens
 * @throws EndpointError where it can't be asked, or has failed too often
 */
export async function tokenRate(
  endpoint: Endpoint,
  asked: Asked,
  { maxModelTokens }: Pick<LoadedServer, 'maxModelTokens'>,
  onFault: (fault: EndpointError) => void = () => undefined,
): Promise<TokenRate | null> {
  const most = Math.min(WORDS.length, Math.floor((maxModelTokens ?? Infinity) / CONTEXT_SHARE));
  const many = Math.max(2 * FEW_WORDS, most);
  const counts: number[] = [];
  for (const words of [FEW_WORDS, many]) {
    const tokens = await persistently(() => countedIn(words, endpoint, asked), asked.signal, onFault);
    if (tokens === null) return null;
    counts.push(tokens);
  }
  const [few = 0, all = 0] = counts;
  const perWord = (all - few) / (many - FEW_WORDS);
  return perWord > 0 ? { perWord, base: Math.max(0, Math.round(few - perWord * FEW_WORDS)) } : null;
}

/** Tokens that the server counts in a prompt of so many words; null where it does not say. */
async function countedIn(words: number, endpoint: Endpoint, asked: Asked): Promise<number | null> {
  const streamed = emptyStream();
  const { api, model, signal } = asked;
  const text = WORDS.slice(0, words).join(' ');
  const request = {
    ...{ api, model, maxTokens: 2, temperature: 0, ignoreEos: true },
    prompt: { kind: 'text', text },
  } as const;
  await stream(endpoint, request, streamed, { signal, timeoutMs: TIMEOUT_MS });
  return streamed.usage?.promptTokens ?? null;
}

/** Failures of a server that is there; one that is not, or takes too long, is not asked again. */
function mayAnswerNext({ kind }: EndpointError): boolean {
  return kind === 'server error' || kind === 'rate limited' || kind === 'stream cut';
}

async function persistently<T>(
  ask: () => Promise<T>,
  signal: AbortSignal,
  onFault: (fault: EndpointError) => void,
): Promise<T> {
  for (let time = 1; ; time++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof EndpointError) || !mayAnswerNext(error) || time === MOST_TIMES) throw error;
      onFault(error);
      await pause(PAUSE_MS * 2 ** (time - 1), signal);
    }
  }
}
