/** The serving engine that a scenario describes: replicas with their schedulers and pools, behind a router. */
import { BLOCK_POLICIES } from '../core/eviction/blocks/index.ts';
import { BlockManager } from '../core/kv/block-manager.ts';
import { findArchitecture } from '../core/model/architecture.ts';
import { createRandom } from '../core/random.ts';
import type { SimRepetition } from '../core/run/simulation.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import { PAGED_SCHEDULERS, SCHEDULERS } from '../core/schedule/index.ts';
import type { RequestTable } from '../core/schedule/requests.ts';
import type { Scheduler } from '../core/schedule/scheduler.ts';
import { Sequences } from '../core/schedule/sequences.ts';
import type { CostModel } from './cost/model.ts';
import { SimLoop } from './loop.ts';
import { Replica } from './replica.ts';
import type { SimObserver } from './types.ts';

export interface Engine {
  readonly numDone: number;
  /** Handles at most so many events; false when nothing is left to happen. */
  advance(maxEvents: number): boolean;
  /** What went down to each tier and came back. */
  tiers(): SimRepetition['tiers'];
}

export interface EngineParts {
  /** The parts of the scenario that describe the engine. */
  readonly scenario: SimScenario;
  readonly requests: RequestTable;
  readonly cost: CostModel;
  /** KV blocks of one replica. */
  readonly numBlocks: number;
  readonly observer: SimObserver;
}

interface Built {
  readonly scheduler: Scheduler;
  readonly manager: BlockManager;
}

function buildReplica({ scenario, requests, numBlocks, observer }: EngineParts, index: number): Built {
  const { engine, model, seed } = scenario;
  const paged = PAGED_SCHEDULERS[engine.scheduler];
  // Least recently used is the pool's own order.
  const policy = engine.cachePolicy === 'lru' ? null : BLOCK_POLICIES[engine.cachePolicy](numBlocks);
  const onBlock = observer.listenTo?.(index, numBlocks);
  const manager = new BlockManager({
    numBlocks,
    blockSize: engine.blockSize,
    requests,
    prefixCaching: paged && engine.prefixCache !== 'off',
    ...(policy ? { policy } : {}),
    ...(onBlock ? { onBlock } : {}),
  });
  const scheduler = SCHEDULERS[engine.scheduler]({
    manager,
    sequences: new Sequences(requests, engine.blockSize),
    tokenBudget: engine.tokenBudget,
    maxSequences: engine.maxSequences,
    longPrefillTokens: engine.longPrefillTokens,
    priorities: engine.priorities,
    watermarkBlocks: Math.ceil(engine.watermark * numBlocks),
    reserveFullPrompt: engine.reserveFullPrompt,
    maxTokens:
      engine.maxModelTokens || (findArchitecture(model)?.maxPositionTokens ?? numBlocks * engine.blockSize),
    speculation: engine.speculation,
    random: createRandom(seed).fork(`speculation ${index}`),
  });
  return { scheduler, manager };
}

export function createEngine(parts: EngineParts): Engine {
  const { scenario, requests, cost, observer } = parts;
  const replicas = Array.from(
    { length: scenario.cluster.replicas },
    (_, index) => new Replica(index, { requests, cost, ...buildReplica(parts, index) }, observer),
  );
  const loop = new SimLoop({ requests, replicas, observer, route: (request) => request % replicas.length });
  return {
    get numDone() {
      return loop.numDone;
    },
    advance: (maxEvents) => loop.advance(maxEvents),
    tiers: () => [],
  };
}
