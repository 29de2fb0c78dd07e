/** Impossible simulations: each is refused before it runs, with the wrong number and the nearest that works. */
import { SCENARIO_KINDS } from '../../../../src/core/scenario/kinds.ts';
import { expect, test } from 'vitest';
import { canonicalJson, crc32 } from '../../../../src/core/json.ts';
import { parseAnyScenario, parseScenario, parseSimulation } from '../../../../src/core/scenario/parse.ts';
import { UNPAGED_SCHEDULERS } from '../../../../src/core/scenario/simulate/rules-engine.ts';
import { SCHEDULER_NAMES } from '../../../../src/core/scenario/simulate/schema.ts';
import { PAGED_SCHEDULERS } from '../../../../src/core/schedule/index.ts';
import { DEFAULT_SIMULATION } from '../../../../src/core/scenario/simulate/defaults.ts';

const read = (layer: object) => parseSimulation({ version: 1, kind: 'simulate', ...layer });

test('the defaults are a simulation, and pinned: links hold differences from them', () => {
  expect(parseSimulation({ version: 1 })).toEqual({ ok: true, scenario: DEFAULT_SIMULATION });
  expect(crc32(canonicalJson(DEFAULT_SIMULATION))).toBe(613705813);
});

test('each door takes its own kind, and the common one both', () => {
  expect(parseAnyScenario({ version: 1 })).toEqual(parseScenario({ version: 1 }));
  expect(parseAnyScenario({ version: 1, kind: 'simulate' })).toEqual(parseSimulation({ version: 1 }));
  expect(parseScenario({ version: 1, kind: 'simulate' })).toEqual({
    ok: false,
    sentence: 'This scenario is a simulation (kind “simulate”); an experiment (kind “lab”) is needed here.',
  });
  expect(parseSimulation({ version: 1, kind: 'lab' })).toEqual({
    ok: false,
    sentence: 'This scenario is an experiment (kind “lab”); a simulation (kind “simulate”) is needed here.',
  });
  expect(parseAnyScenario({ version: 1, kind: 'dance' })).toEqual({
    ok: false,
    sentence: `kind is "dance"; one of ${Object.keys(SCENARIO_KINDS).join(', ')} is needed.`,
  });
});

test('an object of another kind is replaced whole, one of the same kind is filled up', () => {
  const closed = read({ workload: { arrivals: { kind: 'closed', users: 2, thinkSeconds: 1 } } });
  expect(closed.ok && closed.scenario.workload.arrivals).toEqual({
    kind: 'closed',
    users: 2,
    thinkSeconds: 1,
  });
  const lengths = read({ workload: { promptTokens: { max: 2000 } } });
  expect(lengths.ok && lengths.scenario.workload.promptTokens).toEqual({
    ...DEFAULT_SIMULATION.workload.promptTokens,
    max: 2000,
  });
});

const fixed = (tokens: number) => ({ kind: 'fixed', tokens });

