/** A small engine under a recorder, and beside it what the block manager itself said after each step. */
import { BLOCK_POLICIES, type BlockPolicyName } from '../../../src/core/eviction/blocks/index.ts';
import { BlockManager } from '../../../src/core/kv/block-manager.ts';
import type { BlockId } from '../../../src/core/kv/pool.ts';
import { requestTable, type RequestRow } from '../../../src/core/schedule/requests.ts';
import { Sequences } from '../../../src/core/schedule/sequences.ts';
import { VllmScheduler } from '../../../src/core/schedule/vllm.ts';
import { emptyBasis } from '../../../src/sim/cost/model.ts';
import { SimLoop } from '../../../src/sim/loop.ts';
import { BlockRecorder, type RecorderConfig } from '../../../src/sim/recorder.ts';
import { Replica } from '../../../src/sim/replica.ts';

export interface Truth {
  readonly references: number[];
  readonly contents: number[];
  /** Block table of each request. */
  readonly tables: number[][];
  readonly free: number[];
  readonly active: number;
  readonly cached: number;
}

export interface Recorded {
  readonly recorder: BlockRecorder;
  readonly truth: Truth[];
}

export interface EngineConfig {
  readonly numBlocks: number;
  readonly blockSize: number;
  readonly tokenBudget: number;
  readonly maxSequences?: number;
  readonly policy?: BlockPolicyName;
  readonly limits?: Partial<RecorderConfig>;
}

function truthOf(manager: BlockManager, numRequests: number): Truth {
  const blocks = Array.from({ length: manager.numBlocks }, (_, block) => block as BlockId);
  return {
    references: blocks.map((block) => manager.pool.references(block)),
    contents: blocks.map((block) => manager.contentsOf(block)),
    tables: Array.from({ length: numRequests }, (_, request) => [...manager.blocksOf(request)]),
    free: manager.pool.freeBlocks(),
    active: manager.numActiveBlocks,
    cached: manager.numIdleCachedBlocks,
  };
}

/** Runs the requests; every step takes 10 ms. */
export function recordEngine(rows: readonly RequestRow[], config: EngineConfig): Recorded {
  const requests = requestTable(rows);
  const { numBlocks, blockSize, tokenBudget } = config;
  const recorder = new BlockRecorder({ numBlocks, blockSize, ...config.limits });
  const manager = new BlockManager({
    numBlocks,
    blockSize,
    requests,
    prefixCaching: true,
    ...(config.policy ? { policy: BLOCK_POLICIES[config.policy](numBlocks) } : {}),
    onBlock: recorder.onBlock,
  });
  const scheduler = new VllmScheduler({
    manager,
    sequences: new Sequences(requests, blockSize),
    tokenBudget,
    maxSequences: config.maxSequences ?? 16,
    longPrefillTokens: 0,
    priorities: 'fcfs',
    watermarkBlocks: 0,
    reserveFullPrompt: false,
  });
  const cost = { name: 'constant', about: '', stepMs: () => 10, basis: emptyBasis() };
  const truth: Truth[] = [];
  const observer = {
    arrived: (request: number, nowMs: number, replica: number) => recorder.arrived(request, nowMs, replica),
    step: (...step: Parameters<BlockRecorder['step']>) => {
      recorder.step(...step);
      truth.push(truthOf(manager, requests.size));
    },
  };
  const replica = new Replica(0, { requests, scheduler, manager, cost }, observer);
  const loop = new SimLoop({ requests, replicas: [replica], observer });
  while (loop.advance(1000));
  return { recorder, truth };
}
