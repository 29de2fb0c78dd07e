/** Event streams cut anywhere are the same events. */
import { expect, test } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { EventStreamReader } from '../../src/endpoints/sse.ts';

const STREAM = [
  ': a comment\n\n',
  'data: {"text":"héllo 世界 🙂"}\r\n\r\n',
  'event: message\ndata:no space\n\n',
  'data: two\ndata: lines\r\r',
  'id: 7\nretry: 10\n\n',
  'data: [DONE]\n\n',
].join('');
const EVENTS = ['{"text":"héllo 世界 🙂"}', 'no space', 'two\nlines', '[DONE]'];
const BYTES = new TextEncoder().encode(STREAM);

function read(pieces: readonly Uint8Array[]): string[] {
  const reader = new EventStreamReader();
  return [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()];
}

test('every cut into two', () => {
  for (let at = 0; at <= BYTES.length; at++) {
    expect(read([BYTES.subarray(0, at), BYTES.subarray(at)])).toEqual(EVENTS);
  }
});

test('byte by byte, and in random pieces of several seeds', () => {
  expect(read(Array.from(BYTES, (byte) => Uint8Array.of(byte)))).toEqual(EVENTS);
  for (let seed = 0; seed < 50; seed++) {
    const random = createRandom(seed);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < BYTES.length;) {
      const size = 1 + random.below(12);
      pieces.push(BYTES.subarray(at, at + size));
      at += size;
    }
    expect(read(pieces)).toEqual(EVENTS);
  }
});

test('an event without its blank line counts at the end, one without an end is refused', () => {
  expect(read([new TextEncoder().encode('data: last')])).toEqual(['last']);
  const reader = new EventStreamReader();
  const piece = new TextEncoder().encode('x'.repeat(1_000_000));
  expect(() => {
    for (let i = 0; i < 5; i++) reader.push(piece);
  }).toThrow(/more than 4000000 characters/);
});
