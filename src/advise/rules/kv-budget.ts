/** KV budget: too small for the requests that run, or so large that most of it lies idle. */
import type { Subject } from '../subject/subject.ts';
import {
  evidenceOf,
  isShortOfKv,
  percent,
  shortageEvidence,
  silent,
  type AdviceRule,
  type Proposed,
  type Variant,
} from './rule.ts';

const MOST_UTILIZATION = 0.95;
/** Of the pool at the busiest moment; above it the rest is a reserve. A pool that takes what is left is large by nature. */
const IDLE_BELOW = { given: 0.25, left: 0.1 } as const;
/** What a smaller pool is given beyond the peak. */
const RESERVE = 1.5;

function larger({ scenario, fixed, blocksThatFit }: Subject): Variant[] {
  const { kvBlocks, memoryUtilization } = scenario.hardware;
  if (kvBlocks === null) {
    if (memoryUtilization >= MOST_UTILIZATION || fixed('hardware.memoryUtilization') !== null) return [];
    return [
      {
        settings: { 'hardware.memoryUtilization': MOST_UTILIZATION },
        title: `Give the engine ${percent(MOST_UTILIZATION)} of the GPU’s memory instead of ${percent(memoryUtilization)}.`,
      },
    ];
  }
  const most = blocksThatFit ?? Infinity;
  const sizes = [1.5, 2, 3].map((factor) => Math.min(most, Math.ceil(kvBlocks * factor)));
  return [...new Set(sizes)]
    .filter((blocks) => blocks > kvBlocks)
    .map((blocks) => ({
      settings: { 'hardware.kvBlocks': blocks },
      title: `Give the KV cache ${blocks} blocks instead of ${kvBlocks}.`,
    }));
}

function idle(subject: Subject, peak: number, blocks: number): Proposed {
  const { scenario } = subject;
  const now = scenario.hardware.kvBlocks ?? blocks;
  const enough = Math.max(1, Math.ceil(now * peak * RESERVE));
  return {
    kind: 'spares',
    noExcuse: true,
    evidence: [
      evidenceOf(
        subject,
        'Peak KV use',
        peak,
        'share',
        `At the busiest moment ${percent(peak)} of the KV blocks were in use.`,
      ),
    ],
    why: 'The rest of the memory never held a token of a running request; a larger batch, another model or a smaller GPU could use it.',
    variants: [
      {
        settings: { 'hardware.kvBlocks': enough },
        title: `Keep ${enough} KV blocks instead of ${now}: ${percent(1 - enough / now)} of the KV memory lies idle.`,
      },
    ],
    aims: ['e2eMs.p99'],
  };
}

export const kvBudget: AdviceRule = {
  id: 'kv-budget',
  propose: (subject) => {
    const { facts, scenario, fixed } = subject;
    const reason = fixed('hardware.kvBlocks');
    if (reason !== null) return silent(reason);
    if (isShortOfKv(facts)) {
      const variants = larger(subject);
      if (variants.length === 0) return silent('KV is short, but the memory has no more to give.');
      return {
        kind: 'improves',
        evidence: shortageEvidence(subject),
        why: 'Requests that find no block wait, and those that lose theirs are computed again.',
        variants,
        aims: ['e2eMs.p99', 'ttftMs.p99', 'e2eMs.mean', 'ttftMs.mean', 'outputTokensPerSecond'],
        // A larger batch takes longer for each step; what the answer takes in all is watched.
        mayCost: ['itlMs.p99'],
      };
    }
    const blocks = scenario.hardware.kvBlocks ?? subject.blocksThatFit;
    const { peakKvUse } = facts;
    const below = scenario.hardware.kvBlocks === null ? IDLE_BELOW.left : IDLE_BELOW.given;
    if (peakKvUse !== null && blocks !== null && peakKvUse > 0 && peakKvUse < below)
      return idle(subject, peakKvUse, blocks);
    return silent('Nobody was preempted or waited for blocks, and the pool was used.');
  },
};
