/**
 * What one step consists of, kind of operation by kind of operation: FLOP, bytes and milliseconds on one GPU, for the
 * roofline picture and for the phases.
 *
 * The times are those of the step itself (sim/cost/step-time.ts), asked for one by one: they add up to it. Counts are of
 * what has to be done; padding of tiles costs time and is no FLOP. In a pipeline they are of one batch through all
 * stages, which is what one GPU does in a round.
 */
import type { PlanOperation } from '../../core/run/plan.ts';
import type { StepWork } from '../../core/schedule/work.ts';
import { ringAllReduceBytesPerRank } from '../../sim/cost/comm.ts';
import { pairsSeen } from '../../sim/cost/pairs.ts';
import type { LayerShard } from '../../sim/cost/shard.ts';
import { decodeTokensRead, distinctExperts, type StepTime } from '../../sim/cost/step-time.ts';
import type { Speed } from './speed.ts';

type Bound = PlanOperation['bound'];

const ACTIVATION_BYTES = 2;

/** Sums of one kind of operation. */
interface Part {
  readonly name: string;
  flops: number;
  bytes: number;
  seconds: number;
  /** What its time is made of where the device is kept busy; the rest are kernels' fixed times. */
  computeSeconds: number;
  memorySeconds: number;
  communication: boolean;
}

class Parts {
  readonly list: Part[] = [];

  add(name: string, part: Omit<Part, 'name' | 'communication'> & { communication?: boolean }): void {
    if (part.seconds <= 0 && part.flops <= 0) return;
    const known = this.list.find((other) => other.name === name);
    if (!known) {
      this.list.push({ communication: false, ...part, name });
      return;
    }
    known.flops += part.flops;
    known.bytes += part.bytes;
    known.seconds += part.seconds;
    known.computeSeconds += part.computeSeconds;
    known.memorySeconds += part.memorySeconds;
  }
}

function boundOf({ communication, seconds, computeSeconds, memorySeconds }: Part): Bound {
  if (communication) return 'communication';
  // Less than half of its time the device computes or reads at its rate: what it takes is beginning and ending.
  if (Math.max(computeSeconds, memorySeconds) < seconds / 2) return 'latency';
  return computeSeconds > memorySeconds ? 'compute' : 'memory';
}

const ATTENTION_NAME = {
  all: 'attention',
  window: 'attention, sliding window',
  chunk: 'attention, chunks',
  none: 'states',
} as const;

/** The operations of one step; what a draft model takes is not in them. */
export function stepOperations(
  speed: Speed,
  work: StepWork,
  phase: PlanOperation['phase'],
): readonly PlanOperation[] {
  const { time } = speed;
  const parts = new Parts();
  const sequences = work.decodeSequences + work.prefillCount;
  const batches = Math.max(1, Math.min(time.shape.pipeline, sequences));
  const queries = 1 + work.draftTokens;
  let tokens = work.decodeSequences * queries;
  for (let i = 0; i < work.prefillCount; i++) tokens += work.prefillTokens[i] ?? 0;
  tokens /= batches;
  for (const shard of time.shape.shards) layerParts(parts, time, shard, work, { tokens, batches, queries });
  outsideParts(parts, time, work, { tokens, batches, queries });
  const hostMs = speed.hostMs(work, 1000 * parts.list.reduce((sum, { seconds }) => sum + seconds, 0));
  const operations = parts.list.map((part): PlanOperation => {
    const { name, flops, bytes, seconds } = part;
    return { name, phase, flops, bytes, ms: seconds * 1000, bound: boundOf(part) };
  });
  if (hostMs > 0) {
    operations.push({ name: 'host', phase, flops: 0, bytes: 0, ms: hostMs, bound: 'latency' });
  }
  return operations;
}

interface Pass {
  readonly tokens: number;
  readonly batches: number;
  readonly queries: number;
}

