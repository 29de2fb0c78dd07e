/** Numbers in flags. */
import { InputError } from './errors.ts';

/** @throws InputError unless it is a whole number within the bounds */
export function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new InputError(`${flag} is “${text.slice(0, 40)}”; a whole number from ${min} to ${max} is needed.`);
}

/** @throws InputError unless it is a number within the bounds */
export function realNumber(flag: string, text: string, min: number, max: number): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (Number.isFinite(value) && value >= min && value <= max) return value;
  throw new InputError(`${flag} is “${text.slice(0, 40)}”; a number from ${min} to ${max} is needed.`);
}
