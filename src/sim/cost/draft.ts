/**
 * The price of a draft model: γ tokens one after another, each of which takes a share of what the target's decodes
 * alone would take in a step of their own. Added to any cost model.
 */
import type { StepWork } from '../../core/schedule/work.ts';
import type { CostBasis, CostModel } from './model.ts';

/** Asks a model for a time that no step takes, and leaves its counts as they were. */
export function askAside(model: CostModel, work: StepWork): number {
  const { measured, interpolated, extrapolated, assumed } = model.basis;
  const stepMs = model.stepMs(work);
  Object.assign(model.basis, { measured, interpolated, extrapolated, assumed } satisfies CostBasis);
  return stepMs;
}

/** @param draftCost time of one draft token over the time of one target step */
export function withDraft(target: CostModel, draftCost: number): CostModel {
  return {
    name: target.name,
    about: `${target.about} A draft token takes ${draftCost} of a decoding step.`,
    basis: target.basis,
    stepMs(work) {
      const stepMs = target.stepMs(work);
      const { draftTokens, decodeSequences, decodeContextTokens, decodeMaxContextTokens } = work;
      const { prefillCount, sampledSequences } = work;
      if (draftTokens === 0 || decodeSequences === 0) return stepMs;
      work.draftTokens = 0;
      work.prefillCount = 0;
      work.sampledSequences = decodeSequences;
      work.decodeContextTokens = decodeContextTokens - draftTokens * decodeSequences;
      work.decodeMaxContextTokens = decodeMaxContextTokens - draftTokens;
      const decodeMs = askAside(target, work);
      Object.assign(work, {
        draftTokens,
        prefillCount,
        sampledSequences,
        decodeContextTokens,
        decodeMaxContextTokens,
      });
      return stepMs + draftTokens * draftCost * decodeMs;
    },
  };
}

/** How long a model takes to compute tokens of one sequence behind others that are in the cache, alone in a step. */
export function prefillTimer(model: CostModel, work: StepWork): (tokens: number, before: number) => number {
  return (tokens, before) => {
    work.prefillCount = 1;
    work.prefillTokens[0] = tokens;
    work.prefillContextTokens[0] = before;
    work.sampledSequences = 1;
    return askAside(model, work);
  };
}
