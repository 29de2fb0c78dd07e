import { describe, expect, it } from 'vitest';
import { formatInterval, formatNumber, formatValue } from '../../src/charts/format.ts';
import { textWidth, truncateText, wrapText } from '../../src/charts/text.ts';

const MIB = 1024 ** 2;

describe('formatValue', () => {
  it.each([
    [0, 'bytes', '0 B'],
    [1023, 'bytes', '1,023 B'],
    [1536, 'bytes', '1.5 KiB'],
    [12.34 * MIB, 'bytes', '12.3 MiB'],
    [0, 'ms', '0 ms'],
    [0.0123, 'ms', '12.3 µs'],
    [0.000_004, 'ms', '4 ns'],
    [1, 'ms', '1 ms'],
    [9_999, 'ms', '9,999 ms'],
    [12_345, 'ms', '12.3 s'],
    [0.975, 'share', '97.5 %'],
    [1.004, 'ratio', '1.004 ×'],
    [2.345, 'ratio', '2.35 ×'],
    [7290.4, 'tok/s', '7,290 tok/s'],
    [16, '', '16'],
    [-3.5, 'ms', '−3.5 ms'],
    [1e12, 'tokens', '1e+12 tokens'],
  ])('%d in %s is %s', (value, unit, text) => {
    expect(formatValue(value, unit).replace('\u00a0', ' ')).toBe(text);
  });

  it('names what is no number', () => expect(formatNumber(Number.NaN)).toBe('unknown'));
});

describe('formatInterval', () => {
  it.each([
    [10 * MIB, 12.3 * MIB, 'bytes', '10 to 12.3 MiB'],
    [0.999, 1.012, 'ratio', '0.999 to 1.012 ×'],
    [10.271, 10.299, 'ms', '10.27 to 10.3 ms'],
    [2, 2, 'ms', '2 to 2 ms'],
  ])('%d to %d in %s', (low, high, unit, text) => {
    expect(formatInterval(low, high, unit).replace('\u00a0', ' ')).toBe(text);
  });
});

describe('text', () => {
  it('is wider with more and with wider letters', () => {
    expect(textWidth('WWW', 10)).toBeGreaterThan(textWidth('iii', 10));
    expect(textWidth('aa', 20)).toBeCloseTo(2 * textWidth('aa', 10));
  });

  it('wraps at words and keeps every word', () => {
    const text = 'the quick brown fox jumps over the lazy dog';
    const lines = wrapText(text, 12, 90);
    expect(lines.length).toBeGreaterThan(2);
    expect(lines.join(' ')).toBe(text);
    for (const line of lines) expect(textWidth(line, 12)).toBeLessThanOrEqual(90);
  });

  it('cuts what has no room, and says so with an ellipsis', () => {
    expect(truncateText('paged-eviction', 11, 40)).toMatch(/^paged?.*…$/);
    expect(wrapText('one two three four five six', 12, 60, 2).at(-1)).toMatch(/…$/);
    expect(truncateText('short', 11, 400)).toBe('short');
  });
});
