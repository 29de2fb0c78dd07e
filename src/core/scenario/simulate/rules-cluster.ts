/** Clusters that can't be, or that no page has the memory for; each in one sentence with a remedy. */
import { modelBytesPerToken } from '../../kv/layers.ts';
import type { Architecture } from '../../model/architecture.ts';
import type { SimScenario } from './schema.ts';

type Rule = (scenario: SimScenario, model: Architecture) => string | null;

/** Blocks of all pools together: some 30 bytes each are kept of a block. */
const MOST_BLOCKS = 50_000_000;
/** Requests times replicas: some 60 bytes each are kept of a request in every replica that it may go to. */
const MOST_PLACES = 40_000_000;

export function replicaCount({ cluster: { replicas, disaggregation } }: SimScenario): number {
  return disaggregation ? disaggregation.prefillReplicas + disaggregation.decodeReplicas : replicas;
}

/** A tier holds whole blocks. */
const tierRoom: Rule = ({ engine, cluster }, model) => {
  const blockGB = (modelBytesPerToken(model, { format: engine.kvFormat }) * engine.blockSize) / 1e9;
  const at = cluster.tiers.findIndex(({ capacityGB }) => capacityGB < blockGB);
  return at < 0
    ? null
    : `cluster.tiers.${at}.capacityGB is ${cluster.tiers[at]?.capacityGB}, less than a block of ${engine.blockSize} tokens; the least is ${Math.ceil(blockGB * 1000) / 1000}.`;
};

const pools: Rule = (scenario) => {
  const replicas = replicaCount(scenario);
  const blocks = scenario.hardware.kvBlocks ?? 0;
  return replicas > 1 && replicas * blocks > MOST_BLOCKS
    ? `hardware.kvBlocks is ${blocks} for each of ${replicas} replicas, more than ${MOST_BLOCKS} together; the most for so many replicas is ${Math.floor(MOST_BLOCKS / replicas)}.`
    : null;
};

const places: Rule = (scenario) => {
  const replicas = replicaCount(scenario);
  const { requests } = scenario.workload;
  return replicas > 1 && replicas * requests > MOST_PLACES
    ? `workload.requests is ${requests} with ${replicas} replicas, more than ${MOST_PLACES} together; the most for so many replicas is ${Math.floor(MOST_PLACES / replicas)}.`
    : null;
};

export const CLUSTER_RULES: readonly Rule[] = [tierRoom, pools, places];
