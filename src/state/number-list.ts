/** Whole numbers with commas or spaces between; null for anything else. */
export function numberList(text: string): number[] | null {
  const parts = text.split(/[\s,;]+/).filter((part) => part !== '');
  const numbers = parts.map(Number);
  return numbers.length > 0 && numbers.every((number) => Number.isInteger(number) && number > 0)
    ? numbers
    : null;
}