const impossible: { name: string; layer: object; says: string }[] = [
  {
    name: 'an unknown model',
    layer: { model: 'Lama-3.1-8B' },
    says: 'model is “Lama-3.1-8B”, which is not known; the nearest is Llama-3.1-8B.',
  },
  {
    name: 'an unknown GPU',
    layer: { hardware: { gpu: 'h100-smx' } },
    says: 'hardware.gpu is “h100-smx”, which is not known; the nearest is h100-sxm.',
  },
  {
    name: 'no requests',
    layer: { workload: { requests: 0 } },
    says: 'workload.requests is 0; without a trace the least is 1.',
  },
  {
    name: '10^8 requests',
    layer: { workload: { requests: 1e8 } },
    says: 'workload.requests is 100000000; the most is 20000000.',
  },
  {
    name: '10^8 requests over repetitions',
    layer: { workload: { requests: 2e7 }, repeats: 10 },
    says: 'workload.requests is 20000000 in each of 10 simulations; the most is 100000000 in all: set 10000000.',
  },
  {
    name: '10^8 requests over a sweep',
    layer: {
      workload: { requests: 2e7 },
      sweep: [{ path: 'engine.tokenBudget', values: [1024, 2048, 4096, 8192, 9000, 10000] }],
    },
    says: 'workload.requests is 20000000 in each of 6 simulations; the most is 100000000 in all: set 16666666.',
  },
  {
    name: 'a rate of zero',
    layer: { workload: { arrivals: { kind: 'poisson', rate: 0 } } },
    says: 'workload.arrivals.rate is 0; it must be more than 0: the least is 0.000001.',
  },
  {
    name: 'two states without arrivals',
    layer: { workload: { arrivals: { kind: 'mmpp', rates: [0, 0], leave: [1, 1] } } },
    says: 'workload.arrivals.rates are 0 and 0; one above 0 is needed for a request to arrive.',
  },
  {
    name: 'states that switch without end',
    layer: { workload: { arrivals: { kind: 'mmpp', rates: [1, 1], leave: [1e6, 1e6] } } },
    says: 'workload.arrivals.leave is 1000000 at a mean rate of 1; the most is 10000: lower it or raise the rates.',
  },
  {
    name: 'a series of zeros',
    layer: {
      workload: {
        arrivals: {
          kind: 'series',
          points: [
            [0, 0],
            [9, 0],
          ],
        },
      },
    },
    says: 'workload.arrivals: The rates are 0 at all times; one above 0 is needed for a request to arrive.',
  },
  {
    name: 'a series out of order',
    layer: {
      workload: {
        arrivals: {
          kind: 'series',
          points: [
            [0, 1],
            [9, 1],
            [3, 1],
          ],
        },
      },
    },
    says: 'workload.arrivals.points.2 is at 3 s, before the point above it at 9 s; sort the points by time.',
  },
  {
    name: 'bounds without a length',
    layer: { workload: { promptTokens: { kind: 'uniform', min: 9, max: 8 } } },
    says: 'workload.promptTokens: Lengths from 9 to 8 tokens hold nothing; 1 ≤ min ≤ max is needed.',
  },
  {
    name: 'a lognormal far from its bounds',
    layer: { workload: { outputTokens: { kind: 'lognormal', mu: 3, sigma: 0.1, min: 5000, max: 6000 } } },
    says: 'workload.outputTokens: A lognormal with median 20 has nothing between 5000 and 6000 tokens; widen the bounds.',
  },
  {
    name: 'a Zipf table of ten million',
    layer: { workload: { promptTokens: { kind: 'zipf', exponent: 1, min: 1, max: 1e7 } } },
    says: 'workload.promptTokens has 10000000 lengths by Zipf; the most is 1000000: set max to 1000000.',
  },
  {
    name: 'a request longer than the model',
    layer: { workload: { promptTokens: fixed(131_000), outputTokens: fixed(100) } },
    says: 'The longest request has 131100 tokens at the least, more than the 131072 of the model; shorten workload.promptTokens, or raise engine.maxModelTokens.',
  },
  {
    name: 'a session longer than the model',
    layer: {
      engine: { maxModelTokens: 1000 },
      workload: {
        promptTokens: fixed(100),
        outputTokens: fixed(100),
        sharing: { kind: 'sessions', systemTokens: 50, turns: 6, thinkSeconds: 0 },
      },
    },
    says: 'The longest request has 1250 tokens at the least, more than the 1000 of the model; shorten workload.promptTokens, or raise engine.maxModelTokens.',
  },
  {
    name: 'a request longer than the pool',
    layer: { hardware: { kvBlocks: 10 }, workload: { promptTokens: fixed(150), outputTokens: fixed(50) } },
    says: 'The longest request holds 199 tokens at the least, more than the 160 of hardware.kvBlocks; set 13 blocks or more.',
  },
  {
    name: 'three ranks for 32 heads',
    layer: { hardware: { tensorParallel: 3 } },
    says: 'hardware.tensorParallel is 3, to which the heads of Llama-3.1-8B can’t be dealt; the nearest that works is 2.',
  },
  {
    name: 'more stages than layers',
    layer: { hardware: { pipelineParallel: 40 } },
    says: 'hardware.pipelineParallel is 40, but Llama-3.1-8B has 32 layers; the most is 32.',
  },
  {
    name: 'a latent cache in int4',
    layer: {
      model: 'DeepSeek-V3',
      engine: { kvFormat: 'int4' },
      hardware: { gpu: 'h200-sxm', tensorParallel: 8 },
    },
    says: 'engine.kvFormat is int4, but the latent attention of DeepSeek-V3 can be stored in bf16 or fp8 only; set fp8.',
  },
  {
    name: 'prefixes of a model with states',
    layer: { model: 'Nemotron-H-56B', hardware: { tensorParallel: 8 } },
    says: 'engine.prefixCache is hash, but Nemotron-H-56B has layers that keep a state, of which no prefix can be found again; set off.',
  },
  {
    name: 'a radix tree over windows',
    layer: { model: 'gpt-oss-20b', engine: { prefixCache: 'radix' } },
    says: 'engine.prefixCache is radix, but gpt-oss-20b has layers that forget old tokens; set hash, or off.',
  },
  {
    name: 'a policy for no cache',
    layer: { engine: { prefixCache: 'off', cachePolicy: 'sieve' } },
    says: 'engine.cachePolicy is sieve, but engine.prefixCache is off; set it to hash, or the policy to lru.',
  },
  {
    name: 'disaggregation of static batches',
    layer: {
      engine: { scheduler: 'static' },
      cluster: { disaggregation: { prefillReplicas: 1, decodeReplicas: 1, linkGBps: 25, linkLatencyUs: 5 } },
    },
    says: 'engine.scheduler is static, which can’t hand a request over, as cluster.disaggregation asks; set vllm, or disaggregation to null.',
  },
  {
    name: 'speculation in static batches',
    layer: {
      engine: { scheduler: 'static', speculation: { draftTokens: 3, acceptance: 0.7, draftCost: 0.1 } },
    },
    says: 'engine.scheduler is static, which has no speculative decoding; set vllm or sarathi, or engine.speculation to null.',
  },
  {
    name: 'priorities in static batches',
    layer: { engine: { scheduler: 'static-bucketed', priorities: 'priority' } },
    says: 'engine.scheduler is static-bucketed, which takes requests in order, but engine.priorities is priority; set fcfs, or vllm.',
  },
  {
    name: 'swapping static batches',
    layer: { engine: { scheduler: 'static', preemption: 'swap' } },
    says: 'engine.scheduler is static, which reserves what a request may need and preempts nobody, but engine.preemption is swap; set recompute, or vllm.',
  },
  {
    name: 'tiers under Orca',
    layer: {
      engine: { scheduler: 'orca' },
      cluster: { tiers: [{ kind: 'host', capacityGB: 9, bandwidthGBps: 50, latencyUs: 9, shared: false }] },
    },
    says: 'engine.scheduler is orca, which has no prefix cache to fill from the 1 of cluster.tiers; set vllm, or tiers to [].',
  },
  {
    name: 'a router of prefixes for Orca',
    layer: { engine: { scheduler: 'orca' }, cluster: { replicas: 2, router: 'prefix-aware' } },
    says: 'engine.scheduler is orca, which has no prefix cache for a prefix-aware router; set vllm, or cluster.router to least-loaded.',
  },
  {
    name: 'SIEVE in a radix tree',
    layer: { engine: { prefixCache: 'radix', cachePolicy: 'sieve' } },
    says: 'engine.cachePolicy is sieve, but a radix tree gives up its least recently used leaf; set lru, or engine.prefixCache to hash.',
  },
  {
    name: 'a router of prefixes without a cache',
    layer: { engine: { prefixCache: 'off' }, cluster: { replicas: 2, router: 'prefix-aware' } },
    says: 'cluster.router is prefix-aware, but engine.prefixCache is off; set it to hash, or the router to least-loaded.',
  },
  {
    name: 'tiers without a cache',
    layer: {
      engine: { prefixCache: 'off' },
      cluster: { tiers: [{ kind: 'host', capacityGB: 9, bandwidthGBps: 50, latencyUs: 9, shared: false }] },
    },
    says: 'cluster.tiers has 1, but engine.prefixCache is off, so nothing in them is ever found; set it to hash.',
  },
  {
    name: 'tiers upside down',
    layer: {
      cluster: {
        tiers: [
          { kind: 'nvme', capacityGB: 900, bandwidthGBps: 7, latencyUs: 20, shared: false },
          { kind: 'host', capacityGB: 90, bandwidthGBps: 50, latencyUs: 9, shared: false },
        ],
      },
    },
    says: 'cluster.tiers.1 has 50 GB/s, more than the 7 of the tier above it; put the fastest first.',
  },
  {
    name: 'weights that do not fit',
    layer: { model: 'Llama-3.1-70B' },
    says: 'Llama-3.1-70B needs 143.2 GB (141.1 GB of it bf16 weights) for one KV block, more than the 76.5 GB that H100 SXM5 80GB has at hardware.memoryUtilization 0.9; the nearest that works is hardware.tensorParallel 2, or engine.weights fp8.',
  },
  {
    name: 'weights that no GPU takes',
    layer: { model: 'Kimi-K2', hardware: { gpu: 'l4' }, engine: { kvFormat: 'bf16' } },
    says: 'Kimi-K2 needs 2056.2 GB (2052.8 GB of it bf16 weights) for one KV block, more than the 21.3 GB that L4 has at hardware.memoryUtilization 0.9; no GPU here takes it alone; raise hardware.tensorParallel and hardware.pipelineParallel.',
  },
  {
    name: 'weights that do not fit beside given blocks',
    layer: { model: 'Llama-3.1-70B', hardware: { kvBlocks: 100 } },
    says: 'Llama-3.1-70B needs 143.2 GB (141.1 GB of it bf16 weights) for one KV block, more than the 76.5 GB that H100 SXM5 80GB has at hardware.memoryUtilization 0.9; the nearest that works is hardware.tensorParallel 2, or engine.weights fp8.',
  },
  {
    name: 'a request longer than the memory',
    layer: { hardware: { gpu: 'l4' }, workload: { promptTokens: fixed(100_000) } },
    says: 'The longest request has 100001 tokens at the least, more than the 29200 that the memory of a replica holds; shorten workload.promptTokens, raise hardware.tensorParallel, or set engine.kvFormat to fp8.',
  },
  {
    name: 'a request longer than the pool among those that are drawn',
    layer: { hardware: { kvBlocks: 200 } },
    says: 'Request 188 has 8158 tokens of prompt and 783 of output, 8941 in all, which takes 559 KV blocks of 16; a replica has 200: set hardware.kvBlocks to 559 or more, or cut prompts at 2417.',
  },
  {
    name: 'sessions that grow beyond any count',
    layer: {
      workload: {
        requests: 1000,
        promptTokens: { kind: 'uniform', min: 1, max: 1e7 },
        sharing: { kind: 'sessions', systemTokens: 0, turns: 1000, thinkSeconds: 0 },
      },
    },
    says: 'Request 198 has a prompt of 1001586194 tokens; the most is 1000000000: shorten workload.promptTokens or the sessions.',
  },
  {
    name: 'an impossible point of a sweep',
    layer: {
      sweep: [{ path: 'hardware.kvBlocks', values: [null, 4] }],
      workload: { promptTokens: fixed(99) },
    },
    says: 'Sweep point “kvBlocks 4”: The longest request holds 99 tokens at the least, more than the 64 of hardware.kvBlocks; set 7 blocks or more.',
  },
  {
    name: 'a part of a sweep that is none',
    layer: { sweep: [{ path: 'workload.sharing', values: [{ kind: 'none' }, { kind: 'sessions' }] }] },
    says: 'Sweep point “sharing sessions”: workload.sharing.systemTokens is missing; add it.',
  },
];

test.each(impossible)('$name', ({ layer, says }) => {
  expect(read(layer)).toEqual({ ok: false, sentence: says });
});

test('the schedulers without pages are those of the schedulers’ table', () => {
  const unpaged = SCHEDULER_NAMES.filter((name) => !PAGED_SCHEDULERS[name]);
  expect([...UNPAGED_SCHEDULERS].sort()).toEqual([...unpaged].sort());
});
