/**
 * The prompt box and its settings as they are typed: texts until they read, then a wish to generate. Each field that does
 * not read has one sentence.
 */
import { EVICTION_POLICIES, TIERS } from '../core/scenario/schema.ts';
import { KV_FORMATS } from '../core/kv/formats.ts';
import { sharesBlocks } from '../engine/rules.ts';
import type { GenerationWish, Prompt } from '../workers/model-api.ts';

/** Policies that drop tokens by what the engine knows of them; `none` keeps all. */
export const MODEL_POLICIES = EVICTION_POLICIES;
export const MODEL_TIERS = TIERS.filter((tier) => tier !== 'cpu');
export const MODEL_BLOCK_SIZES = [8, 16, 32, 64] as const;
export { KV_FORMATS as MODEL_KV_FORMATS };

interface NumberField {
  readonly label: string;
  readonly help: string;
  readonly min: number;
  readonly max: number;
  readonly whole: boolean;
  /** An empty field is this. */
  readonly empty: number | null;
}

export const NUMBER_FIELDS = {
  maxTokens: {
    label: 'New tokens',
    help: 'Most tokens that continue each prompt; the model’s end token may come before.',
    ...{ min: 1, max: 8192, whole: true, empty: null },
  },
  samples: {
    label: 'Samples',
    help: 'Continuations of each prompt, each with a seed of its own; they share the prompt’s blocks.',
    ...{ min: 1, max: 16, whole: true, empty: null },
  },
  temperature: {
    label: 'Temperature',
    help: '0 takes the most probable token each time; above, tokens are drawn.',
    ...{ min: 0, max: 5, whole: false, empty: null },
  },
  topP: {
    label: 'Top-p',
    help: 'Draws among the fewest tokens whose probabilities reach this sum; 1: among all.',
    ...{ min: 0.01, max: 1, whole: false, empty: null },
  },
  topK: {
    label: 'Top-k',
    help: 'Draws among so many of the most probable tokens; 0: among all.',
    ...{ min: 0, max: 1024, whole: true, empty: null },
  },
  seed: {
    label: 'Seed',
    help: 'The same seed draws the same tokens, alone or in a batch.',
    ...{ min: 0, max: 4_294_967_295, whole: true, empty: null },
  },
  budgetTokens: {
    label: 'Budget',
    help: 'Tokens that each sequence keeps in its cache under the eviction policy.',
    ...{ min: 16, max: 1_048_576, whole: true, empty: null },
  },
  numBlocks: {
    label: 'Blocks in the pool',
    help: 'Empty: as many as the sequences may need. With fewer, sequences wait or are preempted.',
    ...{ min: 2, max: 1_048_576, whole: true, empty: 0 },
  },
} as const satisfies Record<string, NumberField>;
export type NumberName = keyof typeof NUMBER_FIELDS;

const DEFAULTS: Readonly<Record<NumberName, string>> = {
  maxTokens: '64',
  samples: '1',
  temperature: '0',
  topP: '1',
  topK: '0',
  seed: '1',
  budgetTokens: '64',
  numBlocks: '',
};

/** Prompts that the box takes at once. */
export const MOST_PROMPTS = 8;

type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly sentence: string };

export class ModelForm {
  prompts: string[] = $state(['']);
  /** Prompts are token ids, even where the model speaks text. */
  asIds = $state(false);
  /** Prompts are messages that the model answers; only where it has a chat template. */
  asChat = $state(false);
  kvFormat: GenerationWish['cache']['kvFormat'] = $state('f32');
  blockSize: number = $state(16);
  policy: GenerationWish['cache']['eviction']['policy'] = $state('none');
  tier: GenerationWish['cache']['tier'] = $state('auto');
  prefixCaching = $state(true);
  contiguous = $state(false);
  ignoreEnd = $state(false);
  readonly numbers: Record<NumberName, string> = $state({ ...DEFAULTS });

  /** Why blocks of earlier prompts can't be reused with these settings; null where they can. */
  get prefixProblem(): string | null {
    if (this.contiguous) return 'A contiguous cache shares no blocks.';
    const { kvFormat, policy } = this;
    if (sharesBlocks({ kvFormat, eviction: { policy, budgetTokens: 0 } })) return null;
    return kvFormat === 'int2'
      ? 'int2 keeps the newest tokens of each sequence apart, so its blocks are not shared.'
      : 'This policy moves tokens within their blocks, so its blocks are not shared.';
  }

