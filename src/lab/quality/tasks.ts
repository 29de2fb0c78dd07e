/**
 * What a model is asked: facts to recall and texts to predict, the same tokens for every cache.
 *
 * The shipped model has a language of its own (core/workload/recall.ts). Any other model is asked to copy: random tokens,
 * of which the last two before the answer came once before; its texts are a person's, or its own samples.
 */
import { createRandom } from '../../core/random.ts';
import type { QualityModel } from '../../core/run/quality.ts';
import type { QualityScenario } from '../../core/scenario/quality/schema.ts';
import { heldOutText, LEDGER_TOKENS, recallTask } from '../../core/workload/recall.ts';
import type { ModelConfig } from '../../engine/config.ts';
import { UnsupportedError } from '../errors.ts';

/** Tokens that ask: `? name` of the shipped model, the two that came before the answer in a copy. */
export const QUESTION_TOKENS = 2;

export interface RecallQuestion {
  readonly distance: number;
  readonly depth: number;
  /** Up to and with the question. */
  readonly ids: readonly number[];
  readonly answerId: number;
  readonly candidates: readonly number[];
}

/** Ids below this are often special; random tokens are drawn above. */
const FIRST_PLAIN_ID = 3;
const COPY_CANDIDATES = 64;

export function taskOf({ name, vocab }: Pick<ModelConfig, 'name' | 'vocab'>): QualityModel['task'] {
  return name.includes('ledger') && vocab === LEDGER_TOKENS.length ? 'facts' : 'copies';
}

function copyQuestion(vocab: number, seed: number, distance: number, depth: number, context: number) {
  const random = createRandom(seed);
  const draw = (): number => FIRST_PLAIN_ID + random.below(Math.max(1, vocab - FIRST_PLAIN_ID));
  const free = context - distance - 1 - QUESTION_TOKENS;
  const before = Math.max(0, Math.floor(depth * free + 0.5));
  const key = [draw(), draw()];
  const answerId = draw();
  const ids = [
    ...Array.from({ length: before }, draw),
    ...key,
    answerId,
    ...Array.from({ length: Math.max(0, distance - 1 - QUESTION_TOKENS) }, draw),
    ...key,
  ];
  const others = Array.from({ length: COPY_CANDIDATES - 1 }, draw).filter((id) => id !== answerId);
  return { ids, answerId, candidates: [answerId, ...others] };
}

/** The questions of a scenario, in the order distance, depth, sample. @throws UnsupportedError where a distance does not fit */
export function recallQuestions(
  { seed, tasks: { recall } }: Pick<QualityScenario, 'seed' | 'tasks'>,
  config: Pick<ModelConfig, 'name' | 'vocab'>,
): RecallQuestion[] {
  const random = createRandom(seed).fork('recall');
  const facts = taskOf(config) === 'facts';
  const { contextTokens } = recall;
  return recall.distances.flatMap((distance) =>
    recall.depths.flatMap((depth) =>
      Array.from({ length: recall.samples }, (_, sample): RecallQuestion => {
        const own = random.fork(`${distance} ${depth} ${sample}`).nextU32();
        try {
          const asked = facts
            ? recallTask({ seed: own, distanceTokens: distance, depth, contextTokens })
            : copyQuestion(config.vocab, own, distance, depth, contextTokens);
          return { distance, depth, ids: asked.ids, answerId: asked.answerId, candidates: asked.candidates };
        } catch (error) {
          throw new UnsupportedError(error instanceof Error ? error.message : String(error));
        }
      }),
    ),
  );
}

/** Texts of so many tokens that the model was not trained on; null where its language is not known here. */
export function heldOutTexts(
  { seed, tasks: { text } }: Pick<QualityScenario, 'seed' | 'tasks'>,
  config: Pick<ModelConfig, 'name' | 'vocab'>,
  sequences: number,
): number[][] | null {
  if (taskOf(config) !== 'facts') return null;
  const random = createRandom(seed).fork('text');
  return Array.from({ length: sequences }, (_, i) =>
    heldOutText({ seed: random.fork(i).nextU32(), tokens: textTokens(text) }),
  );
}

/** Prompt, one token that the prompt itself predicts, and the scored ones. */
export function textTokens({ promptTokens, scoredTokens }: QualityScenario['tasks']['text']): number {
  return promptTokens + 1 + scoredTokens;
}

/** A given text cut into pieces; as many as there are whole ones, at most `sequences`. */
export function piecesOf(ids: readonly number[], tokens: number, sequences: number): number[][] {
  const whole = Math.min(sequences, Math.floor(ids.length / tokens));
  return Array.from({ length: whole }, (_, i) => ids.slice(i * tokens, (i + 1) * tokens));
}
