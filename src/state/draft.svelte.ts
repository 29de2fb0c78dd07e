/**
 * The scenario being edited: a form and a JSON text over one document.
 *
 * A field that is typed wrong keeps its text and its sentence and leaves the document as it was; so the document is
 * always plain JSON, and `scenario` is null exactly while something stands in the way of running it.
 */
import type { Json } from '../core/json.ts';
import { valueAt } from '../core/scenario/layer.ts';
import { readField, type Field } from './form.ts';

interface Typed {
  readonly text: string;
  readonly sentence: string;
}

/** How documents of one kind of scenario are read and changed. */
export interface Door<S> {
  /** Checks a whole document. */
  validate(document: Json): ReadScenario<S>;
  /** Reads a text, which may leave out what has a default. */
  parse(text: string): ReadScenario<S>;
  /** A copy with one value replaced; null where the path leads nowhere. */
  set(document: Json, path: string, value: Json): Json | null;
}

type ReadScenario<S> =
  { readonly ok: true; readonly scenario: S } | { readonly ok: false; readonly sentence: string };

/** A draft of any kind of scenario, for the editors that all kinds share. */
export type AnyDraft = Draft<Json>;

export class Draft<S extends Json> {
  readonly #door: Door<S>;
  #document: Json = $state.raw(null);
  /** Fields whose text does not read as a value. */
  #typed: Readonly<Record<string, Typed>> = $state.raw({});
  /** The JSON editor's text while it differs from the document. */
  #json: Typed | null = $state.raw(null);

  readonly #parsed: ReadScenario<S>;
  readonly scenario: S | null;

  constructor(scenario: S, door: Door<S>) {
    this.#door = door;
    this.#parsed = $derived(door.validate(this.#document));
    this.scenario = $derived(
      this.#parsed.ok && Object.keys(this.#typed).length === 0 && this.#json === null
        ? this.#parsed.scenario
        : null,
    );
    this.load(scenario);
  }

  load(scenario: S): void {
    this.#document = scenario;
    this.#typed = {};
    this.#json = null;
  }

  /** The document as a scenario, whatever is being typed beside it; null where it does not read. */
  get readable(): S | null {
    return this.#parsed.ok ? this.#parsed.scenario : null;
  }

  /** Takes up a document that was kept. @returns false, and changes nothing, where it does not read */
  recall(document: Json): boolean {
    const read = this.#door.validate(document);
    if (read.ok) this.load(read.scenario);
    return read.ok;
  }

  /** What stands in the way, one sentence each. */
  get problems(): readonly string[] {
    const typed = Object.values(this.#typed).map(({ sentence }) => sentence);
    const whole = this.#parsed.ok ? [] : [this.#parsed.sentence];
    return [
      ...typed,
      ...(this.#json === null ? [] : [this.#json.sentence]),
      ...(typed.length > 0 ? [] : whole),
    ];
  }

  /** The document as it stands, whether or not it reads. */
  get document(): Json {
    return this.#document;
  }

  at(path: string): Json | undefined {
    return valueAt(this.#document, path);
  }

  textOf(field: Field): string {
    const typed = this.#typed[field.path];
    if (typed) return typed.text;
    const value = this.at(field.path);
    return value === null || value === undefined ? '' : String(value);
  }

  problemOf(path: string): string | null {
    return this.#typed[path]?.sentence ?? null;
  }

  /** True when a sweep axis sets this value, so that the field's own counts for nothing. */
  isSwept(path: string): boolean {
    const axes = this.at('sweep');
    return Array.isArray(axes) && axes.some((axis: Json) => valueAt(axis, 'path') === path);
  }

  type(field: Field, text: string): void {
    const read = readField(field, text);
    if (read.ok) this.set(field.path, read.value);
    else this.#typed = { ...this.#typed, [field.path]: { text, sentence: read.sentence } };
  }

  /** Puts a value where the scenario has one; what its meaning is, `scenario` and `problems` say. */
  set(path: string, value: Json): void {
    const changed = this.#door.set(this.#document, path, value);
    if (changed !== null) this.#document = changed;
    this.clear(path);
  }

  /** Marks a part with an editor of its own as unreadable. */
  refuse(path: string, text: string, sentence: string): void {
    this.#typed = { ...this.#typed, [path]: { text, sentence } };
  }

  typedAt(path: string): string | null {
    return this.#typed[path]?.text ?? null;
  }

  clear(path: string): void {
    this.#typed = Object.fromEntries(Object.entries(this.#typed).filter(([key]) => key !== path));
  }

  /** Forgets what was typed wrong anywhere below a path: what stood there is replaced. */
  clearUnder(path: string): void {
    const below = ([key]: [string, Typed]) => key === path || key.startsWith(`${path}.`);
    this.#typed = Object.fromEntries(Object.entries(this.#typed).filter((entry) => !below(entry)));
  }

  get json(): string {
    return this.#json?.text ?? JSON.stringify(this.#document, null, 2);
  }

  get jsonProblem(): string | null {
    return this.#json?.sentence ?? null;
  }

  typeJson(text: string): void {
    const parsed = this.#door.parse(text);
    if (parsed.ok) this.load(parsed.scenario);
    else this.#json = { text, sentence: parsed.sentence };
  }

  /** Leaves the JSON editor: text that does not read is dropped. */
  dropJson(): void {
    this.#json = null;
  }
}
