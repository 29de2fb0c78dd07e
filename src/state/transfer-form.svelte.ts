/** What is to be moved and how: text, lengths, and the caches of the two sides. */
import { SHIPPED_MODEL } from '../engine/shipped.ts';
import type { MoveCache, WriteWish } from '../workers/transfer-api.ts';

export const MOVE_WAYS = ['pool', 'worker', 'tab', 'machine', 'file'] as const;
export type MoveWay = (typeof MOVE_WAYS)[number];

const FIELDS = {
  maxTokens: { label: 'Tokens in all', min: 2, max: 8192 },
  holdAt: { label: 'Move after', min: 1, max: 8191 },
  seed: { label: 'Seed', min: 0, max: 4_294_967_295 },
} as const;
export type MoveNumber = keyof typeof FIELDS;
export const MOVE_FIELDS = FIELDS;

type ReadWish =
  { readonly ok: true; readonly value: WriteWish } | { readonly ok: false; readonly sentence: string };

export class TransferForm {
  way: MoveWay = $state('pool');
  role: 'send' | 'receive' = $state('send');
  prompt: string = $state(SHIPPED_MODEL.examplePrompt);
  /** The prompt is token ids: a model without a tokenizer. */
  asIds = $state(false);
  numbers: Record<MoveNumber, string> = $state({ maxTokens: '160', holdAt: '24', seed: '1' });
  /** The sequence writes on while its full blocks travel. */
  live = $state(true);
  here: MoveCache = $state({ kvFormat: 'f32', blockSize: 16 });
  there: MoveCache = $state({ kvFormat: 'f32', blockSize: 32 });
  /** What comes is compared with the same text written in one engine. */
  check = $state(true);
  readonly wish: ReadWish = $derived.by(() => this.#read());

  problemOf(name: MoveNumber): string | null {
    const { label, min, max } = FIELDS[name];
    const text = this.numbers[name].trim();
    const value = Number(text);
    if (text === '' || !Number.isInteger(value)) return `${label} is “${text}”: a whole number is needed.`;
    if (value < min || value > max) return `${label} is ${value}; it goes from ${min} to ${max}.`;
    if (name === 'holdAt' && value >= Number(this.numbers.maxTokens))
      return `It moves after ${value} tokens and has ${this.numbers.maxTokens} in all; move it earlier.`;
    return null;
  }

  #read(): ReadWish {
    for (const name of ['maxTokens', 'holdAt', 'seed'] as const) {
      const sentence = this.problemOf(name);
      if (sentence !== null) return { ok: false, sentence };
    }
    const ids = this.prompt.split(/[\s,]+/).filter((part) => part !== '');
    const wrong = ids.find((part) => !/^\d+$/.test(part));
    if (this.prompt.trim() === '') return { ok: false, sentence: 'The prompt is empty; write something.' };
    if (this.asIds && wrong !== undefined)
      return { ok: false, sentence: `“${wrong.slice(0, 20)}” is no token id; write whole numbers.` };
    return {
      ok: true,
      value: {
        prompt: this.asIds ? { kind: 'ids', ids: ids.map(Number) } : { kind: 'text', text: this.prompt },
        maxTokens: Number(this.numbers.maxTokens),
        holdAt: Number(this.numbers.holdAt),
        temperature: 0,
        seed: Number(this.numbers.seed),
        cache: { ...this.here },
      },
    };
  }
}
