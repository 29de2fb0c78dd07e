/** `kvlab compare`: two plans field by field, or one model on several GPUs, the best first. */
import { PLAN_PRESETS } from '../../index.ts';
import { comparePlans, fleetOf, type PlanDifference, type PlanRun } from '../../plan/index.ts';
import { InputError } from '../errors.ts';
import { rowsTable } from '../plan-answer.ts';
import { readPlanRun, writePlan } from '../plan-files.ts';
import { loadPlan } from '../plan-scenario.ts';
import { table } from '../tables.ts';
import type { CommandContext, Outcome } from './command.ts';
import { planned } from './plan.ts';

export function compare(context: CommandContext): Outcome {
  const { words } = context.invocation;
  const [a, b] = words;
  if (a !== undefined && b !== undefined) return comparePair(context, a, b);
  if (a !== undefined) throw new InputError('compare takes two plans, A and B; name the other as well.');
  return compareGpus(context);
}

/** A plan's file, or a scenario that is planned now. @throws InputError */
export function planOf(context: CommandContext, name: string): PlanRun {
  if (!PLAN_PRESETS.some((preset) => preset.name === name)) {
    const run = readPlanRun(name);
    if (run !== null) return run;
  }
  const invocation = { ...context.invocation, scenario: name };
  return planned(loadPlan(invocation), { ...context, invocation });
}

function comparePair(context: CommandContext, first: string, second: string): Outcome {
  const { invocation, terminal } = context;
  const [a, b] = [planOf(context, first), planOf(context, second)];
  const fields = comparePlans(a, b);
  const titles =
    a.title === b.title ? { a: first, b: second } : { a: titleOf(a, first), b: titleOf(b, second) };
  terminal.answer(invocation.json ? `${JSON.stringify({ ...titles, fields })}\n` : pairText(titles, fields));
  return 'done';
}

function titleOf({ title }: PlanRun, name: string): string {
  return title === '' ? name : title;
}

function cell(value: number | string | null, unit: string): string {
  if (value === null) return '–';
  const text = typeof value === 'number' ? String(Number(value.toPrecision(5))) : value;
  return unit === '' || typeof value === 'string' ? text : `${text} ${unit}`;
}

function pairText(titles: { a: string; b: string }, fields: readonly PlanDifference[]): string {
  const differ = fields.filter(({ same }) => !same);
  const head = ['', titles.a, titles.b, 'B over A', 'better'];
  const rows = differ.map(({ label, unit, a, b, ratio, better }) => [
    label,
    cell(a, unit),
    cell(b, unit),
    ratio === null ? '' : `${ratio.toPrecision(3)} ×`,
    better === null ? '' : better.toUpperCase(),
  ]);
  return `${table([head, ...rows])}\n${fields.length - differ.length} fields are the same.\n`;
}

function compareGpus(context: CommandContext): Outcome {
  const { invocation, terminal } = context;
  if (invocation.given('gpus') === null && invocation.scenario === null) {
    throw new InputError('compare needs two plans, or --model M and --gpus A,B,C.');
  }
  const run = planned(loadPlan(invocation), context);
  if (invocation.out !== null) writePlan(invocation.out, run);
  const rows = fleetOf(run);
  const { feasible, reason, explanation } = run;
  const answer = { feasible, ...(reason === null ? {} : { reason }), rows, explanation };
  terminal.answer(
    invocation.json ? `${JSON.stringify(answer)}\n` : `${rowsTable(rows)}\n${explanation.join('\n')}\n`,
  );
  return 'done';
}
