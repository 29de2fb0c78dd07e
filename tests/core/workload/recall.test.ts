import { expect, test } from 'vitest';
import { heldOutText, LEDGER_TOKENS, recallTask } from '../../../src/core/workload/recall.ts';
import ledger from '../../../src/core/workload/ledger-vocabulary.json' with { type: 'json' };
import golden from '../../golden/ledger.json' with { type: 'json' };

const say = (ids: readonly number[]) => ids.map((id) => LEDGER_TOKENS[id]).join(' ');

test('draws what the training script draws, token for token', () => {
  expect(golden.tasks.length).toBeGreaterThan(3);
  for (const { seed, distanceTokens, depth, contextTokens, ...expected } of golden.tasks) {
    expect(recallTask({ seed, distanceTokens, depth, contextTokens })).toMatchObject(expected);
  }
  for (const { seed, tokens, ids } of golden.texts) expect(heldOutText({ seed, tokens })).toEqual(ids);
});

test('the fact stands where it is said to, once, and the question names it', () => {
  for (let seed = 0; seed < 60; seed++) {
    const distanceTokens = 4 + seed * 7;
    const depth = (seed % 5) / 4;
    const task = recallTask({ seed, distanceTokens, depth, contextTokens: 512 });
    const key = task.ids[task.factPosition - 1] ?? -1;
    expect(task.ids[task.factPosition]).toBe(task.answerId);
    expect(task.answerPosition - task.factPosition).toBe(distanceTokens);
    expect(task.ids.length).toBe(task.answerPosition);
    expect(say(task.ids.slice(-2))).toBe(`? ${LEDGER_TOKENS[key] ?? ''}`);
    expect(ledger.keys).toContain(LEDGER_TOKENS[key]);
    expect(task.ids.filter((id) => id === key)).toHaveLength(2);
    expect(task.factPosition).toBe(2 + Math.floor(depth * (512 - distanceTokens - 3) + 0.5));
  }
});

test('depth 0 begins with the fact, depth 1 fills the context', () => {
  const shallow = recallTask({ seed: 3, distanceTokens: 12, depth: 0, contextTokens: 128 });
  expect(shallow.factPosition).toBe(2);
  const deep = recallTask({ seed: 3, distanceTokens: 12, depth: 1, contextTokens: 128 });
  // The answer is the context's last token.
  expect(deep.answerPosition).toBe(127);
});

test('the answer is spread evenly over its candidates, whatever stands around it', () => {
  const counts = new Map<number, number>();
  const draws = 6400;
  let seenElsewhere = 0;
  for (let seed = 0; seed < draws; seed++) {
    const { answerId, candidates, ids } = recallTask({
      seed,
      distanceTokens: 30,
      depth: 0,
      contextTokens: 64,
    });
    expect(candidates).toHaveLength(64);
    counts.set(answerId, (counts.get(answerId) ?? 0) + 1);
    seenElsewhere += ids.filter((id) => id === answerId).length - 1;
  }
  // χ² with 63 degrees of freedom: 103 is exceeded once in a thousand.
  const expected = draws / 64;
  let chiSquared = 0;
  for (const id of recallTask({ seed: 0, distanceTokens: 30, depth: 0, contextTokens: 64 }).candidates) {
    chiSquared += ((counts.get(id) ?? 0) - expected) ** 2 / expected;
  }
  expect(chiSquared).toBeLessThan(103);
  // About three other facts of 64 things each: the same thing again in one of twenty tasks, no more and no less.
  expect(seenElsewhere / draws).toBeGreaterThan(0.01);
  expect(seenElsewhere / draws).toBeLessThan(0.08);
});

test('prose agrees in number and keeps every home', () => {
  for (let seed = 0; seed < 20; seed++) {
    const words = heldOutText({ seed, tokens: 400 }).map((id) => LEDGER_TOKENS[id] ?? '');
    expect(words).toHaveLength(400);
    expect(words[0]).toBe('<s>');
    const homes = new Map<string, string>();
    words.forEach((word, i) => {
      const role = words[i - 1] ?? '';
      if (word !== 'of' || i + 1 >= words.length) return;
      expect(homes.get(role) ?? words[i + 1]).toBe(words[i + 1]);
      homes.set(role, words[i + 1] ?? '');
    });
    expect(homes.size).toBeGreaterThan(8);
    // A person who rests does it in the singular, with whatever stands between.
    for (const sentence of words.slice(1).join(' ').split(' . ').slice(0, -1)) {
      if (!/^the \w+ of /.test(sentence)) continue;
      const last = sentence.split(' ').at(-1) ?? '';
      if ([...ledger.rests.plural].includes(last)) throw new Error(`“${sentence}” does not agree.`);
    }
  }
});

test('refuses what does not fit, with the nearest that does', () => {
  const task = { seed: 1, depth: 0, contextTokens: 64 };
  expect(() => recallTask({ ...task, distanceTokens: 62 })).toThrow(
    /62 tokens back .* 64; from 4 to 61 does/,
  );
  expect(() => recallTask({ ...task, distanceTokens: 3 })).toThrow(/from 4/);
  expect(() => recallTask({ ...task, distanceTokens: 61, depth: 1.5 })).toThrow(/depth is 1.5; 0 to 1/);
  expect(recallTask({ ...task, distanceTokens: 61 }).answerPosition).toBe(63);
});
