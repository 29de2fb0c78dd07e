/**
 * What the sequences of an engine under an autopilot are about. The shipped model is asked what it was trained for: a prompt
 * full of facts, and one question after the other about them, whose answers are the model's own; so a cache that loses its
 * keys loses the answers. Other models, and prompts that share a beginning, are drawn from a seed as in the serving
 * laboratory.
 */
import { createRandom } from '../../core/random.ts';
import type { ServeScenario } from '../../core/scenario/serve/schema.ts';
import type { RequestTable } from '../../core/schedule/requests.ts';
import { LEAST_QUIZ_TOKENS, recallQuiz, type RecallQuiz } from '../../core/workload/recall.ts';
import type { ModelConfig } from '../../engine/config.ts';
import { taskOf } from '../../lab/quality/tasks.ts';
import { promptWriter, type PromptWriter } from '../../lab/serving/prompts.ts';

export interface Script extends PromptWriter {
  /** What of a row's output is given; the rest is the model's own. */
  asked(row: number): readonly number[];
  /** What the model's own tokens should be, in their order; empty where nobody knows. */
  answers(row: number): readonly number[];
}

export function scriptFor(
  { engine, workload }: ServeScenario,
  requests: RequestTable,
  config: ModelConfig,
  seed: number,
): Script {
  const isLong = requests.promptTokens.every((tokens) => tokens >= LEAST_QUIZ_TOKENS);
  if (taskOf(config) === 'facts' && workload.sharing.kind === 'none' && isLong)
    return quizzes(requests, seed);
  const { bosToken, eosTokens, vocab } = config;
  const reserved = new Set([...(bosToken === null ? [] : [bosToken]), ...eosTokens]);
  const { sharing } = workload;
  const parts = { requests, sharing, blockSize: engine.blockSize, vocab, reserved, seed };
  return { ...promptWriter(parts), asked: () => [], answers: () => [] };
}

function quizzes({ promptTokens, outputTokens }: RequestTable, seed: number): Script {
  const random = createRandom(seed).fork('prompts');
  const quizOf = (row: number): RecallQuiz =>
    recallQuiz(random.fork(row).nextU32(), promptTokens[row] ?? 0, outputTokens[row] ?? 1);
  return {
    prompt: (row) => [...quizOf(row).ids],
    asked: (row) => quizOf(row).asked,
    answers: (row) => quizOf(row).answers,
    generated: () => undefined,
  };
}
