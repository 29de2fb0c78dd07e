/** Small vocabularies for tests, in the forms that files have. */

export const BYTES = Array.from({ length: 256 }, (_, byte) => byte);

/** [piece, score] by id: control tokens, the 256 bytes, then letters and pairs. */
export const sentencePieces: readonly (readonly [string, number])[] = [
  ['<unk>', 0],
  ['<s>', 0],
  ['</s>', 0],
  ...BYTES.map((byte) => [`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`, 0] as const),
  ['bc', -1],
  ['▁a', -2],
  ['▁ab', -3],
  ['ab', -4],
  ['▁', -5],
  ['a', -6],
  ['b', -7],
  ['c', -8],
];

/** GPT-2's visible alphabet: printable bytes are themselves, the others the letters from U+0100 on, in order. */
export const byteAlphabet: readonly string[] = (() => {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let next = 256;
  return BYTES.map((byte) => String.fromCodePoint(printable(byte) ? byte : next++));
})();

export function metadata(entries: Readonly<Record<string, unknown>>): ReadonlyMap<string, unknown> {
  return new Map(
    Object.entries(entries)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [`tokenizer.ggml.${key}`, value]),
  );
}

/** A llama2.c vocabulary as its exporter writes it. */
export function llama2cFile(pieces: readonly (readonly [string, number])[]): Uint8Array {
  const encoded = pieces.map(([piece, score], id) => ({
    score,
    bytes: new TextEncoder().encode(id === 1 || id === 2 ? `\n${piece}\n` : piece.replaceAll('▁', ' ')),
  }));
  const file = new Uint8Array(4 + encoded.reduce((sum, { bytes }) => sum + 8 + bytes.length, 0));
  const view = new DataView(file.buffer);
  view.setInt32(0, Math.max(...encoded.map(({ bytes }) => bytes.length)), true);
  let at = 4;
  for (const { score, bytes } of encoded) {
    view.setFloat32(at, score, true);
    view.setInt32(at + 4, bytes.length, true);
    file.set(bytes, at + 8);
    at += 8 + bytes.length;
  }
  return file;
}
