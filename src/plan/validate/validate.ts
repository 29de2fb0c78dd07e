/**
 * A plan held against what was measured: term by term at every point, the bias, and which assumption is likely wrong.
 *
 * Each point is predicted at the load that was measured, which need not be the plan's; what the plan cannot carry at all
 * has no terms and says why.
 */
import { findAnyModel } from '../../core/model/catalogue.ts';
import type { PlanCalibration } from '../../core/run/calibration.ts';
import { definitionSentence, type MeasuredResult } from '../../core/run/measured.ts';
import type { PlanRun } from '../../core/run/plan.ts';
import type { PlanValidation, ValidatedPoint, ValidatedTerm } from '../../core/run/validation.ts';
import { PlanError } from '../error.ts';
import { likelyWrong } from './assumptions.ts';
import { predictAt } from './predict.ts';
import { promisePercent, termsOf } from './terms.ts';

export const DEFAULT_TOLERANCE_PERCENT = 20;

/** Below this, or where it is less than half of what the errors are, there is no side that the errors are on. */
const LEAST_BIAS_PERCENT = 2;

function pointOf(
  run: PlanRun,
  result: MeasuredResult,
  tolerancePercent: number,
  calibration: PlanCalibration | undefined,
): ValidatedPoint {
  const prediction = predictAt(run, result, calibration);
  const { deployment, reason } = prediction.run;
  const terms = deployment === null ? [] : termsOf(deployment, result, tolerancePercent);
  const failed = result.requests.failed ?? 0;
  const notes = [
    ...(deployment?.speed || reason === null ? [] : [`The plan does not carry this load: ${reason}`]),
    ...(prediction.at === 'measured'
      ? ['Predicted again at the load that was measured, which is not the plan’s.']
      : []),
    ...(failed > 0 ? [`${failed} requests failed; what was measured is of the others.`] : []),
    ...(terms.length === 0 ? ['Plan and measurement have no quantity in common here.'] : []),
    ...result.definitions.map(definitionSentence),
    ...result.translated,
  ];
  return {
    label: result.label,
    tool: result.tool,
    load: result.load,
    predictedAt: prediction.at,
    terms,
    notes: notes.slice(0, 20).map((note) => note.slice(0, 600)),
  };
}

function biasOf(
  terms: readonly ValidatedTerm[],
  meanAbsolute: number,
): Pick<PlanValidation, 'bias' | 'biasPercent'> {
  if (terms.length === 0) return { bias: 'balanced', biasPercent: 0 };
  const biasPercent = terms.reduce((sum, term) => sum + promisePercent(term), 0) / terms.length;
  const oneSided = Math.abs(biasPercent) > Math.max(LEAST_BIAS_PERCENT, meanAbsolute / 2);
  return { bias: !oneSided ? 'balanced' : biasPercent > 0 ? 'over' : 'under', biasPercent };
}

/** A name that the server gives and that is the plan's model's, as far as can be told. */
function modelNotes({ scenario, deployment }: PlanRun, results: readonly MeasuredResult[]): string[] {
  const planned = deployment?.choice.model ?? scenario.model;
  const plannedId = scenario.architecture?.id ?? findAnyModel(planned)?.id;
  const others = new Set(
    results.flatMap(({ model }) => {
      const id = model === null ? undefined : findAnyModel(model)?.id;
      return id === undefined || id === plannedId ? [] : [model ?? ''];
    }),
  );
  return others.size === 0 ? [] : [`Measured with ${[...others].join(', ')}, planned for ${planned}.`];
}

/**
 * @param calibration the record that the plan's scenario names
 * @throws PlanError where there is nothing to compare
 */
export function validatePlan(
  run: PlanRun,
  results: readonly MeasuredResult[],
  tolerancePercent = DEFAULT_TOLERANCE_PERCENT,
  calibration?: PlanCalibration,
): PlanValidation {
  if (run.deployment === null)
    throw new PlanError('This plan has no deployment to hold against a measurement; plan again.');
  if (results.length === 0)
    throw new PlanError('There is no measured result to hold the plan against; import one.');
  const points = results.map((result) => pointOf(run, result, tolerancePercent, calibration));
  const terms = points.flatMap((point) => point.terms);
  if (terms.length === 0) {
    throw new PlanError(
      `The measured results have nothing that a plan predicts (TTFT, TPOT, throughput, memory)${reasonOf(points)}`,
    );
  }
  const meanAbsoluteErrorPercent =
    terms.reduce((sum, { errorPercent }) => sum + Math.abs(errorPercent), 0) / terms.length;
  return {
    tolerancePercent,
    points,
    meanAbsoluteErrorPercent,
    accuracyPercent: Math.max(0, 100 - meanAbsoluteErrorPercent),
    ...biasOf(terms, meanAbsoluteErrorPercent),
    within: points.every((point) => point.terms.length > 0 && point.terms.every(({ within }) => within)),
    assumptions: likelyWrong(points, tolerancePercent),
    notes: modelNotes(run, results),
  };
}

function reasonOf(points: readonly ValidatedPoint[]): string {
  const refusal = points.flatMap(({ notes }) =>
    notes.filter((note) => note.startsWith('The plan does not carry')),
  )[0];
  return refusal === undefined ? '; measure with a streaming benchmark.' : `: ${refusal}`;
}
