/** `kvlab generate`: a real model goes on with a prompt, on the kernels and the cache that the flags name. */
import { WEIGHT_FORMATS } from '../../gpu/index.ts';
import { EVICTION_POLICIES, KV_FORMATS } from '../../index.ts';
import type { GenerationResult, GenerationWish, LoadWish, Prompt } from '../../lab/index.ts';
import type { Invocation } from '../arguments.ts';
import { CommandError, InputError } from '../errors.ts';
import { modelFiles } from '../model-files.ts';
import { realNumber, wholeNumber } from '../numbers.ts';
import { table, valueWithUnit } from '../tables.ts';
import type { GpuCommand } from './command.ts';

const DEFAULT_TOKENS = 64;
const MOST_TOKENS = 1_048_576;
const MOST_SEED = 4_294_967_295;

/** Faults of what was asked and of the files that were given; all others are no fault of the person's. */
const BAD_INPUT: readonly string[] = [
  ...['bad-wish', 'engine-settings', 'request'],
  ...['corrupt', 'missing', 'shape', 'values', 'unsupported', 'too-large'],
];

export const generate: GpuCommand = async ({ invocation, terminal, openHost, write }) => {
  if (invocation.model === null) {
    throw new InputError(
      'generate needs --model: a folder with config.json and safetensors, a .gguf file, or a llama2.c .bin.',
    );
  }
  const wish = wishOf(invocation);
  const model = { ...modelFiles(invocation.model), load: loadOf(invocation) };
  const host = await openHost();
  const result = await host.generate({ ...model, wish }, terminal.progress).catch((error: unknown): never => {
    throw error instanceof CommandError && BAD_INPUT.includes(error.code)
      ? new InputError(error.message)
      : error;
  });
  const answer = answerOf(result);
  const json = `${JSON.stringify(answer)}\n`;
  write?.('generation.json', json);
  terminal.answer(invocation.json ? json : answerText(result, answer));
  if (!result.complete) terminal.say('Stopped; what had come was answered.');
  return result.complete ? 'done' : 'failed';
};

interface Answer {
  readonly tokens: readonly number[];
  /** From the request to the first token; the model is loaded and its kernels are compiled by then. */
  readonly ttftMs: number | null;
  /** Mean time between tokens after the first; 0 for a single token. */
  readonly tpotMs: number | null;
  readonly kvBytesPerToken: number;
}

function answerOf({ sequences, kvBytesPerToken }: GenerationResult): Answer {
  const { tokens = [], tokenTimesMs = [] } = sequences[0] ?? {};
  const [first, last] = [tokenTimesMs[0], tokenTimesMs.at(-1)];
  if (first === undefined || last === undefined) {
    return { tokens, ttftMs: null, tpotMs: null, kvBytesPerToken };
  }
  return { tokens, ttftMs: first, tpotMs: (last - first) / Math.max(1, tokens.length - 1), kvBytesPerToken };
}

function answerText({ sequences }: GenerationResult, answer: Answer): string {
  const { tokens, ttftMs, tpotMs, kvBytesPerToken } = answer;
  const time = (ms: number | null): string => (ms === null ? '—' : valueWithUnit(ms, 'ms'));
  const rows = [
    ['tokens', String(tokens.length)],
    ['time to first token', time(ttftMs)],
    ['time per output token', time(tpotMs)],
    ['KV a token', `${kvBytesPerToken} bytes`],
  ];
  return `${sequences[0]?.text ?? tokens.join(', ')}\n\n${table(rows)}`;
}

function wishOf(invocation: Invocation): GenerationWish {
  const { tokens, temperature, topP, seed } = invocation;
  return {
    prompts: [promptOf(invocation)],
    samples: 1,
    maxTokens: tokens === null ? DEFAULT_TOKENS : wholeNumber('--tokens', tokens, 1, MOST_TOKENS),
    ignoreEnd: false,
    sampling: {
      temperature: temperature === null ? 0 : realNumber('--temperature', temperature, 0, 100),
      topP: topP === null ? 1 : realNumber('--top-p', topP, 0.001, 1),
      topK: 0,
      seed: seed === null ? 1 : wholeNumber('--seed', seed, 0, MOST_SEED),
    },
    cache: cacheOf(invocation),
  };
}

function promptOf({ prompt, promptIds }: Invocation): Prompt {
  if (prompt !== null && promptIds !== null) {
    throw new InputError('--prompt and --prompt-ids are two prompts; leave one of them out.');
  }
  if (prompt !== null) {
    if (prompt === '') throw new InputError('--prompt is empty; give it some text.');
    return { kind: 'text', text: prompt };
  }
  if (promptIds === null) {
    throw new InputError('generate needs a prompt: --prompt-ids 1,403 or --prompt TEXT.');
  }
  const parts = promptIds.split(',').map((part) => part.trim());
  const wrong = parts.find((part) => !/^\d{1,9}$/.test(part));
  if (wrong !== undefined) {
    throw new InputError(
      `--prompt-ids holds “${wrong.slice(0, 20)}”; whole numbers with commas between them are needed, such as 1,403.`,
    );
  }
  return { kind: 'ids', ids: parts.map(Number) };
}

function cacheOf({ kv, evict, budget }: Invocation): GenerationWish['cache'] {
  const kvFormat = kv === null ? 'f32' : oneOf('--kv', kv.replaceAll('_', '-'), KV_FORMATS, kv);
  const policy = evict === null ? 'none' : oneOf('--evict', evict, EVICTION_POLICIES, evict);
  if (policy !== 'none' && budget === null) {
    throw new InputError(`--evict ${policy} needs --budget: how many tokens a sequence keeps.`);
  }
  if (policy === 'none' && budget !== null) {
    throw new InputError(
      '--budget goes with --evict: name the policy that keeps to it, such as streaming-llm.',
    );
  }
  return {
    kvFormat,
    blockSize: 16,
    prefixCaching: false,
    layout: 'paged',
    tier: 'auto',
    eviction: {
      policy,
      budgetTokens: budget === null ? 16 : wholeNumber('--budget', budget, 1, MOST_TOKENS),
    },
    numBlocks: null,
  };
}

function loadOf({ weights }: Invocation): LoadWish {
  return {
    weightFormat: weights === null ? 'f32' : oneOf('--weights', weights, WEIGHT_FORMATS, weights),
    budgetBytes: null,
  };
}

/** @param written as the person wrote it */
function oneOf<T extends string>(flag: string, value: string, options: readonly T[], written: string): T {
  const found = options.find((option) => option === value);
  if (found !== undefined) return found;
  throw new InputError(`${flag} is “${written.slice(0, 40)}”; there are ${options.join(', ')}.`);
}
