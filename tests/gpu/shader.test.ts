import { expect, test } from 'vitest';
import { expandShader } from '../../src/gpu/shader.ts';

const table: {
  name: string;
  source: string;
  constants?: Record<string, number | string | boolean>;
  out: string;
}[] = [
  { name: 'substitutes arithmetic', source: 'a${N*2+(1-N)%3}b', constants: { N: 4 }, out: 'a8b' },
  {
    name: 'substitutes text',
    source: 'var x: ${T};',
    constants: { T: 'vec4<f32>' },
    out: 'var x: vec4<f32>;',
  },
  { name: 'repeats', source: '//!repeat i 3\nv${i}\n//!end', out: 'v0\nv1\nv2' },
  { name: 'nests', source: '//!repeat i 2\n//!repeat j 2\n${i*2+j}\n//!end\n//!end', out: '0\n1\n2\n3' },
  {
    name: 'takes the else branch',
    source: '//!if SG\na\n//!else\nb\n//!end',
    constants: { SG: false },
    out: 'b',
  },
  { name: 'compares', source: '//!if F == int4\na\n//!end', constants: { F: 'int4' }, out: 'a' },
];

test.each(table)('$name', ({ source, constants, out }) => {
  expect(expandShader(source, constants ?? {})).toBe(out);
});

test('includes a library file once', () => {
  expect(expandShader('//!requires x\n//!requires x\nend', {}, { x: 'lib' })).toBe('lib\nend');
});

test.each([
  ['an unknown constant', '${M}'],
  ['an open block', '//!if A'],
  ['an unknown file', '//!requires y'],
  ['an unknown directive', '//!while x'],
])('refuses %s', (_, source) => {
  expect(() => expandShader(source, { A: true })).toThrow();
});
