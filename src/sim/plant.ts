/**
 * What the replicas of a cluster have in common, and what each gets beside its pool: tiers, swap space, the link between
 * prefill and decode.
 *
 * Links and tiers are a replica's as a whole, however many GPUs it has; its KV is counted once, without what tensor
 * parallelism stores twice. What is swapped or sent of a sequence is what its windows still reach; tiers get every token
 * (see keepsEveryToken). Shared tiers are one store behind one pair of links for all replicas.
 */
import { findGpu } from '../core/hardware/records.ts';
import type { BlockManager } from '../core/kv/block-manager.ts';
import { mixerStateBytes, modelBytesPerToken, sequenceKvBytes } from '../core/kv/layers.ts';
import { keepsEveryToken } from '../core/kv/replica-budget.ts';
import { findArchitecture, layerCount, type Architecture } from '../core/model/architecture.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import { PAGED_SCHEDULERS } from '../core/schedule/index.ts';
import type { RequestTable } from '../core/schedule/requests.ts';
import { createStepWork } from '../core/schedule/work.ts';
import { prefillTimer, withDraft } from './cost/draft.ts';
import type { CostModel } from './cost/model.ts';
import type { EngineControl } from './control.ts';
import { Handoff } from './disaggregation.ts';
import type { LinkSettings } from './link.ts';
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
  /** Who steers the first replica while it runs; left out: nobody. */
  readonly control?: EngineControl | undefined;
  /** Of a model that the simulator's own table lacks; else it is looked up by the scenario's name. */
  readonly architecture?: Architecture | undefined;
}

/** The host's link where neither a tier nor the GPU's record says: PCIe 4 ×16, nominal. Assumed. */
const HOST_GBPS = 32;
/** The software path of a copy between GPU and host: 5 to 16 µs. Assumed where no tier says. */
const HOST_LATENCY_US = 10;

/** What all replicas of a cluster are built from. */
export interface Plant extends ClusterParts {
  readonly layers: number;
  readonly kvBytesPerToken: number;
  /** Of the first tokens of a sequence that it still needs, without its states. */
  readonly tokenBytes: (tokens: number) => number;
  /** Of a sequence, whatever its length. */
  readonly stateBytes: number;
  /** Longest prompt + output of all requests. */
  readonly longest: number;
  /** Milliseconds to compute tokens behind others, alone in a step. */
  readonly prefillMs: (tokens: number, before: number) => number;
  readonly handoff: Handoff | undefined;
  readonly sharedTiers: ReadonlyMap<number, Tier>;
  readonly tiers: Tiers[];
  readonly swaps: SwapSpace[];
}

function longestText({ promptTokens, outputTokens, size }: RequestTable): number {
  let longest = 1;
  for (let row = 0; row < size; row++) {
    longest = Math.max(longest, (promptTokens[row] ?? 0) + (outputTokens[row] ?? 0));
  }
  return longest;
}

export function createPlant(parts: ClusterParts): Plant {
  const { scenario, requests, cost, observer } = parts;
  const { engine, cluster, model } = scenario;
  const architecture = parts.architecture ?? findArchitecture(model);
  if (!architecture) throw new RangeError(`The model “${model}” is not known; choose another one.`);
  const kvBytesPerToken = modelBytesPerToken(architecture, { format: engine.kvFormat });
  const stateBytes = architecture.kinds.reduce(
    (sum, { layers: count, mixer }) => sum + count * mixerStateBytes(mixer),
    0,
  );
  const keepsAll = keepsEveryToken(scenario);
  const tokenBytes = (tokens: number): number =>
    tokens === 0 || keepsAll
      ? tokens * kvBytesPerToken
      : sequenceKvBytes(architecture, tokens, { format: engine.kvFormat }) - stateBytes;
  const layers = layerCount(architecture);
  const split = cluster.disaggregation;
  const blockBytes = kvBytesPerToken * engine.blockSize;
  return {
    ...parts,
    cost: engine.speculation ? withDraft(cost, engine.speculation.draftCost) : cost,
    layers,
    kvBytesPerToken,
    tokenBytes,
    stateBytes,
    longest: longestText(requests),
    prefillMs: prefillTimer(cost, createStepWork(1)),
    handoff: split
      ? new Handoff({
          ...split,
          requests,
          tokenBytes,
          stateBytes,
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

export function createTiers(plant: Plant, index: number, manager: () => BlockManager): Tiers | null {
  const { scenario, requests, numBlocks, observer, prefillMs } = plant;
  const { cluster, engine } = scenario;
  if (cluster.tiers.length === 0 || !PAGED_SCHEDULERS[engine.scheduler]) return null;
  const blockBytes = plant.kvBytesPerToken * engine.blockSize;
  const own = new Tiers({
    tiers: cluster.tiers.map((tier, at) => plant.sharedTiers.get(at) ?? new Tier(tier, blockBytes)),
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
    isCached: (id) => manager().isCached(id),
    onMoved: (outBytes, inBytes) => observer.moved?.(index, outBytes, inBytes),
    onStored: (tier, id, came) => observer.stored?.(index, tier, id, came),
    onLoad: (request, place, tier) => {
      const block = manager().blocksOf(request)[place];
      if (block !== undefined) observer.loaded?.(index, block, request, tier + 1);
    },
  });
  plant.tiers.push(own);
  return own;
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

export function createSwap(plant: Plant, index: number): SwapSpace | null {
  const { scenario, tokenBytes, stateBytes, prefillMs, observer } = plant;
  const { preemption, scheduler } = scenario.engine;
  if (preemption === 'recompute' || !PAGED_SCHEDULERS[scheduler]) return null;
  const link = hostLink(scenario);
  const swap = new SwapSpace({
    link,
    capacityGB: link.capacityGB,
    tokenBytes,
    stateBytes,
    ...(preemption === 'faster' ? { recomputeMs: (tokens: number) => prefillMs(tokens, 0) } : {}),
    onMoved: (outBytes, inBytes) => observer.moved?.(index, outBytes, inBytes),
  });
  plant.swaps.push(swap);
  return swap;
}
