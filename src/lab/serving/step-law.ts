/**
 * How long a step of the engine takes: the cost model of the serving lab's predictions.
 *
 *   a step that only decodes        = time of its number of sequences + perContextToken · contexts
 *   a step with prompt tokens in it = the linear law of sim/cost/linear.ts
 *
 * The kernels of small batches work on tiles of 1, 4 or 8 rows, so the time of a decode step climbs in stairs with the
 * number of sequences. A line through stairs is wrong on each of them; that time is a table. Between two entries it is a
 * line, and outside of the table it grows in proportion to the linear law.
 */
import type { ServeFit } from '../../core/run/serve.ts';
import { linearTokens, type StepWork } from '../../core/schedule/work.ts';
import type { FitStep } from '../../sim/cost/linear-fit.ts';
import { emptyBasis, type CostModel } from '../../sim/cost/model.ts';
import { prefillPairs } from './simulated-engine.ts';

export type StepLaw = Omit<ServeFit, 'depth' | 'gapMs' | 'steps' | 'meanErrorPercent' | 'from'>;
type Step = Omit<FitStep, 'ms'>;

export function createStepLaw(law: StepLaw): CostModel {
  const basis = emptyBasis();
  return {
    name: 'steps of this engine',
    about:
      'A time for each number of decoding sequences and a linear law for steps with prompt tokens, fitted.',
    basis,
    stepMs(work: StepWork) {
      basis.interpolated++;
      const { decodeContextTokens, decodeSequences } = work;
      const tokens = linearTokens(work);
      return lawMs(law, { tokens, prefillPairs: prefillPairs(work), decodeContextTokens, decodeSequences });
    },
  };
}

export function lawMs(law: StepLaw, step: Step): number {
  const { decode } = law;
  const { decodeContextTokens, decodeSequences } = step;
  if (hasPrompt(step) || decode.ms.length === 0) {
    return (
      lineMs(law, step.tokens, decodeSequences) +
      law.perPrefillPairMs * step.prefillPairs +
      law.perContextTokenMs * decodeContextTokens
    );
  }
  return tableMs(law, decodeSequences) + decode.perContextTokenMs * decodeContextTokens;
}

export function hasPrompt({ tokens, decodeSequences }: Step): boolean {
  return tokens > decodeSequences;
}

function lineMs({ baseMs, perTokenMs, perSequenceMs }: StepLaw, tokens: number, sequences: number): number {
  return baseMs + perTokenMs * tokens + perSequenceMs * sequences;
}

/** A decode step without the time that its contexts take. */
function tableMs(law: StepLaw, sequences: number): number {
  const { sequences: known, ms } = law.decode;
  const above = known.findIndex((entry) => entry >= sequences);
  if (above <= 0) {
    const edge = above < 0 ? known.length - 1 : 0;
    const entry = known[edge] ?? sequences;
    const line = lineMs(law, entry, entry);
    return (ms[edge] ?? 0) * (line > 0 ? lineMs(law, sequences, sequences) / line : 1);
  }
  const [low, high] = [known[above - 1] ?? 0, known[above] ?? 0];
  const share = (sequences - low) / (high - low);
  return (1 - share) * (ms[above - 1] ?? 0) + share * (ms[above] ?? 0);
}
