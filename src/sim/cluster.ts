/**
 * The replicas that a scenario describes, wired: pools and schedulers, what moves KV to and from them (plant.ts), and the
 * router in front.
 */
import { BLOCK_POLICIES } from '../core/eviction/blocks/index.ts';
import type { BlockListener } from '../core/kv/block-events.ts';
import { BlockManager } from '../core/kv/block-manager.ts';
import { createRandom } from '../core/random.ts';
import { scenarioGroups, sharesPrefixes, stepTokens } from '../core/scenario/simulate/fit.ts';
import type { SimRepetition } from '../core/run/simulation.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import { SCHEDULERS } from '../core/schedule/index.ts';
import type { RequestTable } from '../core/schedule/requests.ts';
import { Sequences } from '../core/schedule/sequences.ts';
import { Connectors, type SimConnector } from './connector.ts';
import { decodeTable, prefillTable } from './disaggregation.ts';
import { forwardTo } from './forward.ts';
import { SimLoop } from './loop.ts';
import { createPlant, createSwap, createTiers, type ClusterParts, type Plant } from './plant.ts';
import { Replica } from './replica.ts';
import { ROUTERS } from './router.ts';
import { trafficOf, verdictsOf } from './traffic.ts';
import type { SimObserver } from './types.ts';

export type { ClusterParts } from './plant.ts';

export interface Cluster {
  readonly loop: SimLoop;
  readonly replicas: readonly Replica[];
  /** What each kind of lower tier and link has moved so far, all replicas together. */
  traffic(): SimRepetition['tiers'];
  /** Whether offloading helps or hurts here, a sentence for each tier that had something to load. */
  verdicts(): string[];
}

/** Both listeners of a pool's blocks, or the one that there is. */
function both(a: BlockListener | undefined, b: BlockListener | undefined): BlockListener | undefined {
  if (!a || !b) return a ?? b;
  return (...told) => {
    a(...told);
    b(...told);
  };
}

type Role = 'whole' | 'prefill' | 'decode';

const TABLE_OF: Readonly<Record<Role, (requests: RequestTable) => RequestTable>> = {
  whole: (requests) => requests,
  prefill: prefillTable,
  decode: decodeTable,
};

/** What a replica of a role tells: a request that goes on elsewhere is not finished. */
function observerOf({ observer, handoff }: Plant, role: Role): SimObserver {
  if (role !== 'prefill' || !handoff) return observer;
  return forwardTo(observer, {
    finished: (request, nowMs, replica) => {
      if (handoff.targetOf(request) < 0) observer.finished?.(request, nowMs, replica);
    },
    step: (replica, startMs, endMs, plan, outcome, state) => {
      handoff.stepped(replica, startMs, endMs, plan);
      observer.step?.(replica, startMs, endMs, plan, outcome, state);
    },
  });
}

function createReplica(plant: Plant, role: Role, index: number, requests: RequestTable): Replica {
  const { scenario, numBlocks, observer, cost, layers, longest, architecture } = plant;
  const { engine, seed } = scenario;
  const control = index === 0 ? plant.control : undefined;
  // A radix tree gives up its least recently used leaf. Least recently used of all blocks is the pool's own order.
  const order = engine.prefixCache === 'radix' ? 'suffix' : engine.cachePolicy;
  const policy = order === 'lru' ? null : BLOCK_POLICIES[order](numBlocks);
  const tiers = createTiers(plant, index, () => manager);
  const onBlock = both(observer.listenTo?.(index, numBlocks), tiers?.listener);
  const manager: BlockManager = new BlockManager({
    numBlocks: numBlocks + (control?.spareBlocks ?? 0),
    spareBlocks: control?.spareBlocks ?? 0,
    blockSize: engine.blockSize,
    requests,
    prefixCaching: sharesPrefixes(scenario, architecture),
    groups: scenarioGroups(scenario, architecture),
    stepTokens: stepTokens(scenario),
    ...(policy ? { policy } : {}),
    ...(onBlock ? { onBlock } : {}),
  });
  const handedOver = role === 'decode' ? plant.handoff?.connector : null;
  const members = [handedOver, createSwap(plant, index), tiers, control?.connector].filter(
    (member) => member != null,
  );
  const connector: SimConnector | undefined = members.length > 1 ? new Connectors(members) : members[0];
  const sequences = new Sequences(requests, manager.tickPhases);
  const scheduler = SCHEDULERS[engine.scheduler]({
    manager,
    sequences,
    limits: control?.limits,
    tokenBudget: engine.tokenBudget,
    maxSequences: engine.maxSequences,
    longPrefillTokens: engine.longPrefillTokens,
    priorities: engine.priorities,
    watermarkBlocks: Math.ceil(engine.watermark * numBlocks),
    reserveFullPrompt: engine.reserveFullPrompt,
    batchWaitMs: engine.batchWaitMs,
    maxTokens: engine.maxModelTokens || longest,
    speculation: engine.speculation,
    random: createRandom(seed).fork(`speculation ${index}`),
    connector,
  });
  control?.attach({ manager, sequences, scheduler });
  return new Replica(
    index,
    { requests, scheduler, manager, cost, connector, layers },
    observerOf(plant, role),
  );
}

function rolesOf({ replicas, disaggregation }: SimScenario['cluster']): Role[] {
  if (!disaggregation) return new Array<Role>(replicas).fill('whole');
  const { prefillReplicas, decodeReplicas } = disaggregation;
  return [
    ...new Array<Role>(prefillReplicas).fill('prefill'),
    ...new Array<Role>(decodeReplicas).fill('decode'),
  ];
}

/** @throws RangeError for a model that is not known, or a scheduler that cannot do what the scenario asks */
export function createCluster(parts: ClusterParts): Cluster {
  const plant = createPlant(parts);
  const { scenario, requests, observer, handoff } = plant;
  const roles = rolesOf(scenario.cluster);
  // One table for all replicas of a role.
  const tables = new Map([...new Set(roles)].map((role) => [role, TABLE_OF[role](requests)]));
  const replicas = roles.map((role, index) =>
    createReplica(plant, role, index, tables.get(role) ?? requests),
  );
  const route = ROUTERS[scenario.cluster.router](requests);
  return {
    loop: new SimLoop({ requests, replicas, route, handoff, observer }),
    replicas,
    traffic: () => trafficOf(plant),
    verdicts: () => verdictsOf(plant),
  };
}
