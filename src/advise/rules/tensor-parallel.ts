/** Tensor parallelism too high: all-reduces eat what more GPUs bring; the same GPUs as more replicas, or fewer GPUs. */
import { evidenceOf, number, percent, silent, type AdviceRule, type Variant } from './rule.ts';

export const tensorParallel: AdviceRule = {
  id: 'tensor-parallel',
  propose: (subject) => {
    const { facts, scenario, fixed } = subject;
    const reason = fixed('hardware.tensorParallel');
    if (reason !== null) return silent(reason);
    const { tensorParallel: ranks, kvBlocks } = scenario.hardware;
    const { replicas, disaggregation, router } = scenario.cluster;
    if (ranks < 2) return silent('The layers are not divided.');
    if (disaggregation !== null) return silent('Prefill and decode have GPUs of their own.');
    const half = Math.floor(ranks / 2);
    const variants: Variant[] = [
      {
        settings: {
          'hardware.tensorParallel': half,
          'cluster.replicas': replicas * 2,
          'cluster.router': router === 'round-robin' ? 'least-loaded' : router,
          // A pool that was set by hand is divided as the GPUs are.
          ...(kvBlocks === null ? {} : { 'hardware.kvBlocks': Math.max(1, Math.floor(kvBlocks / 2)) }),
        },
        title: `Run ${replicas * 2} replicas of ${half} GPU${half === 1 ? '' : 's'} instead of ${replicas} of ${ranks}.`,
      },
    ];
    const use = facts.meanKvUse;
    return {
      kind: 'improves',
      evidence: [
        evidenceOf(
          subject,
          'Tensor parallel ranks',
          ranks,
          '',
          `${ranks} GPUs share each layer and add up their parts twice a layer.`,
        ),
        ...(use === null
          ? []
          : [
              evidenceOf(
                subject,
                'Mean KV use',
                use,
                'share',
                `${percent(use)} of the KV blocks were in use on average, so half of the memory ${use < 0.5 ? 'would do' : 'is needed'}.`,
              ),
            ]),
        ...(facts.outputTokensPerSecond === null
          ? []
          : [
              evidenceOf(
                subject,
                'Output',
                facts.outputTokensPerSecond,
                'tok/s',
                `All of them made ${number(facts.outputTokensPerSecond)} tokens a second.`,
              ),
            ]),
      ],
      why: 'Two replicas read the weights twice, but neither waits for the other at every layer.',
      variants,
      aims: ['outputTokensPerSecond', 'goodput', 'e2eMs.p99', 'ttftMs.p99'],
    };
  },
};
