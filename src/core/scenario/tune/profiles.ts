/**
 * Profiles of work: lengths of prompts and outputs, and what counts how much; and which of them fits a device and a load.
 *
 * The lengths and weights of the named ones are the tool's contract; the share that prompts have in common is assumed: a
 * chat resends its system prompt and history, retrieval its instructions.
 */
import type { GoalWeights, ProfileName } from './schema.ts';

type Named = Exclude<ProfileName, 'custom'>;

/** A profile with nothing left open. */
export interface Profile {
  readonly name: ProfileName;
  readonly contexts: readonly number[];
  readonly outputs: readonly number[];
  readonly weights: GoalWeights;
}

const CHAT = { ttft: 0.5, throughput: 0.35, memory: 0.15 };

export const PROFILES: Readonly<Record<Named, Profile>> = {
  'chat-agent': {
    name: 'chat-agent',
    contexts: [2048, 4096, 8192],
    outputs: [64, 128, 256],
    weights: CHAT,
  },
  rag: {
    name: 'rag',
    contexts: [8192, 16_384, 32_768],
    outputs: [256, 512],
    weights: { ttft: 0.35, throughput: 0.35, memory: 0.3 },
  },
  longform: {
    name: 'longform',
    contexts: [4096, 8192],
    outputs: [1024, 2048],
    weights: { ttft: 0.25, throughput: 0.5, memory: 0.25 },
  },
  'ci-micro': { name: 'ci-micro', contexts: [512], outputs: [32], weights: CHAT },
};
export const NAMED_PROFILES = Object.keys(PROFILES) as readonly Named[];

export const PROFILE_ABOUT: Readonly<Record<Named, string>> = {
  'chat-agent': 'answers in a conversation: the first token counts most',
  rag: 'long retrieved contexts, middling answers: speed and memory alike',
  longform: 'long answers: throughput counts most',
  'ci-micro': 'one short cell, for a quick check',
};

/** Share of a prompt that all requests of a profile have in common. Assumed. */
export const SHARED_OF: Readonly<Record<ProfileName, number>> = {
  'chat-agent': 0.5,
  rag: 0.1,
  longform: 0,
  'ci-micro': 0,
  custom: 0,
};

/** One combination of lengths, on one model. */
export interface TuneCell {
  readonly model: string;
  readonly context: number;
  readonly output: number;
}

export interface DroppedCell extends TuneCell {
  readonly reason: string;
}

export interface ProfileCells {
  readonly cells: readonly TuneCell[];
  readonly dropped: readonly DroppedCell[];
}

/** The model, and the longest text that it takes. */
export interface CellModel {
  readonly name: string;
  readonly maxTokens: number;
}

/** Cells of a profile on some models; those past a model's context are dropped, with the reason. */
export function profileCells(
  { contexts, outputs }: Pick<Profile, 'contexts' | 'outputs'>,
  models: readonly CellModel[],
): ProfileCells {
  const cells: TuneCell[] = [];
  const dropped: DroppedCell[] = [];
  for (const { name: model, maxTokens } of models) {
    for (const context of contexts) {
      for (const output of outputs) {
        const cell = { model, context, output };
        if (context + output <= maxTokens) cells.push(cell);
        else dropped.push({ ...cell, reason: tooLong(cell, maxTokens) });
      }
    }
  }
  return { cells, dropped };
}

function tooLong({ model, context, output }: TuneCell, maxTokens: number): string {
  return `${context} tokens of prompt and ${output} of output are ${context + output}, more than the ${maxTokens} of ${model}.`;
}

/** What is known of the work and of the machine. */
export interface Circumstances {
  /** Tokens of a usual prompt and answer. */
  readonly context: number;
  readonly output: number;
  /** Bytes that the device has for the KV cache; null: not known. */
  readonly kvBytes: number | null;
  /** KV bytes of one token of the model; null: not known. */
  readonly kvBytesPerToken: number | null;
  /** A processor that imitates a GPU. */
  readonly isSoftware: boolean;
}

export interface Recommendation {
  readonly profile: Named;
  readonly reason: string;
}

/** The profile that fits the load, unless the device can't hold even one request of it. */
export function recommendProfile(given: Circumstances): Recommendation {
  if (given.isSoftware) {
    return {
      profile: 'ci-micro',
      reason: 'The adapter is software: the longer profiles would take hours there.',
    };
  }
  const wanted = ofLoad(given);
  const { kvBytes, kvBytesPerToken } = given;
  if (kvBytes === null || kvBytesPerToken === null) return wanted;
  const holds = Math.floor(kvBytes / kvBytesPerToken);
  if (longest(wanted.profile) <= holds) return wanted;
  const fits = (['rag', 'chat-agent', 'longform'] as const).find((name) => longest(name) <= holds);
  const what = `The cache holds ${holds} tokens, less than the ${longest(wanted.profile)} of a request of ${wanted.profile}`;
  return fits === undefined
    ? { profile: 'ci-micro', reason: `${what}, and of every other long profile.` }
    : { profile: fits, reason: `${what}; ${fits} is the longest that it holds.` };
}

function ofLoad({ context, output }: Circumstances): Recommendation {
  if (context >= 8192 && output < 1024) {
    return { profile: 'rag', reason: `Prompts of ${context} tokens are retrieval’s.` };
  }
  if (output >= 512) {
    return { profile: 'longform', reason: `Answers of ${output} tokens take most of the time.` };
  }
  if (context + output <= 600) {
    return {
      profile: 'ci-micro',
      reason: `Prompts of ${context} and answers of ${output} tokens are its one cell.`,
    };
  }
  return {
    profile: 'chat-agent',
    reason: `Prompts of ${context} and answers of ${output} tokens are a conversation’s.`,
  };
}

function longest(name: Named): number {
  const { contexts, outputs } = PROFILES[name];
  return Math.max(...contexts) + Math.max(...outputs);
}
