import { expect, test } from 'vitest';
import { crc32Bytes as crc32 } from '../../src/core/crc32.ts';
import { withResolution } from '../../src/charts/png.ts';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

test('the check sum is the one of ISO 3309', () => {
  // The check value of every catalogue of CRCs, and of the empty IEND chunk that ends each PNG.
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  expect(crc32(new TextEncoder().encode('IEND'))).toBe(0xae426082);
});

test('a PNG learns how large it is on paper', () => {
  // Signature, IHDR of 13 bytes with its check sum, then whatever follows.
  const png = Uint8Array.from({ length: 40 }, (_, i) => SIGNATURE[i] ?? i);
  const whole = withResolution(png, 300);
  const view = new DataView(whole.buffer);
  expect([...whole.subarray(0, 33)]).toEqual([...png.subarray(0, 33)]);
  expect(view.getUint32(33)).toBe(9);
  expect(new TextDecoder().decode(whole.subarray(37, 41))).toBe('pHYs');
  expect([view.getUint32(41), view.getUint32(45), view.getUint8(49)]).toEqual([11811, 11811, 1]);
  // CRC-32 of this very chunk, as any PNG at 300 dpi carries it (python3: zlib.crc32(b'pHYs' + …)).
  expect(view.getUint32(50)).toBe(0x78a53f76);
  expect([...whole.subarray(54)]).toEqual([...png.subarray(33)]);
});

test('what is no PNG is refused', () => {
  expect(() => withResolution(new Uint8Array(40), 300)).toThrow('These 40 bytes are no PNG');
  expect(() => withResolution(Uint8Array.from(SIGNATURE), 300)).toThrow('These 8 bytes are no PNG');
});
