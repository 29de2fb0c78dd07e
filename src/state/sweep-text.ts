/** Sweep values as people type them: `1, 2, 4` or `f16, int8`; lists of request groups as JSON. */
import { readJson, type Json } from '../core/json.ts';
import { SCENARIO_BOUNDS } from '../core/scenario/parse.ts';

export type ReadValues =
  { readonly ok: true; readonly values: readonly Json[] } | { readonly ok: false; readonly sentence: string };

function scalar(text: string): Json {
  if (text === 'true') return true;
  if (text === 'false') return false;
  const number = Number(text);
  return text !== '' && Number.isFinite(number) ? number : text;
}

/** JSON lists stand as JSON; everything else is cut at the commas. */
export function readValues(text: string): ReadValues {
  const trimmed = text.trim();
  if (trimmed.startsWith('[')) {
    const read = readJson(trimmed, SCENARIO_BOUNDS);
    if (!read.ok)
      return { ok: false, sentence: `The values are no JSON list: close every bracket and quote.` };
    return Array.isArray(read.value)
      ? { ok: true, values: read.value }
      : { ok: false, sentence: 'The values are no JSON list: begin with [ and end with ].' };
  }
  const parts = trimmed.split(',').map((part) => part.trim());
  const values = parts.filter((part) => part !== '').map(scalar);
  return values.length > 0
    ? { ok: true, values }
    : { ok: false, sentence: 'A sweep axis without values sweeps nothing: type some, separated by commas.' };
}

export function showValues(values: readonly Json[]): string {
  const plain = values.every((value) => typeof value !== 'object' && !String(value).includes(','));
  return plain ? values.join(', ') : JSON.stringify(values);
}
