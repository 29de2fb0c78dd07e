/** `kvlab apply`: a plan of tune as settings to paste. */
import { readFileSync } from 'node:fs';
import { APPLY_TARGETS, applyPlan, parseBestPlan } from '../../index.ts';
import { InputError } from '../errors.ts';
import type { CommandContext, Outcome } from './command.ts';

export function apply({ invocation, terminal, write }: CommandContext): Outcome {
  const path = invocation.scenario ?? '';
  const asked = invocation.given('print') ?? 'kvlab';
  const target = APPLY_TARGETS.find((known) => known === asked.toLowerCase());
  if (target === undefined) {
    throw new InputError(`--print is “${asked.slice(0, 40)}”; there are ${APPLY_TARGETS.join(', ')}.`);
  }
  const plan = parseBestPlan(textOf(path));
  if (!plan.ok) throw new InputError(`${path}: ${plan.sentence}`);
  const applied = applyPlan(plan.value, target);
  write?.(`settings-${target}.${applied.extension}`, applied.text);
  terminal.answer(invocation.json ? `${JSON.stringify({ target, ...applied })}\n` : applied.text);
  for (const note of applied.notes) terminal.say(note);
  return 'done';
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new InputError(`${path} can't be read; name the best_plan.json that kvlab tune --out wrote.`);
  }
}
