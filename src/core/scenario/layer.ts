/**
 * Layers: partial scenarios laid over one another, the difference between two, and values by dotted path.
 *
 * Objects merge name by name; lists, `softwareAdapter` (whose names are paths), a tuning's `space` and `baseline` (where a
 * name that is missing says something) and objects of another `kind` are replaced whole.
 */
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../json.ts';

const REPLACED_WHOLE = new Set(['softwareAdapter', 'space', 'baseline']);

function isMerged(name: string, a: Json | undefined, b: Json | undefined): boolean {
  return !REPLACED_WHOLE.has(name) && isJsonObject(a) && isJsonObject(b) && !areOtherKinds(a, b);
}

function areOtherKinds({ kind: a }: JsonObject, { kind: b }: JsonObject): boolean {
  return a !== undefined && b !== undefined && a !== b;
}

/** `layer` over `base`; neither is changed. Names unknown to `base` are kept, for the schema to refuse. */
export function mergeLayer(base: JsonObject, layer: JsonObject): JsonObject {
  const merged = new Map(Object.entries(base));
  for (const [name, value] of Object.entries(layer)) {
    if (value === undefined) continue;
    const below = merged.get(name);
    const both = isMerged(name, below, value) && isJsonObject(below) && isJsonObject(value);
    merged.set(name, both ? mergeLayer(below, value) : value);
  }
  return Object.fromEntries(merged);
}

/** The smallest layer that makes `value` out of `base`; names that `value` lacks can't be expressed and are kept. */
export function diffLayer(base: JsonObject, value: JsonObject): JsonObject {
  const difference: [string, Json][] = [];
  for (const [name, part] of Object.entries(value)) {
    if (part === undefined) continue;
    const below = base[name];
    if (canonicalJson(below ?? null) === canonicalJson(part) && Object.hasOwn(base, name)) continue;
    const both = isMerged(name, below, part) && isJsonObject(below) && isJsonObject(part);
    difference.push([name, both ? diffLayer(below, part) : part]);
  }
  return Object.fromEntries(difference);
}

/** The value at a dotted path, list positions as numbers; undefined where the path leads nowhere. */
export function valueAt(root: Json, path: string): Json | undefined {
  let value: Json | undefined = root;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = Array.isArray(value) ? value[Number(name)] : (value as JsonObject)[name];
  }
  return value;
}

/** A copy with the value at an existing dotted path replaced; null where the path leads nowhere. */
export function withValueAt(root: Json, path: string, value: Json): Json | null {
  const [name, ...rest] = path.split('.');
  if (name === undefined || typeof root !== 'object' || root === null || !Object.hasOwn(root, name))
    return null;
  const replace = (child: Json | undefined): Json | null =>
    rest.length === 0 ? value : child === undefined ? null : withValueAt(child, rest.join('.'), value);
  if (Array.isArray(root)) {
    const child = replace(root[Number(name)]);
    return child === null && rest.length > 0
      ? null
      : root.map((old, i) => (i === Number(name) ? child : old));
  }
  const child = replace((root as JsonObject)[name]);
  if (child === null && rest.length > 0) return null;
  return Object.fromEntries(Object.entries(root).map(([key, old]) => [key, key === name ? child : old]));
}
