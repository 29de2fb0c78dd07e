/**
 * The door for JSON from outside: bounded in size, depth and number of values, and free of keys that reach prototypes.
 *
 * Boundary: this file knows JSON only. Whether a document is a scenario or a run is for their schemas to say.
 */

import { crc32Bytes } from './crc32.ts';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
/** A name with the value undefined counts as absent. */
export type JsonObject = { readonly [key: string]: Json | undefined };

export interface JsonBounds {
  /** What the document is, for the sentence: 'scenario', 'run file'. */
  readonly what: string;
  readonly maxCharacters: number;
  readonly maxDepth: number;
  readonly maxValues: number;
}

export type Read<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly sentence: string };

const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** Depth of brackets outside strings, found without recursion, so that a parser never sees a hostile nesting. */
function textDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (inString) {
      if (c === 92) i++;
      else if (c === 34) inString = false;
    } else if (c === 34) inString = true;
    else if (c === 91 || c === 123) deepest = Math.max(deepest, ++depth);
    else if (c === 93 || c === 125) depth--;
  }
  return deepest;
}

export function isJsonObject(value: unknown): value is JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Where a value stands: a list from the value up to the document, so that a walk adds one link for each container. */
interface Place {
  readonly key: string;
  readonly up: Place | null;
  readonly depth: number;
}

function dotted(place: Place | null): string {
  const keys: string[] = [];
  for (let at = place; at !== null; at = at.up) keys.unshift(at.key);
  return keys.length === 0 ? 'the document' : keys.join('.').slice(0, 100);
}

type Container = readonly unknown[] | JsonObject;

/** Checks a value that is already in memory. Refuses what JSON can't hold, so a checked value may be stored or sent. */
export function checkJson(value: unknown, bounds: JsonBounds): Read<Json> {
  const refuse = (sentence: string): Read<Json> => ({ ok: false, sentence });
  const open: { container: Container; place: Place | null }[] = [];
  let seen = 0;

  /** Sentence about one value, or null; containers are opened later. */
  const look = (part: unknown, key: string, up: Place | null): string | null => {
    seen += 1;
    if (part === null || typeof part === 'string' || typeof part === 'boolean') return null;
    const place = { key, up, depth: (up?.depth ?? 0) + 1 };
    if (typeof part === 'number') {
      return Number.isFinite(part) ? null : `${dotted(place)} is ${part}; a finite number is needed.`;
    }
    if (!Array.isArray(part) && !isJsonObject(part)) {
      return `${dotted(place)} is a ${typeof part}; this ${bounds.what} must be plain JSON.`;
    }
    if (place.depth > bounds.maxDepth) {
      return `This ${bounds.what} is nested deeper than ${bounds.maxDepth} levels; none needs that.`;
    }
    open.push({ container: part, place });
    return null;
  };

  /** Sentence about the values of one container, or null. */
  const lookInside = (container: Container, place: Place | null): string | null => {
    for (const [key, child] of Object.entries(container)) {
      if (FORBIDDEN_KEYS.has(key)) {
        return `${dotted({ key, up: place, depth: 0 })} is not allowed as a name; remove it.`;
      }
      const sentence = child === undefined ? null : look(child, key, place);
      if (sentence !== null) return sentence;
      if (seen > bounds.maxValues)
        return `This ${bounds.what} has more than ${bounds.maxValues} values; shorten it.`;
    }
    return null;
  };

  if (Array.isArray(value) || isJsonObject(value)) open.push({ container: value, place: null });
  else if (value !== null && !['string', 'number', 'boolean'].includes(typeof value)) {
    return refuse(`This ${bounds.what} must be plain JSON; it is a ${typeof value}.`);
  }
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    const sentence = lookInside(item.container, item.place);
    if (sentence !== null) return refuse(sentence);
  }
  // Every part was looked at above.
  return { ok: true, value: value as Json };
}

/** Parses and checks JSON text. */
export function readJson(text: string, bounds: JsonBounds): Read<Json> {
  if (text.length > bounds.maxCharacters) {
    const most = bounds.maxCharacters;
    return {
      ok: false,
      sentence: `This ${bounds.what} has ${text.length} characters; at most ${most} are read.`,
    };
  }
  const depth = textDepth(text);
  if (depth > bounds.maxDepth) {
    const sentence = `This ${bounds.what} is nested ${depth} levels deep; at most ${bounds.maxDepth} are read.`;
    return { ok: false, sentence };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return {
      ok: false,
      sentence: `This ${bounds.what} is not valid JSON; check for a missing bracket or quote.`,
    };
  }
  return checkJson(value, bounds);
}

/** JSON text with sorted keys: equal documents give equal text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value)
    .filter(([, part]) => part !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, part]) => `${JSON.stringify(key)}:${canonicalJson(part)}`).join(',')}}`;
}

/** CRC-32 of a text's UTF-8 bytes. */
export function crc32(text: string): number {
  return crc32Bytes(new TextEncoder().encode(text));
}
