/** What the settings of a simulation are called and mean, one definition each. */
import type { Words } from './form.ts';

const LENGTH_WORDS: Readonly<Record<string, readonly [string, string]>> = {
  tokens: ['Tokens', 'The same for every request.'],
  min: ['Least', 'No request has fewer tokens.'],
  max: ['Most', 'No request has more tokens.'],
  mu: ['μ', 'Mean of the logarithm: the median is e to the power μ.'],
  sigma: ['σ', 'Standard deviation of the logarithm: larger is more uneven.'],
  exponent: ['Exponent', 'Zipf’s: length k is drawn with weight 1 / k to this power.'],
  points: [
    'Quantiles',
    'Pairs share:tokens from 0 to 1, such as 0:16, 0.5:512, 1:4096; straight lines between.',
  ],
  parts: ['Mixture', 'Pairs weight:tokens, such as 8:128, 1:4096: eight short requests for a long one.'],
};

function lengths(path: string, what: string): Words {
  return {
    [path]: [what, `How the ${what.toLowerCase()} of requests are distributed.`],
    ...Object.fromEntries(
      Object.entries(LENGTH_WORDS).map(([name, [label, help]]) => [
        `${path}.${name}`,
        [
          `${what}: ${label.toLowerCase() === label ? label : label.charAt(0).toLowerCase() + label.slice(1)}`,
          help,
        ],
      ]),
    ),
  };
}

