/**
 * Acts by hand: a script that grows line by line, or is written as text; after each change the whole of it is done anew on
 * an empty cache, so that what is shown is exactly what the file would do.
 */
import type { Json, Read } from '../core/json.ts';
import { ActCommand } from '../core/scenario/autopilot/action.ts';
import type { AutopilotScenario } from '../core/scenario/autopilot/schema.ts';
import type { AutopilotHandApi, HandAnswer } from '../workers/autopilot-api.ts';
import { Newest } from './newest.svelte.ts';

export type ReadScript = (text: string) => Read<ActCommand[]>;

/** Words that YAML reads as something else than a text. */
const NOT_PLAIN = /^(true|false|null|yes|no|on|off)$/i;

function yamlValue(value: Json): string {
  if (typeof value === 'string' && /^[A-Za-z][\w-]*$/.test(value) && !NOT_PLAIN.test(value)) return value;
  return JSON.stringify(value);
}

/** One command a line, as a person would write it. */
export function scriptText(commands: readonly ActCommand[]): string {
  return commands
    .map((command) => {
      const fields = Object.entries(command).filter(([, value]) => value !== undefined);
      return `- {${fields.map(([name, value]) => `${name}: ${yamlValue(value as Json)}`).join(', ')}}\n`;
    })
    .join('');
}

export class ActHand {
  readonly #read: ReadScript;
  commands: readonly ActCommand[] = $state.raw([]);
  readonly answer: Newest<{ scenario: AutopilotScenario; script: readonly ActCommand[] }, HandAnswer>;
  /** What was typed and what it was read as; null: the commands as they are written here. */
  #typed: { readonly text: string; readonly commands: readonly ActCommand[] } | null = $state.raw(null);
  /** Why the text does not read; the commands are then those before. */
  problem: string | null = $state(null);

  constructor(api: AutopilotHandApi, read: ReadScript) {
    this.#read = read;
    this.answer = new Newest(({ scenario, script }) => api.act(scenario, script));
  }

  get text(): string {
    if (this.#typed !== null && (this.problem !== null || this.#typed.commands === this.commands)) {
      return this.#typed.text;
    }
    return scriptText(this.commands);
  }

  type(text: string): void {
    const read: Read<readonly ActCommand[]> = text.trim() === '' ? { ok: true, value: [] } : this.#read(text);
    this.problem = read.ok ? null : read.sentence;
    if (read.ok) this.commands = read.value;
    this.#typed = { text, commands: this.commands };
  }

  add(command: ActCommand): void {
    this.#put([...this.commands, command]);
  }

  /** Takes the last line back. */
  undo(): void {
    this.#put(this.commands.slice(0, -1));
  }

  clear(): void {
    this.#put([]);
  }

  /** Does it all on the cache of a scenario. */
  perform(scenario: AutopilotScenario): void {
    this.answer.want({ scenario, script: this.commands });
  }

  #put(commands: readonly ActCommand[]): void {
    this.problem = null;
    this.#typed = null;
    this.commands = commands;
  }
}
