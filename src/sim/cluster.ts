/**
 * The replicas that a scenario describes, wired: pools, schedulers, tiers, swap space, links between prefill and decode,
 * and the router in front.
 *
 * Links and tiers are a replica's as a whole, however many GPUs it has; its KV is counted once, without what tensor
 * parallelism stores twice. Shared tiers are one store behind one pair of links for all replicas.
 */
import { BLOCK_POLICIES } from '../core/eviction/blocks/index.ts';
import { findGpu } from '../core/hardware/records.ts';
import type { BlockListener } from '../core/kv/block-events.ts';
import { BlockManager } from '../core/kv/block-manager.ts';
import { modelBytesPerToken } from '../core/kv/layers.ts';
import { findArchitecture, layerCount } from '../core/model/architecture.ts';
import { createRandom } from '../core/random.ts';
import type { SimRepetition } from '../core/run/simulation.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import { PAGED_SCHEDULERS, SCHEDULERS } from '../core/schedule/index.ts';
import type { RequestTable } from '../core/schedule/requests.ts';
import { Sequences } from '../core/schedule/sequences.ts';
import { createStepWork } from '../core/schedule/work.ts';
import { Connectors, type SimConnector } from './connector.ts';
import { prefillTimer, withDraft } from './cost/draft.ts';
import type { CostModel } from './cost/model.ts';
import { decodeTable, Handoff, prefillTable } from './disaggregation.ts';
import type { LinkSettings } from './link.ts';
import { SimLoop } from './loop.ts';
import { forwardTo } from './forward.ts';
import { Replica } from './replica.ts';
import { ROUTERS } from './router.ts';
import { SWAP_SPACE_GB, SwapSpace } from './swap.ts';
import { Tier, Tiers } from './tiers.ts';
import type { SimObserver } from './types.ts';

export interface ClusterParts {
  readonly scenario: SimScenario;
  readonly requests: RequestTable;
  readonly cost: CostModel;
  /** KV blocks of one replica. */
  readonly numBlocks: number;
  readonly observer: SimObserver;
}

export interface Cluster {
  readonly loop: SimLoop;
  readonly replicas: readonly Replica[];
  /** What each kind of lower tier and link has moved so far, all replicas together. */
  traffic(): SimRepetition['tiers'];
}

/** The host's link where neither a tier nor the GPU's record says: PCIe 4 ×16, nominal. Assumed. */
const HOST_GBPS = 32;
/** The software path of a copy between GPU and host: 5 to 16 µs. Assumed where no tier says. */
const HOST_LATENCY_US = 10;

/** What all replicas of a cluster are built from. */
interface Plant extends ClusterParts {
  readonly layers: number;
  readonly kvBytesPerToken: number;
  /** Longest prompt + output of all requests. */
  readonly longest: number;
  /** Milliseconds to compute tokens behind others, alone in a step. */
  readonly prefillMs: (tokens: number, before: number) => number;
  readonly handoff: Handoff | undefined;
  readonly sharedTiers: ReadonlyMap<number, Tier>;
  readonly tiers: Tier[][];
  readonly swaps: SwapSpace[];
}

function longestText({ promptTokens, outputTokens, size }: RequestTable): number {
  let longest = 1;
  for (let row = 0; row < size; row++) {
    longest = Math.max(longest, (promptTokens[row] ?? 0) + (outputTokens[row] ?? 0));
  }
  return longest;
}

function createPlant(parts: ClusterParts): Plant {
  const { scenario, requests, cost, observer } = parts;
  const { engine, cluster, model } = scenario;
  const architecture = findArchitecture(model);
  if (!architecture) throw new RangeError(`The model “${model}” is not known; choose another one.`);
  const kvBytesPerToken = modelBytesPerToken(architecture, { format: engine.kvFormat });
  const layers = layerCount(architecture);
  const split = cluster.disaggregation;
  const blockBytes = kvBytesPerToken * engine.blockSize;
  return {
    ...parts,
    cost: engine.speculation ? withDraft(cost, engine.speculation.draftCost) : cost,
    layers,
    kvBytesPerToken,
    longest: longestText(requests),
    prefillMs: prefillTimer(cost, createStepWork(1)),
    handoff: split
      ? new Handoff({
          ...split,
          requests,
          kvBytesPerToken,
          layers,
          link: { bandwidthGBps: split.linkGBps, latencyUs: split.linkLatencyUs },
          onSent: (replica, bytes) => observer.moved?.(replica, bytes, 0),
        })
      : undefined,
    sharedTiers: new Map(
      cluster.tiers.flatMap((tier, at) => (tier.shared ? [[at, new Tier(tier, blockBytes)] as const] : [])),
    ),
    tiers: [],
    swaps: [],
  };
}

