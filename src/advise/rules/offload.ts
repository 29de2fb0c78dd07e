/** Offload that hurts: blocks are fetched from a tier more slowly than they would be computed again. */
import { evidenceOf, number, silent, type AdviceRule, type Variant } from './rule.ts';

export const offload: AdviceRule = {
  id: 'offload',
  propose: (subject) => {
    const { facts, scenario, fixed } = subject;
    const { tiers, tierLoads } = scenario.cluster;
    const reason = fixed('cluster.tiers');
    if (reason !== null) return silent(reason);
    if (tiers.length === 0) return silent('Nothing is offloaded.');
    const bytes = facts.tierInBytes ?? 0;
    if (bytes === 0) return silent('Nothing was fetched from a tier.');
    const slowest = tiers.reduce((least, { bandwidthGBps }) => Math.min(least, bandwidthGBps), Infinity);
    const fetchMs = bytes / (slowest * 1e6);
    const requests = facts.requests ?? 1;
    const variants: Variant[] = [
      ...(tierLoads === 'always'
        ? [
            {
              settings: { 'cluster.tierLoads': 'when-faster' },
              title: 'Fetch blocks from a tier only where that is faster than computing them again.',
            },
          ]
        : []),
      { settings: { 'cluster.tiers': [] }, title: 'Offload nothing: compute evicted blocks again.' },
    ];
    return {
      kind: 'improves',
      evidence: [
        evidenceOf(
          subject,
          'Fetched from tiers',
          bytes,
          'bytes',
          `${number(bytes / 1e9)} GB were fetched from ${tiers.map(({ kind }) => kind).join(' and ')}, ${number(fetchMs / requests)} ms of a link of ${slowest} GB/s for each request.`,
        ),
        ...(facts.ttftMs === null
          ? []
          : [
              evidenceOf(
                subject,
                'p99 TTFT',
                facts.ttftMs.p99,
                'ms',
                `The slowest hundredth waited ${number(facts.ttftMs.p99)} ms or more for the first token.`,
              ),
            ]),
      ],
      why: 'A step waits for the bytes that it reads, and so does everybody who runs beside.',
      variants,
      aims: ['ttftMs.mean', 'ttftMs.p99', 'e2eMs.p99'],
    };
  },
};