  addPrompt(text = ''): void {
    if (this.prompts.length < MOST_PROMPTS) this.prompts.push(text);
  }

  removePrompt(at: number): void {
    if (this.prompts.length > 1) this.prompts.splice(at, 1);
  }

  /** The sentence of a number that does not read. */
  problemOf(name: NumberName): string | null {
    const read = readNumber(NUMBER_FIELDS[name], this.numbers[name]);
    return read.ok ? null : read.sentence;
  }

  /** The sentence of a prompt that does not read; an empty one is said on starting. */
  promptProblem(at: number): string | null {
    const text = this.prompts[at] ?? '';
    if (!this.asIds || text.trim() === '') return null;
    const read = readIds(text);
    return read.ok ? null : read.sentence;
  }

  /** What is to be generated, or the first sentence of what is wrong. */
  get wish(): Read<GenerationWish> {
    const prompts = this.#prompts();
    if (!prompts.ok) return prompts;
    for (const name of Object.keys(NUMBER_FIELDS) as NumberName[]) {
      if (name === 'budgetTokens' && this.policy === 'none') continue;
      const problem = this.problemOf(name);
      if (problem !== null) return { ok: false, sentence: problem };
    }
    const number = (name: NumberName): number => {
      const read = readNumber(NUMBER_FIELDS[name], this.numbers[name]);
      return read.ok ? read.value : 0;
    };
    const numBlocks = number('numBlocks');
    return {
      ok: true,
      value: {
        prompts: prompts.value,
        samples: number('samples'),
        maxTokens: number('maxTokens'),
        ignoreEnd: this.ignoreEnd,
        sampling: {
          temperature: number('temperature'),
          topP: number('topP'),
          topK: number('topK'),
          seed: number('seed'),
        },
        cache: {
          kvFormat: this.kvFormat,
          blockSize: this.blockSize,
          prefixCaching: this.prefixCaching && this.prefixProblem === null,
          layout: this.contiguous ? 'contiguous' : 'paged',
          tier: this.tier,
          eviction: { policy: this.policy, budgetTokens: number('budgetTokens') },
          numBlocks: numBlocks === 0 ? null : numBlocks,
        },
      },
    };
  }

  #prompts(): Read<Prompt[]> {
    const prompts: Prompt[] = [];
    for (const [at, text] of this.prompts.entries()) {
      const which = this.prompts.length === 1 ? 'The prompt' : `Prompt ${at + 1}`;
      if (text.trim() === '') {
        return { ok: false, sentence: `${which} is empty: write ${this.asIds ? 'token ids' : 'some text'}.` };
      }
      if (!this.asIds) {
        prompts.push({ kind: this.asChat ? 'chat' : 'text', text });
        continue;
      }
      const read = readIds(text);
      if (!read.ok) return { ok: false, sentence: `${which}: ${read.sentence}` };
      prompts.push({ kind: 'ids', ids: read.value });
    }
    return { ok: true, value: prompts };
  }
}

/** Token ids with commas or spaces between them. */
export function readIds(text: string): Read<number[]> {
  const parts = text.split(/[\s,]+/).filter((part) => part !== '');
  const wrong = parts.find((part) => !/^\d{1,9}$/.test(part));
  if (wrong !== undefined) {
    return {
      ok: false,
      sentence: `“${wrong.slice(0, 20)}” is no token id: write whole numbers with commas, such as 1, 403.`,
    };
  }
  return { ok: true, value: parts.map(Number) };
}

function readNumber({ label, min, max, whole, empty }: NumberField, text: string): Read<number> {
  const trimmed = text.trim();
  if (trimmed === '' && empty !== null) return { ok: true, value: empty };
  const value = trimmed === '' ? Number.NaN : Number(trimmed);
  const kind = whole ? 'a whole number' : 'a number';
  if (!Number.isFinite(value) || (whole && !Number.isInteger(value))) {
    return { ok: false, sentence: `${label} is “${trimmed.slice(0, 20)}”: ${kind} is needed.` };
  }
  if (value < min) return { ok: false, sentence: `${label} is ${trimmed}; the least is ${min}.` };
  if (value > max) return { ok: false, sentence: `${label} is ${trimmed}; the most is ${max}.` };
  return { ok: true, value };
}