function createTiers(plant: Plant, index: number, manager: () => BlockManager): Tiers | null {
  const { scenario, requests, numBlocks, observer, prefillMs } = plant;
  const { cluster, engine } = scenario;
  if (cluster.tiers.length === 0 || !PAGED_SCHEDULERS[engine.scheduler]) return null;
  const blockBytes = plant.kvBytesPerToken * engine.blockSize;
  const tiers = cluster.tiers.map((tier, at) => plant.sharedTiers.get(at) ?? new Tier(tier, blockBytes));
  plant.tiers.push(tiers);
  return new Tiers({
    tiers,
    requests,
    blockSize: engine.blockSize,
    blockBytes,
    poolBlocks: numBlocks,
    offload: cluster.offload,
    worthLoading:
      cluster.tierLoads === 'always'
        ? () => true
        : (found, tokens, total, loadMs) =>
            loadMs < prefillMs(total - found, found) - prefillMs(total - found - tokens, found + tokens),
    onMoved: (outBytes, inBytes) => observer.moved?.(index, outBytes, inBytes),
    onLoad: (request, place, tier) => {
      const block = manager().blocksOf(request)[place];
      if (block !== undefined) observer.loaded?.(index, block, request, tier + 1);
    },
  });
}

/** The link of preempted sequences: the host tier's, or else the GPU's own to its host. */
function hostLink({ cluster, hardware }: SimScenario): LinkSettings & { readonly capacityGB: number } {
  const host = cluster.tiers.find(({ kind }) => kind === 'host');
  return (
    host ?? {
      bandwidthGBps: findGpu(hardware.gpu)?.serving?.hostGBps ?? HOST_GBPS,
      latencyUs: HOST_LATENCY_US,
      capacityGB: SWAP_SPACE_GB,
    }
  );
}

function createSwap(plant: Plant, index: number): SwapSpace | null {
  const { scenario, kvBytesPerToken, prefillMs, observer } = plant;
  const { preemption, scheduler } = scenario.engine;
  if (preemption === 'recompute' || !PAGED_SCHEDULERS[scheduler]) return null;
  const link = hostLink(scenario);
  const swap = new SwapSpace({
    link,
    capacityGB: link.capacityGB,
    kvBytesPerToken,
    ...(preemption === 'faster' ? { recomputeMs: (tokens: number) => prefillMs(tokens, 0) } : {}),
    onMoved: (outBytes, inBytes) => observer.moved?.(index, outBytes, inBytes),
  });
  plant.swaps.push(swap);
  return swap;
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
  const { scenario, numBlocks, observer, cost, layers, longest } = plant;
  const { engine, seed } = scenario;
  // Least recently used is the pool's own order.
  const policy = engine.cachePolicy === 'lru' ? null : BLOCK_POLICIES[engine.cachePolicy](numBlocks);
  const tiers = createTiers(plant, index, () => manager);
  const onBlock = both(observer.listenTo?.(index, numBlocks), tiers?.listener);
  const manager: BlockManager = new BlockManager({
    numBlocks,
    blockSize: engine.blockSize,
    requests,
    prefixCaching: PAGED_SCHEDULERS[engine.scheduler] && engine.prefixCache !== 'off',
    ...(policy ? { policy } : {}),
    ...(onBlock ? { onBlock } : {}),
  });
  const handedOver = role === 'decode' ? plant.handoff?.connector : null;
  const members = [handedOver, createSwap(plant, index), tiers].filter((member) => member != null);
  const connector: SimConnector | undefined = members.length > 1 ? new Connectors(members) : members[0];
  const scheduler = SCHEDULERS[engine.scheduler]({
    manager,
    sequences: new Sequences(requests, engine.blockSize),
    tokenBudget: engine.tokenBudget,
    maxSequences: engine.maxSequences,
    longPrefillTokens: engine.longPrefillTokens,
    priorities: engine.priorities,
    watermarkBlocks: Math.ceil(engine.watermark * numBlocks),
    reserveFullPrompt: engine.reserveFullPrompt,
    maxTokens: engine.maxModelTokens || longest,
    speculation: engine.speculation,
    random: createRandom(seed).fork(`speculation ${index}`),
    connector,
  });
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

function sum<T>(items: Iterable<T>, of: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
}

function trafficOf({ scenario, tiers, swaps, handoff }: Plant): SimRepetition['tiers'] {
  const rows = scenario.cluster.tiers.map(({ kind }, at) => {
    const stores = new Set(tiers.flatMap((list) => list[at] ?? []));
    return {
      kind: String(kind),
      outBytes: sum(stores, ({ down }) => down.bytes),
      inBytes: sum(stores, ({ up }) => up.bytes),
      hitTokens: sum(stores, ({ hitTokens }) => hitTokens),
    };
  });
  const other = (kind: string, outBytes: number, inBytes: number) =>
    rows.push({ kind, outBytes, inBytes, hitTokens: 0 });
  if (swaps.length > 0) {
    other(
      'swap',
      sum(swaps, ({ down }) => down.bytes),
      sum(swaps, ({ up }) => up.bytes),
    );
  }
  if (handoff)
    other(
      'prefill to decode',
      sum(handoff.out, ({ bytes }) => bytes),
      sum(handoff.in, ({ bytes }) => bytes),
    );
  return rows;
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
  };
}
