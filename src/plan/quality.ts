/** What a format costs in quality, with its origin; null where nobody measured it. */
import type { PlanChoice, PlanQuality } from '../core/run/plan.ts';
import { releasedWeights } from './support.ts';
import type { PlanSubject } from './types.ts';

export function qualityOf(
  { model }: PlanSubject,
  { weights, kvFormat }: Pick<PlanChoice, 'weights' | 'kvFormat'>,
): PlanQuality {
  if ((weights === releasedWeights(model) || weights === 'bf16') && kvFormat === 'bf16') {
    return { lossPercent: 0, origin: 'published', source: 'The formats in which the model was released.' };
  }
  return {
    lossPercent: null,
    origin: 'assumed',
    source: `Nobody measured ${weights} weights with ${kvFormat} KV on ${model.name}.`,
  };
}
