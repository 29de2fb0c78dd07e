import { expect, test } from 'vitest';
import { cardSvg } from '../../src/views/check/card-svg.ts';
import { fileName } from '../../src/views/parts/files.ts';
import { toyCheck } from '../charts/runs.ts';

test.each([
  { stem: 'Concurrency sweep, Llama-3.2-1B shape', name: 'concurrency-sweep-llama-3.2-1b-shape.json' },
  { stem: '../../etc/passwd', name: 'etc-passwd.json' },
  { stem: '<b>"x"</b>', name: 'b-x-b.json' },
  { stem: '…', name: 'kvlab.json' },
])('“$stem” becomes a safe file name', ({ stem, name }) => {
  expect(fileName(stem, 'json')).toBe(name);
});

test('the card holds every reading and nothing that could be markup', () => {
  const check = toyCheck();
  const hostile = { ...check, environment: { ...check.environment, runtime: '<script>alert(1)</script>' } };
  const svg = cardSvg(hostile);
  expect(svg).not.toContain('<script');
  for (const { label } of check.measurements)
    expect(svg).toContain(label.slice(0, 20).replace(/&/g, '&amp;'));
});
