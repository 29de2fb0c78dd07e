/** Bytes in memory, in files, and read ahead. */
import { expect, test } from 'vitest';
import {
  blobSource,
  memorySource,
  readAhead,
  readText,
  type ByteSource,
} from '../../../src/engine/files/byte-source.ts';
import { ModelError } from '../../../src/engine/files/error.ts';

const BYTES = Uint8Array.from({ length: 100 }, (_, i) => i);

test.each([
  { kind: 'memory', source: memorySource('f', BYTES) },
  { kind: 'blob', source: blobSource('f', new Blob([BYTES])) },
])('$kind', async ({ source }) => {
  expect(source.size).toBe(100);
  expect([...(await source.read(97, 3))]).toEqual([97, 98, 99]);
  await expect(source.read(97, 4)).rejects.toThrow(
    'f ends at byte 100, before byte 101 that it should have; it is cut off',
  );
  await expect(source.read(0, 1, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
});

test('a file that became shorter on disk is cut off, one that went away is missing', async () => {
  const shortened = Object.assign(new Blob([BYTES]), { slice: () => new Blob([BYTES.slice(0, 2)]) });
  await expect(blobSource('f', shortened).read(0, 10)).rejects.toThrow('f ends at byte 2');
  const gone = Object.assign(new Blob([BYTES]), {
    slice: () =>
      Object.assign(new Blob([]), { arrayBuffer: () => Promise.reject(new Error('NotReadableError')) }),
  });
  await expect(blobSource('f', gone).read(0, 10)).rejects.toThrow(
    "f can't be read any more; it was moved or changed",
  );
});

test('reading ahead asks once for neighbours and never past the end', async () => {
  const asked: [number, number][] = [];
  const inner = memorySource('f', BYTES);
  const counted: ByteSource = {
    ...inner,
    read: (offset, length) => {
      asked.push([offset, length]);
      return inner.read(offset, length);
    },
  };
  const ahead = readAhead(counted, 16);
  const wanted: [number, number][] = [
    [0, 4],
    [4, 8],
    [12, 4],
    [16, 1],
    [90, 5],
    [95, 5],
    [0, 50],
  ];
  for (const [offset, length] of wanted) {
    expect([...(await ahead.read(offset, length))]).toEqual([...BYTES.slice(offset, offset + length)]);
  }
  expect(asked).toEqual([
    [0, 16],
    [16, 16],
    [90, 10],
    [0, 50],
  ]);
  await expect(ahead.read(99, 5)).rejects.toThrow(ModelError);
});

test('a text is bounded and must be UTF-8', async () => {
  expect(await readText(memorySource('t', new TextEncoder().encode('é')), 10)).toBe('é');
  await expect(readText(memorySource('t', BYTES), 10)).rejects.toThrow(
    't has 100 bytes; the most for such a file is 10.',
  );
  await expect(readText(memorySource('t', Uint8Array.of(0xff)), 10)).rejects.toThrow(
    't is no text in UTF-8.',
  );
});
