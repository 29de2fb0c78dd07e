/**
 * `kvlab validate PLAN MEASURED…`: a plan beside the results of a benchmark, term by term. Exit status 1 beyond the
 * tolerance, so that a script can stop on it.
 */
import { readFileSync, statSync } from 'node:fs';
import { formatValue } from '../../charts/index.ts';
import { readResults, type MeasuredResult } from '../../index.ts';
import {
  DEFAULT_TOLERANCE_PERCENT,
  PlanError,
  VALIDATED_LABELS,
  validatePlan,
  type PlanValidation,
  type Recalibration,
  type ValidatedPoint,
} from '../../plan/index.ts';
import { readCalibration, writeCalibration } from '../calibrations.ts';
import { InputError } from '../errors.ts';
import { realNumber } from '../numbers.ts';
import { table } from '../tables.ts';
import type { CommandContext, Outcome } from './command.ts';
import { planOf } from './compare.ts';

const MOST_BYTES = 200_000_000;

export function validate(context: CommandContext): Outcome {
  const { invocation, terminal } = context;
  const [planName, ...files] = invocation.words;
  if (planName === undefined || files.length === 0) {
    throw new InputError('validate needs a plan and a measured result: kvlab validate PLAN MEASURED.');
  }
  const written = invocation.given('tolerance');
  const tolerance =
    written === null ? DEFAULT_TOLERANCE_PERCENT : realNumber('--tolerance', written, 0, 1000);
  // Measurements first: a plan takes longer than a look at a file that is none.
  const results = files.flatMap(readResultFile);
  const { validation, made } = held(context, planName, results, tolerance);
  const answer = made === null ? validation : { ...validation, calibrated: made };
  terminal.answer(
    invocation.json
      ? `${JSON.stringify(answer)}\n`
      : `${textOf(validation)}${made === null ? '' : calibrationText(made)}`,
  );
  return validation.within ? 'done' : 'failed';
}

interface Held {
  readonly validation: PlanValidation;
  /** What --calibrate wrote. */
  readonly made: Made | null;
}

type Made = Omit<Recalibration, 'run'>;

/** @throws InputError */
function held(
  context: CommandContext,
  planName: string,
  results: readonly MeasuredResult[],
  tolerance: number,
): Held {
  const { given } = context.invocation;
  const [read, write] = [given('calibration'), given('calibrate')];
  if (read !== null && write !== null) {
    throw new InputError(
      '--calibration and --calibrate are both given; a calibration is made without another.',
    );
  }
  const calibration = read === null ? undefined : readCalibration(read);
  try {
    const run = planOf(context, planName);
    const validation = validatePlan(run, results, tolerance, calibration);
    if (write === null) return { validation, made: null };
    const { run: _, ...made } = writeCalibration(write, run, results);
    return { validation, made };
  } catch (error) {
    if (error instanceof PlanError) throw new InputError(error.message);
    throw error;
  }
}

/** The points of a file that a benchmark wrote. @throws InputError */
export function readResultFile(path: string): MeasuredResult[] {
  let text: string;
  try {
    const { size } = statSync(path);
    if (size > MOST_BYTES) {
      throw new InputError(
        `${path} has ${size} bytes; at most ${MOST_BYTES} are read: export it without details.`,
      );
    }
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof InputError) throw error;
    const code =
      typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown';
    throw new InputError(`${path} can't be read (${code}); name the result of a benchmark.`);
  }
  const read = readResults(text);
  if (!read.ok) throw new InputError(`${path}: ${read.sentence}`);
  return read.value;
}

const percent = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)} %`;

function textOf(validation: PlanValidation): string {
  const { points, accuracyPercent, bias, biasPercent, tolerancePercent, within, assumptions, notes } =
    validation;
  const sides = {
    over: 'it promises more than was measured',
    under: 'it promises less than was measured',
    balanced: 'its errors are on both sides, or small',
  } as const;
  return [
    ...points.map(pointText),
    `Accuracy ${accuracyPercent.toFixed(1)} %, bias ${bias}: ${sides[bias]} (${percent(biasPercent)}).\n`,
    within
      ? `Every term is within ${tolerancePercent} %.\n`
      : `Not every term is within ${tolerancePercent} %.\n`,
    ...assumptions.map(
      ({ what, because, remedy }) => `Likely wrong: ${what}. ${because}. Remedy: ${remedy}.\n`,
    ),
    ...notes.map((note) => `${note}\n`),
  ].join('');
}

function calibrationText({ calibration, beforePercent, afterPercent }: Made): string {
  const { name, decode, prefill, kvTokens, points } = calibration;
  const factors = [
    `decode steps × ${decode.toFixed(3)}`,
    `prompts × ${prefill.toFixed(3)}`,
    ...(kvTokens === null ? [] : [`KV tokens × ${kvTokens.toFixed(3)}`]),
  ];
  return `Calibration ${name}, from ${points} ${points === 1 ? 'point' : 'points'}: ${factors.join(', ')}. Mean error ${beforePercent.toFixed(1)} %, with it ${afterPercent.toFixed(1)} %.\n`;
}

function pointText({ label, tool, terms, notes, predictedAt }: ValidatedPoint): string {
  const head = `${label}, ${tool}${predictedAt === 'measured' ? ', predicted at this load' : ''}\n`;
  const rows = terms.map(({ metric, predicted, measured, errorPercent, within, inBand }) => [
    VALIDATED_LABELS[metric].label,
    formatValue(predicted, VALIDATED_LABELS[metric].unit),
    formatValue(measured, VALIDATED_LABELS[metric].unit),
    percent(errorPercent),
    within ? '' : 'beyond the tolerance',
    inBand === null ? '' : inBand ? 'in the 80 % band' : 'outside the 80 % band',
  ]);
  return `${head}${table([['', 'predicted', 'measured', 'error'], ...rows])}${notes.map((note) => `  ${note}\n`).join('')}\n`;
}
