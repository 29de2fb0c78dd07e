/** Prefix cache: off although prompts share text, or thrashed because too little of it stays. */
import { accessSummary } from '../../core/metrics/accesses.ts';
import { findGpu } from '../../core/hardware/records.ts';
import type { Subject } from '../subject/subject.ts';
import { accessesOf } from './eviction-policy.ts';
import { evidenceOf, percent, silent, type AdviceRule, type Proposed, type Variant } from './rule.ts';

const SHARED_FROM = 0.1;
/** Of what a cache that forgets nothing would find. */
const THRASHED_BELOW = 0.7;
const HOST_GB = 200;

function off(subject: Subject, share: number): Proposed {
  return {
    kind: 'improves',
    evidence: [
      {
        ...evidenceOf(
          subject,
          'Prompt blocks asked for before',
          share,
          'share',
          `${percent(share)} of the prompt blocks were asked for before, and computed again.`,
        ),
        origin: 'simulated',
      },
    ],
    why: 'What prompts share is computed once and found again.',
    variants: [{ settings: { 'engine.prefixCache': 'hash' }, title: 'Switch the prefix cache on.' }],
    aims: ['ttftMs.mean', 'ttftMs.p99', 'e2eMs.p99'],
  };
}

function thrashed(subject: Subject, hits: number, ideal: number): Proposed {
  const { scenario, fixed, blocksThatFit: most } = subject;
  const { kvBlocks, gpu } = scenario.hardware;
  const hostGBps = findGpu(gpu)?.serving.hostGBps ?? null;
  const variants: Variant[] = [];
  if (kvBlocks !== null && most !== null && most > kvBlocks && fixed('hardware.kvBlocks') === null) {
    const blocks = Math.min(most, kvBlocks * 2);
    variants.push({
      settings: { 'hardware.kvBlocks': blocks },
      title: `Give the cache ${blocks} blocks instead of ${kvBlocks}, so that prefixes stay.`,
    });
  }
  if (scenario.cluster.tiers.length === 0 && hostGBps !== null && fixed('cluster.tiers') === null) {
    variants.push({
      settings: {
        'cluster.tiers': [
          { kind: 'host', capacityGB: HOST_GB, bandwidthGBps: hostGBps, latencyUs: 10, shared: false },
        ],
        'cluster.tierLoads': 'when-faster',
      },
      title: `Keep evicted prefixes in ${HOST_GB} GB of host memory, behind ${hostGBps} GB/s.`,
    });
  }
  if (
    scenario.cluster.replicas > 1 &&
    scenario.cluster.router !== 'prefix-aware' &&
    fixed('cluster.router') === null
  ) {
    variants.push({
      settings: { 'cluster.router': 'prefix-aware' },
      title: 'Send requests to the replica that has their prefix.',
    });
  }
  if (variants.length === 0) return silent('The cache is thrashed, but there is no memory to give it.');
  return {
    kind: 'improves',
    evidence: [
      evidenceOf(
        subject,
        'Prefix hits',
        hits,
        'share',
        `The cache found ${percent(hits)} of the prompt tokens.`,
      ),
      {
        ...evidenceOf(
          subject,
          'Hits of a cache that forgets nothing',
          ideal,
          'share',
          `One that forgets nothing would have found ${percent(ideal)} of the prompt blocks.`,
        ),
        origin: 'simulated',
      },
    ],
    why: 'Prefixes leave the cache before they are asked for again.',
    variants,
    aims: ['ttftMs.mean', 'ttftMs.p99', 'prefixHitRatio'],
  };
}

export const prefixCache: AdviceRule = {
  id: 'prefix-cache',
  propose: (subject) => {
    const { scenario, facts, fixed } = subject;
    const reason = fixed('engine.prefixCache');
    if (reason !== null) return silent(reason);
    const log = accessesOf(subject);
    const ideal = log === null ? 0 : accessSummary(log).unboundedHitRatio;
    if (ideal < SHARED_FROM) return silent('Prompts share too little for a prefix cache to matter.');
    if (scenario.engine.prefixCache === 'off') return off(subject, ideal);
    const { hitRatio } = facts;
    if (hitRatio === null || hitRatio >= THRASHED_BELOW * ideal)
      return silent('The cache finds most of what could be found.');
    return thrashed(subject, hitRatio, ideal);
  },
};