export const SIM_WORDS: Words = {
  title: ['Title', 'Names the run, its figures and its files.'],
  about: ['About', 'What the simulation is for, in a sentence or two.'],
  seed: [
    'Seed',
    'Changes everything random and nothing else: the same seed gives the same run, byte for byte.',
  ],
  repeats: ['Seeds', 'Independent repetitions with seeds of their own; three and more give intervals.'],
  model: ['Model', 'Layers, heads and widths, from its published configuration.'],
  'hardware.gpu': ['GPU', 'Memory, bandwidth and arithmetic rate, as published by its maker.'],
  'hardware.tensorParallel': [
    'Tensor parallel',
    'GPUs that share each layer; KV heads are divided among them.',
  ],
  'hardware.pipelineParallel': ['Pipeline parallel', 'GPUs that hold the layers one after the other.'],
  'hardware.memoryUtilization': [
    'Memory utilization',
    'Share of the memory that the engine takes for weights, activations and KV blocks.',
  ],
  'hardware.kvBlocks': [
    'KV blocks',
    'Blocks of one replica’s pool; empty: what the memory leaves beside weights and activations.',
  ],
  'engine.weights': ['Weights', 'Format of the weights, apart from the format of the KV cache.'],
  'engine.kvFormat': ['KV format', 'How K and V are stored: half the bytes are twice the blocks.'],
  'engine.scheduler': [
    'Scheduler',
    'vllm: continuous batching with chunked prefill; sarathi and orca: their papers’ policies; static: a batch is collected and runs until its longest request ends.',
  ],
  'engine.blockSize': ['Block size', 'Tokens in one block of the KV pool.'],
  'engine.tokenBudget': [
    'Token budget',
    'Tokens of one step, prompts and decodes together; the chunk of Sarathi.',
  ],
  'engine.maxSequences': ['Largest batch', 'Requests that may run at once.'],
  'engine.batchWaitMs': [
    'Wait for a batch, ms',
    'Static batching only: a batch starts when it is full, or when its oldest request has waited this long.',
  ],
  'engine.maxModelTokens': ['Longest request', 'Prompt and output together; 0: what the model allows.'],
  'engine.longPrefillTokens': ['Prefill cap', 'Most tokens of one prompt in one step; 0: no limit.'],
  'engine.priorities': ['Order', 'First come first served, or higher priority first.'],
  'engine.preemption': [
    'Preemption',
    'What happens to the KV of a request that has to make room: computed again, swapped to the host, or whichever is faster.',
  ],
  'engine.watermark': ['Watermark', 'Share of the blocks that admission leaves free.'],
  'engine.reserveFullPrompt': [
    'Reserve whole prompts',
    'Admit a prompt only when all of it fits, not its first chunk.',
  ],
  'engine.prefixCache': [
    'Prefix cache',
    'Reuse of KV that an earlier prompt left: by chained block hash, or a radix tree.',
  ],
  'engine.cachePolicy': [
    'Cache eviction',
    'Which cached block goes first when free ones run out; lru is vLLM’s.',
  ],
  'engine.speculation': [
    'Speculative decoding',
    'A small model proposes tokens that the large one checks in one step.',
  ],
  'engine.speculation.draftTokens': ['Draft tokens', 'Proposed in a step.'],
  'engine.speculation.acceptance': ['Acceptance', 'Probability that one proposed token is right.'],
  'engine.speculation.draftCost': [
    'Draft cost',
    'Time of one draft token over the time of one step of the large model.',
  ],
  'cluster.replicas': ['Replicas', 'Copies of the engine behind one router.'],
  'cluster.router': [
    'Router',
    'Which replica a request goes to: in turn, to the least loaded, or to where its prefix is cached.',
  ],
  'cluster.disaggregation': [
    'Disaggregation',
    'Prefill and decode on GPUs of their own; the KV crosses a link. Replicas are then counted here.',
  ],
  'cluster.disaggregation.prefillReplicas': ['Prefill replicas', 'Engines that only compute prompts.'],
  'cluster.disaggregation.decodeReplicas': ['Decode replicas', 'Engines that only decode.'],
  'cluster.disaggregation.linkGBps': ['Link, GB/s', 'Bandwidth between them, one direction.'],
  'cluster.disaggregation.linkLatencyUs': ['Link latency, µs', 'Added to every transfer.'],
  'cluster.tiers': ['Tiers', 'Memory below the GPU’s that KV blocks are offloaded to, fastest first.'],
  'cluster.offload': ['Offload', 'Blocks go down as they are written, or when they are evicted.'],
  'cluster.tierLoads': [
    'Load back',
    'Blocks of a tier are loaded always, or only where that is faster than computing them again.',
  ],
  'workload.requests': ['Requests', 'How many; with a trace its first ones, 0: all of it.'],
  'workload.highPriorityShare': [
    'High priority',
    'Share of requests that go first when the order is by priority.',
  ],
  'workload.arrivals': ['Arrivals', 'How requests come in.'],
  'workload.arrivals.rate': ['Rate, req/s', 'Requests a second on average.'],
  'workload.arrivals.cv': [
    'CV',
    'Standard deviation over mean of the gaps: 1 is Poisson, larger is burstier.',
  ],
  'workload.arrivals.onSeconds': ['On, s', 'Length of a burst; requests come at the rate above within it.'],
  'workload.arrivals.offSeconds': ['Off, s', 'Silence between bursts.'],
  'workload.arrivals.rates.0': [
    'Rate in state 1',
    'Requests a second while the process is in its first state.',
  ],
  'workload.arrivals.rates.1': ['Rate in state 2', 'Requests a second while it is in its second state.'],
  'workload.arrivals.leave.0': ['Leaves state 1, 1/s', 'Rate of leaving the first state.'],
  'workload.arrivals.leave.1': ['Leaves state 2, 1/s', 'Rate of leaving the second state.'],
  'workload.arrivals.users': ['Users', 'Each has one request in flight; the next comes when it ends.'],
  'workload.arrivals.thinkSeconds': ['Pause, s', 'Between the end of a user’s request and the next.'],
  'workload.arrivals.points': [
    'Rate over time',
    'Pairs seconds:rate, such as 0:2, 60:12; straight lines between, Poisson within.',
  ],
  ...lengths('workload.promptTokens', 'Prompt tokens'),
  ...lengths('workload.outputTokens', 'Output tokens'),
  'workload.sharing': ['Shared text', 'What prompts have in common, for a prefix cache to find.'],
  'workload.sharing.prompts': ['System prompts', 'How many different ones.'],
  'workload.sharing.systemTokens': ['System tokens', 'Length of the text in front.'],
  'workload.sharing.exponent': ['Popularity', 'Zipf’s exponent: 0 is even, larger favours a few.'],
  'workload.sharing.turns': ['Turns', 'Of a session; each resends all that went before.'],
  'workload.sharing.thinkSeconds': ['Think time, s', 'Between an answer and the next turn.'],
  'workload.sharing.branching': ['Branching', 'Requests that continue each request.'],
  'workload.sharing.depth': ['Depth', 'Levels of the tree.'],
  'workload.trace': [
    'Trace',
    'Requests from a file instead of arrivals, lengths and sharing drawn at random.',
  ],
  'workload.trace.name': ['Trace file', 'The file that is dropped on this page, by its name.'],
  'workload.trace.speed': ['Speed', 'Arrival times are divided by this: 2 plays it twice as fast.'],
  cost: [
    'Step times',
    'roofline: published rates times efficiencies; linear: a fitted formula; table: a measured profile; check: this machine’s hardware check.',
  ],
  'cost.computeEfficiency': [
    'Compute efficiency',
    'Share of the matrix rate that large layers reach; empty: what was measured on that GPU.',
  ],
  'cost.memoryEfficiency': [
    'Memory efficiency',
    'Share of the bandwidth that is reached; empty: what was measured on that GPU.',
  ],
  'cost.overheadMs': ['Host overhead, ms', 'Time of a step that the host takes.'],
  'cost.baseMs': ['Base, ms', 'Time of an empty step.'],
  'cost.perTokenMs': ['Per token, ms', 'For each token of the step.'],
  'cost.perPrefillPairMs': ['Per pair, ms', 'For each query and key pair of prefill attention.'],
  'cost.perContextTokenMs': [
    'Per context token, ms',
    'For each token of context that decode attention reads.',
  ],
  'cost.perSequenceMs': ['Per sequence, ms', 'For each decoding sequence.'],
  'cost.name': ['Name', 'Of the measured table or the check that is given beside the scenario.'],
  'objectives.ttftMs': ['TTFT objective, ms', 'Time to first token you would accept; empty: none.'],
  'objectives.tpotMs': ['TPOT objective, ms', 'Time per output token you would accept; empty: none.'],
  'objectives.e2eMs': ['E2E objective, ms', 'Whole time of a request you would accept; empty: none.'],
};
