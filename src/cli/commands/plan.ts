/** `kvlab plan`: does it fit, how fast, what does it cost, which settings. Needs no GPU and no browser. */
import { PlanError, runPlan, searchPlans, type PlanRun } from '../../plan/index.ts';
import type { PlanScenario } from '../../index.ts';
import { readCalibration } from '../calibrations.ts';
import { InputError } from '../errors.ts';
import { readTraceFile } from '../inputs.ts';
import { planAnswer, planText } from '../plan-answer.ts';
import { loadPlan } from '../plan-scenario.ts';
import { writePlan } from '../plan-files.ts';
import type { CommandContext, Outcome } from './command.ts';

export function plan(context: CommandContext): Outcome {
  const { invocation, terminal } = context;
  const run = planned(loadPlan(invocation), context);
  if (invocation.out !== null) writePlan(invocation.out, run);
  terminal.answer(invocation.json ? `${JSON.stringify(planAnswer(run))}\n` : planText(run));
  return 'done';
}

/** A search where something is asked for that only comparing can answer. @throws InputError */
export function planned(scenario: PlanScenario, { invocation, command }: CommandContext): PlanRun {
  const stamp = { id: crypto.randomUUID(), createdAt: new Date().toISOString(), command };
  const asked = invocation.given('search') !== null || invocation.given('goal') !== null;
  const open = scenario.hardware.gpu === null && scenario.hardware.custom === null;
  const file = invocation.given('calibration');
  const calibration = file === null ? undefined : readCalibration(file);
  const wanted = calibration === undefined ? scenario : { ...scenario, calibration: calibration.name };
  try {
    const { trace } = invocation;
    const options = {
      stamp,
      simulate: true,
      trace: trace === null ? null : readTraceFile(trace),
      calibration,
    };
    return asked || open ? searchPlans(wanted, options) : runPlan(wanted, options);
  } catch (error) {
    if (error instanceof PlanError) throw new InputError(error.message);
    throw error;
  }
}
