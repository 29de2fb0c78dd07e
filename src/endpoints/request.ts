/** The bodies of requests in OpenAI's two streaming APIs, and what an event of their answers says. */
import type { LoadApi } from '../core/scenario/load/schema.ts';
import { messageOf } from './fault.ts';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export type Prompt =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'ids'; readonly ids: readonly number[] }
  | { readonly kind: 'chat'; readonly messages: readonly ChatMessage[] };

export interface Asked {
  readonly api: LoadApi;
  readonly model: string;
  readonly prompt: Prompt;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly ignoreEos: boolean;
  /** False: not to be found in the server's prefix cache. */
  readonly prefixCache?: boolean | undefined;
  /** A word that no other request has; asked for where the cache is to be kept out. */
  readonly salt?: string;
}

export function bodyOf(asked: Asked): string {
  const { api, model, prompt, maxTokens, temperature, ignoreEos, prefixCache, salt } = asked;
  const common = {
    model,
    max_tokens: maxTokens,
    temperature,
    stream: true,
    stream_options: { include_usage: true },
    // Known to vLLM, SGLang, TensorRT-LLM and llama.cpp; others read over it.
    ...(ignoreEos ? { ignore_eos: true } : {}),
    ...(prefixCache === false ? { cache_prompt: false, cache_salt: salt ?? 'none' } : {}),
  };
  if (api === 'chat') return JSON.stringify({ ...common, messages: messagesOf(prompt) });
  return JSON.stringify({ ...common, prompt: promptOf(prompt) });
}

function messagesOf(prompt: Prompt): readonly ChatMessage[] {
  if (prompt.kind === 'chat') return prompt.messages;
  if (prompt.kind === 'text') return [{ role: 'user', content: prompt.text }];
  throw new RangeError('A chat is sent as text, not as token ids; set prompts.as=text.');
}

function promptOf(prompt: Prompt): string | readonly number[] {
  if (prompt.kind === 'ids') return prompt.ids;
  if (prompt.kind === 'text') return prompt.text;
  return prompt.messages.map(({ content }) => content).join('');
}

export interface Usage {
  readonly promptTokens: number | null;
  readonly outputTokens: number | null;
  readonly cachedTokens: number | null;
}

export interface StreamEvent {
  /** Text that came, reasoning included; empty for an event that only says something about the stream. */
  readonly text: string;
  readonly finished: boolean;
  readonly usage: Usage | null;
  /** The server's own sentence where it failed in the middle. */
  readonly error: string | null;
}

function part(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value ? Reflect.get(value, name) : undefined;
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}

function usageOf(value: unknown): Usage | null {
  if (typeof value !== 'object' || value === null) return null;
  return {
    promptTokens: count(part(value, 'prompt_tokens')),
    outputTokens: count(part(value, 'completion_tokens')),
    cachedTokens: count(part(part(value, 'prompt_tokens_details'), 'cached_tokens')),
  };
}

const TEXT_FIELDS = ['content', 'reasoning_content', 'reasoning'] as const;

function textOf(choice: unknown): string {
  const text = part(choice, 'text');
  if (typeof text === 'string') return text;
  const delta = part(choice, 'delta');
  for (const name of TEXT_FIELDS) {
    const piece = part(delta, name);
    if (typeof piece === 'string' && piece !== '') return piece;
  }
  return '';
}

/** What an event's data says; null where it is no JSON object. */
export function readEvent(data: string): StreamEvent | null {
  let document: unknown;
  try {
    document = JSON.parse(data);
  } catch {
    return null;
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return null;
  const choices = part(document, 'choices');
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
  const reason = part(choice, 'finish_reason');
  const failed = 'error' in document || part(document, 'object') === 'error';
  return {
    text: textOf(choice),
    finished: typeof reason === 'string' && reason !== '',
    usage: usageOf(part(document, 'usage')),
    error: failed ? (messageOf(document) ?? 'no reason given') : null,
  };
}
