/**
 * How wide a text will be, without a font: layouts run in Node and in workers. Widths are Arial's, in thousandths of
 * the font size, by class of character, with 12 % to spare because readers' fonts differ.
 */
const NARROW = new Set("iljtfrI.,:;'|!()[]{}/ -·\u00a0");
const WIDE = new Set('mwMW%@—…');
const SPARE = 1.12;

function charWidth(char: string): number {
  if (NARROW.has(char)) return 0.31;
  if (WIDE.has(char)) return 0.88;
  if (/[A-Z×→←↑↓]/.test(char)) return 0.7;
  return char > '\u2e80' ? 1 : 0.555;
}

/** Width in px of one line at a font size in px. */
export function textWidth(text: string, size: number): number {
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width * size * SPARE;
}

/** The longest beginning that fits, with an ellipsis where something is cut. */
export function truncateText(text: string, size: number, maxWidth: number): string {
  if (textWidth(text, size) <= maxWidth) return text;
  const chars = [...text];
  while (chars.length > 1 && textWidth(`${chars.join('')}…`, size) > maxWidth) chars.pop();
  return `${chars.join('').trimEnd()}…`;
}

/** Greedy lines of at most `maxWidth` px. A single word that is too long, and what is left after `maxLines`, is cut. */
export function wrapText(text: string, size: number, maxWidth: number, maxLines = Infinity): string[] {
  const lines: string[] = [];
  let line = '';
  const words = text.split(' ').filter((word) => word !== '');
  for (const [index, word] of words.entries()) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line === '' || textWidth(longer, size) <= maxWidth) {
      line = longer;
      continue;
    }
    if (lines.length + 1 >= maxLines) {
      lines.push(truncateText(`${line} ${words.slice(index).join(' ')}`, size, maxWidth));
      return lines;
    }
    lines.push(truncateText(line, size, maxWidth));
    line = word;
  }
  if (line !== '') lines.push(truncateText(line, size, maxWidth));
  return lines;
}
