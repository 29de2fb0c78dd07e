import { expect, test } from 'vitest';
import { readPairs, showPairs } from '../../src/state/sim-pairs.ts';

test.each([
  {
    path: 'workload.promptTokens.points',
    text: '0:16, 0.5:512, 1:4096',
    value: [
      [0, 16],
      [0.5, 512],
      [1, 4096],
    ],
  },
  {
    path: 'workload.promptTokens.parts',
    text: '8:128, 1:4096',
    value: [
      { weight: 8, tokens: 128 },
      { weight: 1, tokens: 4096 },
    ],
  },
])('“$text” is read and shown again', ({ path, text, value }) => {
  expect(readPairs(path, text)).toEqual({ ok: true, value });
  expect(showPairs(value)).toBe(text);
});

test.each(['', 'a:b', '1:2:3', '1', '0:1, x', ':'])('“%s” is refused in one sentence', (text) => {
  const read = readPairs('workload.promptTokens.points', text);
  expect(read.ok ? '' : read.sentence).toMatch(/^.+\.$/);
});
