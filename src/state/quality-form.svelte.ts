/**
 * The quality experiment as a form: a story of the laboratory, and the lists a person changes of it.
 *
 * Boundary: what is not in the form keeps the story's values; the text of a person is not part of the scenario, because a
 * scenario travels in links.
 */
import { isJsonObject, type Json } from '../core/json.ts';
import { KV_FORMATS, type KvFormat } from '../core/kv/formats.ts';
import { cellsOf } from '../core/scenario/quality/cells.ts';
import {
  QUALITY_POLICIES,
  type QualityPolicy,
  type QualityScenario,
} from '../core/scenario/quality/schema.ts';
import { decodeLink, encodeScenarioLink } from '../core/scenario/link.ts';
import { parseQuality, type ParsedQuality } from '../core/scenario/parse.ts';
import { presetQuality, QUALITY_PRESETS } from '../core/scenario/presets.ts';
import { setByHand } from '../core/scenario/reduce.ts';

export const FIRST_STORY = 'quality-formats';

export interface Story {
  readonly name: string;
  readonly title: string;
}

export const QUALITY_STORIES: readonly Story[] = QUALITY_PRESETS.map(({ name, layer }) => ({
  name,
  title: String(layer['title'] ?? name),
}));

export const ALL_FORMATS: readonly KvFormat[] = KV_FORMATS;
export const ALL_POLICIES: readonly QualityPolicy[] = QUALITY_POLICIES;

/** Whole numbers and shares between commas or spaces; what is no number becomes NaN, which the schema refuses. */
export function numbersOf(text: string): number[] {
  return text
    .split(/[\s,;]+/)
    .filter((part) => part !== '')
    .map(Number);
}

/** The setting at a path of two or three names, as a form's field shows it. */
export function shown(value: Json | undefined): string {
  return Array.isArray(value) ? value.join(', ') : String(value ?? '');
}

export class QualityForm {
  story: string | null = $state(FIRST_STORY);
  #document: Json = $state.raw(presetQuality(FIRST_STORY));
  /** Why the last link was refused; it changed nothing. */
  linkProblem: string | null = $state(null);
  #lastLink: string | null = null;
  /** For perplexity; empty: held-out text, or the model's own samples. */
  text = $state('');

  get parsed(): ParsedQuality {
    return parseQuality(this.#document);
  }

  get scenario(): QualityScenario | null {
    return this.parsed.ok ? this.parsed.scenario : null;
  }

  get problem(): string | null {
    return this.parsed.ok ? null : this.parsed.sentence;
  }

  /** Caches that will be measured. */
  get cells(): number {
    return this.scenario === null ? 0 : cellsOf(this.scenario).length;
  }

  get about(): string {
    return shown(this.#at('about'));
  }

  choose(name: string): void {
    this.take(presetQuality(name), name);
  }

  take(scenario: QualityScenario, story: string | null = null): void {
    this.story = story;
    this.#document = scenario;
  }

  list(path: string): readonly Json[] {
    const value = this.#at(path);
    return Array.isArray(value) ? value : [];
  }

  value(path: string): string {
    return shown(this.#at(path));
  }

  /** Puts an entry into a list or takes it out; the order is that of `all`. */
  toggle(path: string, entry: string, all: readonly string[]): void {
    const had = this.list(path).map(String);
    const next = all.filter((one) => (one === entry ? !had.includes(one) : had.includes(one)));
    this.set(path, next);
  }

  set(path: string, value: Json): void {
    const changed = setByHand(this.#document, path, value);
    if (changed === null) return;
    this.#document = changed;
  }

  /** Opens a link; a bad one gives its sentence and changes nothing. The same one twice undoes nothing. */
  async follow(text: string): Promise<void> {
    if (text === this.#lastLink) return;
    this.#lastLink = text;
    const link = await decodeLink(text);
    if (this.#lastLink !== text) return;
    this.linkProblem = null;
    if (link.ok && link.kind === 'quality') this.take(link.scenario, link.preset);
    else this.linkProblem = link.ok ? 'This link holds no quality experiment.' : link.sentence;
  }

  link(): Promise<string | null> {
    return this.scenario === null ? Promise.resolve(null) : encodeScenarioLink(this.scenario, this.story);
  }

  #at(path: string): Json | undefined {
    let value: Json | undefined = this.#document;
    for (const name of path.split('.'))
      value = isJsonObject(value ?? null) ? memberOf(value, name) : undefined;
    return value;
  }
}

function memberOf(value: Json | undefined, name: string): Json | undefined {
  return value !== undefined && isJsonObject(value) ? value[name] : undefined;
}
