/**
 * The one door to a scenario: text, a file's JSON, a form's object, a link's layer.
 *
 * Takes partial documents and fills them from the defaults. A refusal is one sentence and changes nothing.
 */
import * as v from 'valibot';
import {
  checkJson,
  isJsonObject,
  readJson,
  type Json,
  type JsonBounds,
  type JsonObject,
  type Read,
} from '../json.ts';
import { issueSentence } from '../sentences.ts';
import { DEFAULT_SCENARIO } from './defaults.ts';
import { mergeLayer } from './layer.ts';
import { contradiction } from './rules.ts';
import { Scenario, SCENARIO_VERSION } from './schema.ts';
import { sweepContradiction } from './sweep.ts';

export const SCENARIO_BOUNDS: JsonBounds = {
  what: 'scenario',
  maxCharacters: 65_536,
  maxDepth: 12,
  maxValues: 20_000,
};

export type ParsedScenario =
  { readonly ok: true; readonly scenario: Scenario } | { readonly ok: false; readonly sentence: string };

function refuse(sentence: string): { readonly ok: false; readonly sentence: string } {
  return { ok: false, sentence };
}

/** Sentence about a document's version, or null when this release reads it. */
export function versionSentence(version: Json | undefined, known: number, what: string): string | null {
  if (version === undefined) return `This ${what} has no version; add "version": ${known}.`;
  if (version === known) return null;
  if (typeof version === 'number' && Number.isInteger(version) && version > known) {
    return `This ${what} has version ${version}, newer than ${known}, which is the newest read here; update KV Lab.`;
  }
  return `This ${what} has version ${JSON.stringify(version).slice(0, 40)}; the version read here is ${known}.`;
}

/** Bounds, names and version of a document; not yet its meaning. */
export function readLayer(input: unknown): Read<JsonObject> {
  const read =
    typeof input === 'string' ? readJson(input, SCENARIO_BOUNDS) : checkJson(input, SCENARIO_BOUNDS);
  if (!read.ok) return read;
  const layer = read.value;
  if (!isJsonObject(layer))
    return refuse('A scenario is a JSON object such as {"version": 1}; this is none.');
  const sentence = versionSentence(layer['version'], SCENARIO_VERSION, 'scenario');
  return sentence === null ? { ok: true, value: layer } : refuse(sentence);
}

/** Checks a complete document. */
export function validateScenario(document: unknown): ParsedScenario {
  const result = v.safeParse(Scenario, document, { abortEarly: true });
  if (!result.success) return refuse(issueSentence(result.issues, 'The scenario', DEFAULT_SCENARIO));
  const sentence = sweepContradiction(result.output) ?? contradiction(result.output);
  return sentence === null ? { ok: true, scenario: result.output } : refuse(sentence);
}

/**
 * Reads a scenario from JSON text or a plain object, partial documents over `base`.
 * @param base what the document is laid over; the defaults unless told
 */
export function parseScenario(input: unknown, base: Scenario = DEFAULT_SCENARIO): ParsedScenario {
  const read = readLayer(input);
  return read.ok ? validateScenario(mergeLayer(base, read.value)) : read;
}
