/**
 * `kvlab act`: acts on the KV cache of a scenario by hand, from a script; an answer for each command. Exit status 1 where a
 * command was refused: the others were done.
 */
import { readActScript, runActScript, type ActAnswer, type ActReport } from '../../autopilot/index.ts';
import { loadAutopilot, readTextFile } from '../autopilot-scenario.ts';
import { InputError } from '../errors.ts';
import { table, valueWithUnit } from '../tables.ts';
import type { CommandContext, Outcome } from './command.ts';

export function act({ invocation, terminal, write }: CommandContext): Outcome {
  const file = invocation.given('script');
  if (file === null) throw new InputError('act needs a script; name its YAML or JSON file with --script.');
  const scenario = loadAutopilot(invocation);
  const script = readActScript(readTextFile(file, '--script'));
  if (!script.ok) throw new InputError(`${file}: ${script.sentence}`);
  const answers = acted(() => runActScript(scenario, script.value));
  const refused = answers.filter(({ ok }) => !ok).length;
  const answer = { title: scenario.title, commands: answers.length, refused, answers };
  write?.('answers.json', `${JSON.stringify(answer)}\n`);
  terminal.answer(invocation.json ? `${JSON.stringify(answer)}\n` : answers.map(lineOf).join(''));
  return refused === 0 ? 'done' : 'failed';
}

/** What a scenario cannot do is said in a RangeError. @throws InputError */
function acted(work: () => readonly ActAnswer[]): readonly ActAnswer[] {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError) throw new InputError(error.message);
    throw error;
  }
}

function lineOf({ line, ok, sentence, kvUse, report }: ActAnswer): string {
  const head = `${String(line).padStart(3)}  ${(100 * kvUse).toFixed(1).padStart(5)} %  ${ok ? '' : 'refused: '}${sentence}\n`;
  return report === null ? head : `${head}${reportText(report)}`;
}

function reportText({ sequences, tierBytes, limits, cachedBlocks }: ActReport): string {
  const rows = sequences.map(({ name, tokens, bytes, pinned, parts }) => [
    `       ${name}${pinned ? ' (pinned)' : ''}`,
    `${tokens} tokens`,
    valueWithUnit(bytes, 'B'),
    parts.map(({ from, to, tier, format }) => `${from}–${to} ${tier} ${format}`).join(', ') || 'nothing left',
  ]);
  const tiers = Object.entries(tierBytes).filter(([, bytes]) => bytes > 0);
  const { maxSequences, tokenBudget, admissionBelowUse } = limits;
  return [
    table(rows),
    `       ${tiers.map(([tier, bytes]) => `${tier} ${valueWithUnit(bytes, 'B')}`).join(', ') || 'empty'}; `,
    `${cachedBlocks} cached blocks; ${maxSequences} sequences, ${tokenBudget} tokens a step, admission below ${100 * admissionBelowUse} %\n`,
  ].join('');
}
