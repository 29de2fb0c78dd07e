/**
 * Fields of a config.json under any of their names, checked as they are read: what is missing or impossible is named.
 *
 * Throws ConfigRefusal, which index.ts turns into a sentence; nothing else here throws.
 */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';

/** A configuration that can't be read, in one sentence without its end. */
export class ConfigRefusal extends Error {}

/** Larger than any number of a model that fits into a data centre. */
export const LARGEST_COUNT = 100_000_000;

function shown(value: Json | undefined): string {
  if (typeof value === 'string') return `“${value.slice(0, 40)}”`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return isJsonObject(value) ? 'an object' : String(value);
}

function at(object: JsonObject, path: string): Json | undefined {
  let value: Json | undefined = object;
  for (const name of path.split('.')) {
    if (!isJsonObject(value)) return undefined;
    value = value[name];
  }
  return value;
}

/** A reader over one object of the configuration, and what stands in where that has nothing. */
export class Fields {
  readonly #object: JsonObject;
  readonly #fallback: JsonObject;
  /** Name of the object, for sentences. */
  readonly #where: string;

  constructor(object: JsonObject, where = '', fallback: JsonObject = {}) {
    this.#object = object;
    this.#fallback = fallback;
    this.#where = where;
  }

  /** The first of the names that has a value, with the name it has; null counts as absent. */
  first(names: readonly string[]): { readonly name: string; readonly value: Json } | null {
    for (const object of [this.#object, this.#fallback]) {
      for (const name of names) {
        const value = at(object, name);
        if (value !== undefined && value !== null) return { name, value };
      }
    }
    return null;
  }

  has(name: string): boolean {
    return this.first([name]) !== null;
  }

  text(...names: string[]): string | null {
    const found = this.first(names);
    return found !== null && typeof found.value === 'string' ? found.value : null;
  }

  flag(...names: string[]): boolean | null {
    const found = this.first(names);
    return found !== null && typeof found.value === 'boolean' ? found.value : null;
  }

  /** A whole number from `least` on; null where no name has a value. */
  optional(names: readonly string[], least = 1): number | null {
    const found = this.first(names);
    if (found === null) return null;
    const { name, value } = found;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > LARGEST_COUNT) {
      throw new ConfigRefusal(
        `${this.#path(name)} is ${shown(value)}; it must be a whole number from ${least} to ${LARGEST_COUNT}`,
      );
    }
    return value;
  }

  count(...names: string[]): number {
    const value = this.optional(names);
    if (value === null) throw new ConfigRefusal(this.missing(names));
    return value;
  }

  /** 0 where it is absent or says so. */
  orZero(...names: string[]): number {
    return this.optional(names, 0) ?? 0;
  }

  /** A list of one entry a layer; null where it is absent. */
  list(name: string, layers: number | null): readonly Json[] | null {
    const found = this.first([name]);
    if (found === null || !Array.isArray(found.value)) return null;
    const { value } = found;
    if (layers !== null && value.length < layers) {
      throw new ConfigRefusal(
        `${this.#path(name)} has ${value.length} entries for ${layers} layers; it must have one for each`,
      );
    }
    return layers === null ? value : value.slice(0, layers);
  }

  object(name: string): JsonObject | null {
    const found = this.first([name]);
    return found !== null && isJsonObject(found.value) ? found.value : null;
  }

  /** A ratio such as an expansion; null where it is absent or no positive number. */
  ratio(name: string): number | null {
    const found = this.first([name]);
    return found !== null && typeof found.value === 'number' && found.value > 0 ? found.value : null;
  }

  missing(names: readonly string[]): string {
    const [name = '', ...others] = names;
    const or = others.length === 0 ? '' : ` (or ${others.slice(0, 3).join(', ')})`;
    return `${this.#path(name)}${or} is missing`;
  }

  #path(name: string): string {
    return this.#where === '' ? name : `${this.#where}.${name}`;
  }
}
