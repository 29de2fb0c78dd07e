/** What a deployment keeps in the memory of one GPU: waterfall, verdict, waste, and what would make it fit. */
import type { PlanMemory } from '../../core/run/plan.ts';
import type { Candidate, LoadLengths, PlanSubject } from '../types.ts';
import { capacityOf } from './capacity.ts';
import { capacityFits, sequencesOf } from './fit.ts';
import { remediesOf } from './remedies.ts';
import { verdictOf } from './verdict.ts';
import { pagedRequests, pagedWaste, reservedRequests, reservedWaste, wasteByBlockSize } from './waste.ts';
import { waterfall } from './waterfall.ts';

/** @param lengths of the load; sequences longer than the engine is started for count as that long */
export function planMemory(candidate: Candidate, subject: PlanSubject, lengths: LoadLengths): PlanMemory {
  const { choice } = candidate;
  const capacity = capacityOf(candidate, subject);
  const { terms, kvTokens, kvBytesPerToken } = capacity;
  const fits = capacityFits(capacity, candidate);
  const mean = Math.min(lengths.meanPrompt + lengths.meanOutput, choice.maxModelTokens);
  const longest = Math.min(lengths.maxPrompt + lengths.maxOutput, choice.maxModelTokens);
  const sequencesAtMean = sequencesOf(capacity, mean);
  const sequencesAtMax = sequencesOf(capacity, longest);
  return {
    fits,
    verdict: verdictOf(candidate, subject, capacity, {
      fits,
      mean,
      longest,
      sequencesAtMean,
      sequencesAtMax,
    }),
    steps: waterfall(candidate, subject, capacity),
    weightsBytes: terms.weights,
    kvBytesPerToken,
    activationBytes: terms.activations + terms.logits,
    overheadBytes: terms.runtime + terms.graphs + terms.communication + terms.encoder + terms.draft,
    kvTokens,
    sequencesAtMean,
    sequencesAtMax,
    reservedWaste: reservedWaste(lengths.totals, choice.maxModelTokens),
    pagedWaste: pagedWaste(lengths.totals, choice.blockSize),
    occupancy: {
      reservedRequests: reservedRequests(kvTokens, choice.maxModelTokens),
      pagedRequests: pagedRequests(lengths.totals, kvTokens, choice.blockSize),
      byBlockSize: wasteByBlockSize(lengths.totals, kvTokens),
    },
    remedies: remediesOf(candidate, subject, fits),
  };
}
