/** Concurrency past the knee: more requests in flight bring no more tokens, only longer waits. */
import { evidenceOf, number, percent, silent, type AdviceRule } from './rule.ts';

const WAITING_FROM = 0.3;

export const concurrency: AdviceRule = {
  id: 'concurrency',
  propose: (subject) => {
    const { scenario, facts, fixed } = subject;
    const { arrivals, trace } = scenario.workload;
    const waiting = facts.waitingShare ?? 0;
    const { e2eMs, outputTokensPerSecond } = facts;
    if (e2eMs === null) return silent('No request ended.');
    const evidence = [
      ...(waiting > 0
        ? [
            evidenceOf(
              subject,
              'Time with a queue',
              waiting,
              'share',
              `Somebody waited for ${percent(waiting)} of the time.`,
            ),
          ]
        : []),
      evidenceOf(
        subject,
        'p99 E2E',
        e2eMs.p99,
        'ms',
        `The slowest hundredth took ${number(e2eMs.p99)} ms or more from end to end.`,
      ),
      ...(outputTokensPerSecond === null
        ? []
        : [
            evidenceOf(
              subject,
              'Output',
              outputTokensPerSecond,
              'tok/s',
              `Together they made ${number(outputTokensPerSecond)} tokens a second.`,
            ),
          ]),
    ];
    if (trace === null && arrivals.kind === 'closed') {
      const reason = fixed('workload.arrivals.users');
      if (reason !== null) return silent(reason);
      const { users } = arrivals;
      const fewer = [0.75, 0.5]
        .map((share) => Math.floor(users * share))
        .filter((count) => count >= 1 && count < users);
      if (fewer.length === 0) return silent('There is one user.');
      return {
        kind: 'improves',
        evidence,
        why: 'Past the knee a server is busy all the time: whoever comes in addition only makes the others wait.',
        variants: fewer.map((count) => ({
          settings: { 'workload.arrivals.users': count },
          title: `Keep ${count} requests in flight instead of ${users}.`,
        })),
        aims: ['e2eMs.p99', 'e2eMs.p50'],
        least: 0.15,
      };
    }
    const kept = facts.attainment !== null && facts.attainment >= 0.9;
    if (waiting < WAITING_FROM || facts.steady !== false || kept)
      return silent('The requests that come are served as they come.');
    const reason = fixed('cluster.replicas');
    if (reason !== null || scenario.cluster.disaggregation !== null)
      return silent(reason ?? 'The replicas have roles.');
    const { replicas } = scenario.cluster;
    return {
      kind: 'improves',
      evidence,
      why: 'Requests come faster than they are served, so the queue grows as long as they come.',
      variants: [
        {
          settings: {
            'cluster.replicas': replicas * 2,
            'cluster.router':
              scenario.cluster.router === 'round-robin' ? 'least-loaded' : scenario.cluster.router,
          },
          title: `Serve the load with ${replicas * 2} replicas instead of ${replicas}, which takes twice the GPUs, or send less.`,
        },
      ],
      aims: ['e2eMs.p99', 'ttftMs.p99'],
      least: 0.3,
      // It costs as much hardware again.
      weight: 0.3,
    };
  },
};