function layerParts(parts: Parts, time: StepTime, shard: LayerShard, work: StepWork, pass: Pass): void {
  const { rates, shape } = time;
  const { layers } = shard;
  const { tokens, batches, queries } = pass;
  parts.add('linear layers', {
    flops: layers * tokens * shard.denseFlops,
    bytes: layers * (shard.denseBytes + tokens * shard.activationBytes),
    seconds: layers * time.denseSeconds(shard, tokens),
    computeSeconds: (layers * tokens * shard.denseFlops) / rates.linearFlops,
    memorySeconds: (layers * (shard.denseBytes + tokens * shard.activationBytes)) / rates.weightBytes,
  });
  const distinct = distinctExperts(shard, tokens);
  const expertBytes = layers * (distinct * shard.expertBytes + shard.routerBytes);
  parts.add('experts', {
    flops: layers * tokens * (shard.expertFlops + shard.routerFlops),
    bytes: expertBytes,
    seconds: layers * time.expertSeconds(shard, tokens),
    computeSeconds: (layers * tokens * shard.expertFlops) / rates.expertFlops,
    memorySeconds: expertBytes / rates.weightBytes,
  });
  const attention = attentionCounts(shard, work, pass);
  parts.add(ATTENTION_NAME[shard.reach], {
    flops: layers * attention.flops,
    bytes: layers * attention.bytes,
    seconds: layers * time.attentionSeconds(shard, work, batches, work.prefillCount, queries),
    computeSeconds: (layers * attention.flops) / rates.attentionFlops,
    memorySeconds: (layers * attention.bytes) / rates.kvBytes,
  });
  const elementBytes = layers * tokens * shard.elementBytes;
  parts.add('norms and activations', {
    // One FLOP for each number that is read or written: less than it is, and far below any ridge.
    flops: elementBytes / ACTIVATION_BYTES,
    bytes: elementBytes,
    seconds: layers * time.elementSeconds(shard, tokens),
    computeSeconds: 0,
    memorySeconds: elementBytes / rates.elementBytes,
  });
  const message = tokens * shape.hidden * ACTIVATION_BYTES;
  parts.add('all-reduce', {
    flops: 0,
    bytes: layers * shard.allReduces * ringAllReduceBytesPerRank(message, shape.ranks),
    seconds: layers * time.reduceSeconds(shard, tokens),
    computeSeconds: 0,
    memorySeconds: 0,
    communication: true,
  });
}

/** FLOP and bytes of one layer's attention or states. */
function attentionCounts(
  shard: LayerShard,
  work: StepWork,
  { tokens, batches, queries }: Pass,
): { readonly flops: number; readonly bytes: number } {
  if (shard.reach === 'none') {
    const sequences = (work.decodeSequences + work.prefillCount) / batches;
    return { flops: tokens * shard.stateFlops, bytes: 2 * sequences * shard.stateBytes };
  }
  let flops = 0;
  let bytes = 0;
  if (work.decodeSequences > 0) {
    const context = decodeTokensRead(shard, work) / batches;
    flops += context * queries * shard.decodePairFlops;
    bytes += (context + (work.decodeSequences * queries) / batches) * shard.kvBytes;
  }
  for (let i = 0; i < work.prefillCount; i++) {
    const chunk = work.prefillTokens[i] ?? 0;
    const before = work.prefillContextTokens[i] ?? 0;
    const pairs = pairsSeen(shard.reach, shard.reachTokens, before, chunk);
    const read = shard.reach === 'all' ? before : Math.min(before, shard.reachTokens);
    flops += (pairs * shard.prefillPairFlops + (before + chunk) * shard.widenFlops) / batches;
    bytes += ((read + chunk) * shard.kvBytes) / batches;
  }
  return { flops, bytes };
}

/** Output layer with the sampler, the embedding's sum over ranks, and hand-overs of a pipeline. */
function outsideParts(parts: Parts, time: StepTime, work: StepWork, { tokens, batches }: Pass): void {
  const { shape, rates } = time;
  const logits = (work.sampledSequences + work.decodeSequences * work.draftTokens) / batches;
  const flops = 2 * logits * shape.vocab * shape.hidden;
  const bytes = logits > 0 ? shape.vocab * shape.hidden * ACTIVATION_BYTES : 0;
  parts.add('output layer and sampling', {
    flops,
    bytes,
    seconds: time.headSeconds(logits),
    computeSeconds: flops / rates.headFlops,
    memorySeconds: bytes / rates.weightBytes,
  });
  const message = tokens * shape.hidden * ACTIVATION_BYTES;
  const none = { flops: 0, computeSeconds: 0, memorySeconds: 0, communication: true };
  parts.add('all-reduce', {
    ...none,
    bytes: ringAllReduceBytesPerRank(message, shape.ranks),
    seconds: time.embeddingSeconds(tokens),
  });
  const hops = shape.pipeline - 1;
  parts.add('pipeline hand-over', {
    ...none,
    bytes: hops * message,
    seconds: hops * (shape.sendSeconds + shape.sendSecondsPerByte * message),
  });
}
