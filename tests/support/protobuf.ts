/** Just enough of protobuf's wire format to write an ONNX model (developers.google.com/protocol-buffers/docs/encoding). */

export type Field = readonly [number: number, value: number | string | Uint8Array | readonly Uint8Array[]];

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest % 128) | (rest > 127 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return bytes;
}

/** A message of fields; a list of bytes is a repeated field. Negative numbers are not written. */
export function message(fields: readonly Field[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [number, value] of fields) {
    if (typeof value === 'number') {
      parts.push(Uint8Array.from([...varint(number * 8), ...varint(value)]));
      continue;
    }
    const contents =
      typeof value === 'string' ? [new TextEncoder().encode(value)] : 'byteLength' in value ? [value] : value;
    for (const content of contents) {
      parts.push(Uint8Array.from([...varint(number * 8 + 2), ...varint(content.length)]), content);
    }
  }
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
