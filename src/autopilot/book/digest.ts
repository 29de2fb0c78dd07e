/** A digest of a text in 64 hexadecimal digits, the same on every machine: SHA-256 over its UTF-16 units, a word each. */
import { sha256 } from '../../core/kv/sha256.ts';

export function digestOf(text: string): string {
  const words = new Uint32Array(text.length);
  for (let i = 0; i < text.length; i++) words[i] = text.charCodeAt(i);
  return Array.from(sha256(words), (word) => word.toString(16).padStart(8, '0')).join('');
}
