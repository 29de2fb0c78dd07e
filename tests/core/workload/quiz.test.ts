/** One question after the other about the facts of a prompt. */
import { describe, expect, it } from 'vitest';
import { LEAST_QUIZ_TOKENS, LEDGER_TOKENS, recallQuiz } from '../../../src/core/workload/recall.ts';

const words = (ids: readonly number[]): string => ids.map((id) => LEDGER_TOKENS[id]).join(' ');

describe('a quiz', () => {
  it.each([LEAST_QUIZ_TOKENS, 7, 64, 129])(
    'of %d tokens has them, and ends with its first question',
    (tokens) => {
      const { ids } = recallQuiz(3, tokens, 8);
      expect(ids).toHaveLength(tokens);
      expect(LEDGER_TOKENS[ids.at(-2) ?? 0]).toBe('?');
    },
  );

  it('leaves every fourth token to the model, and asks for facts that its prompt holds', () => {
    const { ids, asked, answers } = recallQuiz(11, 100, 40);
    const text = words(ids);
    const said = Array.from({ length: 40 }, (_, i) => asked[i] ?? answers[i / 4] ?? -1);
    expect(said).not.toContain(-1);
    expect([...asked.keys()].filter((i) => asked[i] === undefined)).toEqual(answers.map((_, i) => 4 * i));
    const questions = [ids.at(-1) ?? 0, ...said.filter((_, i) => i % 4 === 3)].slice(0, answers.length);
    questions.forEach((name, i) => {
      expect(text).toContain(`${LEDGER_TOKENS[name]} ${LEDGER_TOKENS[answers[i] ?? 0]} .`);
    });
    expect(new Set(questions).size).toBeGreaterThan(3);
  });

  it('is the same for a seed, and another for another', () => {
    expect(recallQuiz(5, 60, 20)).toEqual(recallQuiz(5, 60, 20));
    expect(recallQuiz(6, 60, 20).ids).not.toEqual(recallQuiz(5, 60, 20).ids);
  });
});
