/** Limit of the batch: so low that requests wait beside free memory, or so high that they take one another's blocks. */
import type { Subject } from '../subject/subject.ts';
import {
  evidenceOf,
  number,
  percent,
  shortageEvidence,
  silent,
  type AdviceRule,
  type Proposed,
} from './rule.ts';

const AT_LIMIT_FROM = 0.2;
const KV_FREE_BELOW = 0.85;

function raise(subject: Subject): Proposed {
  const { facts, scenario } = subject;
  const { maxSequences } = scenario.engine;
  const full = facts.fullBatchShare ?? 0;
  const used = facts.meanKvUse ?? 0;
  return {
    kind: 'improves',
    evidence: [
      evidenceOf(
        subject,
        'Time at the batch’s limit',
        full,
        'share',
        `For ${percent(full)} of the time ${maxSequences} requests ran and others waited for a place.`,
      ),
      ...(facts.meanKvUse === null
        ? []
        : [
            evidenceOf(
              subject,
              'Mean KV use',
              used,
              'share',
              `Only ${percent(used)} of the KV blocks were in use on average.`,
            ),
          ]),
    ],
    why: 'A step that decodes more sequences reads the weights once for all of them.',
    variants: [2, 4].map((times) => ({
      settings: { 'engine.maxSequences': Math.min(65_536, maxSequences * times) },
      title: `Let ${maxSequences * times} requests run at once instead of ${maxSequences}.`,
    })),
    aims: ['ttftMs.p99', 'e2eMs.p99', 'outputTokensPerSecond'],
    // A larger batch takes longer for each step; what the answer takes in all is watched.
    mayCost: ['itlMs.p99'],
  };
}

function lower(subject: Subject): Proposed {
  const { facts, scenario } = subject;
  const { maxSequences } = scenario.engine;
  const busy = Math.min(maxSequences, Math.ceil(facts.meanRunning ?? maxSequences));
  const limits = [1, 0.75, 0.5].map((share) => Math.max(1, Math.floor(busy * share)));
  return {
    kind: 'improves',
    evidence: [
      ...shortageEvidence(subject),
      ...(facts.meanRunning === null
        ? []
        : [
            evidenceOf(
              subject,
              'Mean batch',
              facts.meanRunning,
              '',
              `${number(facts.meanRunning)} requests ran at once on average, and ${maxSequences} were allowed.`,
            ),
          ]),
    ],
    why: 'Requests that are admitted to a full pool grow until one of them loses its blocks and is computed again.',
    variants: [...new Set(limits)]
      .filter((limit) => limit < maxSequences)
      .map((limit) => ({
        settings: { 'engine.maxSequences': limit },
        title: `Let ${limit} requests run at once instead of ${maxSequences}.`,
      })),
    aims: ['e2eMs.p99', 'e2eMs.mean', 'outputTokensPerSecond', 'tpotMs.p99', 'itlMs.p99'],
    least: 0.1,
  };
}

export const batchLimit: AdviceRule = {
  id: 'batch-limit',
  propose: (subject) => {
    const { facts } = subject;
    const reason = subject.fixed('engine.maxSequences');
    if (reason !== null) return silent(reason);
    const { preemptions, requests, fullBatchShare, meanKvUse } = facts;
    if (preemptions !== null && requests !== null && preemptions > 0.01 * requests) return lower(subject);
    if ((fullBatchShare ?? 0) >= AT_LIMIT_FROM && (meanKvUse ?? 0) < KV_FREE_BELOW) return raise(subject);
    return silent('The batch was seldom full, and nobody was preempted.');
  },
};
