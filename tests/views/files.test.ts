import { expect, test } from 'vitest';
import { cardSvg } from '../../src/views/check/card-svg.ts';
import { fileName } from '../../src/views/parts/files.ts';
import { withResolution } from '../../src/views/parts/png.ts';
import { toyCheck } from '../charts/runs.ts';

test.each([
  { stem: 'Concurrency sweep, Llama-3.2-1B shape', name: 'concurrency-sweep-llama-3.2-1b-shape.json' },
  { stem: '../../etc/passwd', name: 'etc-passwd.json' },
  { stem: '<b>"x"</b>', name: 'b-x-b.json' },
  { stem: '…', name: 'kvlab.json' },
])('“$stem” becomes a safe file name', ({ stem, name }) => {
  expect(fileName(stem, 'json')).toBe(name);
});

test('a PNG learns how large it is on paper', () => {
  // Signature, IHDR of 13 bytes with its checksum, then whatever follows.
  const png = new Uint8Array(40).map((_, i) => i);
  const whole = withResolution(png, 300);
  const view = new DataView(whole.buffer);
  expect([...whole.subarray(0, 33)]).toEqual([...png.subarray(0, 33)]);
  expect(new TextDecoder().decode(whole.subarray(37, 41))).toBe('pHYs');
  expect([view.getUint32(41), view.getUint32(45), view.getUint8(49)]).toEqual([11811, 11811, 1]);
  // CRC-32 of this very chunk, as any PNG at 300 dpi carries it (python3: zlib.crc32(b'pHYs' + …)).
  expect(view.getUint32(50)).toBe(0x78a53f76);
  expect([...whole.subarray(54)]).toEqual([...png.subarray(33)]);
});

test('the card holds every reading and nothing that could be markup', () => {
  const check = toyCheck();
  const hostile = { ...check, environment: { ...check.environment, runtime: '<script>alert(1)</script>' } };
  const svg = cardSvg(hostile);
  expect(svg).not.toContain('<script');
  for (const { label } of check.measurements)
    expect(svg).toContain(label.slice(0, 20).replace(/&/g, '&amp;'));
});
