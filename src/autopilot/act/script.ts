/** The one door to a script of acts: YAML or JSON, a list of commands, refused in one sentence that names the line. */
import * as v from 'valibot';
import { parse } from 'yaml';
import { checkJson, type JsonBounds, type Read } from '../../core/json.ts';
import { ActCommand } from '../../core/scenario/autopilot/action.ts';
import { issueSentence } from '../../core/sentences.ts';

export const SCRIPT_BOUNDS: JsonBounds = {
  what: 'script',
  maxCharacters: 2_000_000,
  maxDepth: 4,
  maxValues: 100_000,
};
const MOST_COMMANDS = 10_000;

const refuse = (sentence: string): { readonly ok: false; readonly sentence: string } => ({
  ok: false,
  sentence,
});

function readText(text: string): Read<unknown> {
  if (text.length > SCRIPT_BOUNDS.maxCharacters)
    return refuse(
      `This script has ${text.length} characters; at most ${SCRIPT_BOUNDS.maxCharacters} are read.`,
    );
  try {
    return { ok: true, value: parse(text, { maxAliasCount: 0, uniqueKeys: true, logLevel: 'error' }) };
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return refuse(
      `This is neither YAML nor JSON that can be read: ${reason.slice(0, 200).replace(/:$/, '')}.`,
    );
  }
}

/** The commands of a script's text. */
export function readActScript(text: string): Read<ActCommand[]> {
  const read = readText(text);
  if (!read.ok) return read;
  const checked = checkJson(read.value, SCRIPT_BOUNDS);
  if (!checked.ok) return checked;
  const list: unknown = checked.value;
  if (!Array.isArray(list))
    return refuse(
      'A script is a list of commands; begin each with a dash, such as “- {kind: submit, sequence: a, tokens: 512}”.',
    );
  if (list.length > MOST_COMMANDS)
    return refuse(`This script has ${list.length} commands; at most ${MOST_COMMANDS} are read.`);
  const commands: ActCommand[] = [];
  for (const [at, item] of (list as readonly unknown[]).entries()) {
    const command = v.safeParse(ActCommand, item);
    if (!command.success) {
      return refuse(`Command ${at + 1}: ${issueSentence(command.issues, 'the command')}`);
    }
    commands.push(command.output);
  }
  return { ok: true, value: commands };
}
