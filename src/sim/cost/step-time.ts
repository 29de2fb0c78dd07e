/**
 * The roofline of one step: what each kind of layer computes and moves, and the time that takes at given rates.
 *
 * A kernel that computes for c seconds and reads for m seconds takes √(c² + m²): between max (they overlap in full) and
 * sum (not at all). With tiles of 64 rows it is within 18 % of the measured linear layers of two GPUs at every number of
 * tokens, where max is up to 33 % short around the ridge.
 *
 *   step = Σ layers · (linear + experts + attention + state + elementwise + all-reduces) + output layer + sampler
 *        + host
 *
 * Pipeline of p stages: sequences run as p batches that follow each other through the stages, so a step is one round: the
 * time of a batch of 1/p of the sequences through all layers, and the hand-overs. With fewer sequences than stages there
 * are as many batches as sequences.
 *
 * Nothing is allocated by `stepMs`: a million requests ask it four million times.
 */
import type { StepWork } from '../../core/schedule/work.ts';
import { allReduceSeconds, type AllReduce } from './comm.ts';
import { pairsSeen } from './pairs.ts';
import type { StepRates } from './rates.ts';
import type { LayerShard } from './shard.ts';

export interface StepShape {
  readonly shards: readonly LayerShard[];
  readonly hidden: number;
  /** This rank's part of the vocabulary. */
  readonly vocab: number;
  readonly pipeline: number;
  /** Ranks of tensor parallelism, and what they take for an all-reduce; not used on one. */
  readonly ranks: number;
  readonly reduce: AllReduce;
  /** Seconds to hand a batch on, and per byte. */
  readonly sendSeconds: number;
  readonly sendSecondsPerByte: number;
}

/** Attention of a step begins with about four times the smallest kernel's time: two launches that wait for each other. */
const ATTENTION_KERNELS = 4;
/**
 * Reading K and V fills and drains the device: ten times the smallest kernel's time more where the reading itself is
 * long, half of that where it takes just as long (18 to 55 µs in the profiles of RTX 4090 and RTX PRO 6000, 15 to 35 µs
 * in the kernel timings of A100 and H100).
 */
const RAMP_KERNELS = 10;
/**
 * Contexts of unequal length: the longest one ends last, as if each were longer by this share of what it is behind the
 * longest (0.054 and 0.065 fitted to 12,984 and 12,814 measured batches on an RTX PRO 6000, LLMServingSim's skew_fit).
 */
const SKEW = 0.055;
/** Rows of one tile of matrix products and of prefill attention, as the profiles of short steps show them. */
const TILE_ROWS = 64;
/** So few rows have kernels of their own, without tiles. */
const SKINNY_ROWS = 16;
/** Rows of one tile of the grouped product of experts: the least that matrix units take (vLLM fused_moe's BLOCK_SIZE_M). */
const EXPERT_ROWS = 16;
/** Sampling: f32 logits once, bf16 ones once; and the kernels that run for one sequence already (25 µs measured). */
const SAMPLER_BYTES = 6;
const SAMPLER_KERNELS = 8;
const ACTIVATION_BYTES = 2;

export class StepTime {
  readonly shape: StepShape;
  readonly rates: StepRates;

  constructor(shape: StepShape, rates: StepRates) {
    this.shape = shape;
    this.rates = rates;
  }

  /** With speculation each decode verifies its draft tokens beside its own; what the draft model takes is not in it. */
  stepMs(work: StepWork): number {
    const { draftTokens, prefillCount, decodeSequences, sampledSequences } = work;
    const sequences = decodeSequences + prefillCount;
    const batches = Math.max(1, Math.min(this.shape.pipeline, sequences));
    const logits = sampledSequences + decodeSequences * draftTokens;
    const seconds = this.#passSeconds(work, batches, logits);
    return (seconds + this.rates.hostSeconds) * 1000;
  }

  /** One batch through all layers. */
  #passSeconds(work: StepWork, batches: number, logits: number): number {
    const { shards, pipeline } = this.shape;
    const prefills = work.prefillCount;
    const queries = 1 + work.draftTokens;
    let tokens = work.decodeSequences * queries;
    for (let i = 0; i < prefills; i++) tokens += work.prefillTokens[i] ?? 0;
    tokens /= batches;
    if (tokens === 0) return 0;
    let seconds = 0;
    for (const shard of shards) {
      const mixed = this.attentionSeconds(shard, work, batches, prefills, queries);
      seconds += shard.layers * (this.#linearSeconds(shard, tokens) + mixed);
    }
    seconds += this.headSeconds(logits / batches) + this.embeddingSeconds(tokens);
    if (pipeline > 1) {
      const { sendSeconds, sendSecondsPerByte, hidden } = this.shape;
      seconds += (pipeline - 1) * (sendSeconds + sendSecondsPerByte * tokens * hidden * ACTIVATION_BYTES);
    }
    return seconds;
  }

  #linearSeconds(shard: LayerShard, tokens: number): number {
    return (
      this.denseSeconds(shard, tokens) +
      this.expertSeconds(shard, tokens) +
      this.elementSeconds(shard, tokens) +
      this.reduceSeconds(shard, tokens)
    );
  }

  /** Matrices that every token of a layer multiplies with. */
  denseSeconds(shard: LayerShard, tokens: number): number {
    const { rates } = this;
    const rows = tokens <= SKINNY_ROWS ? tokens : Math.ceil(tokens / TILE_ROWS) * TILE_ROWS;
    const seconds = overlap(
      (rows * shard.denseFlops) / rates.linearFlops,
      (shard.denseBytes + tokens * shard.activationBytes) / rates.weightBytes,
    );
    // A product fills and drains the device as any kernel does: what small ones take beside their bytes.
    return seconds + shard.products * rates.kernelSeconds;
  }

  /** Experts of a layer and their router; 0 without. */
  expertSeconds(shard: LayerShard, tokens: number): number {
    if (shard.expertBytes === 0) return 0;
    const { rates } = this;
    const distinct = distinctExperts(shard, tokens);
    const experts = overlap(
      (expertRows(tokens, distinct, shard) * shard.expertFlops) / rates.expertFlops / shard.activeExperts,
      (distinct * shard.expertBytes) / rates.weightBytes,
    );
    const router = overlap(
      (tokens * shard.routerFlops) / rates.headFlops,
      shard.routerBytes / rates.weightBytes,
    );
    return experts + router;
  }

  /** Norms, rotations, activations of a layer. */
  elementSeconds(shard: LayerShard, tokens: number): number {
    const { elementBytes, kernelSeconds } = this.rates;
    return overlap((tokens * shard.elementBytes) / elementBytes, shard.kernels * kernelSeconds);
  }

  /** All-reduces of a layer; 0 on one rank. */
  reduceSeconds(shard: LayerShard, tokens: number): number {
    const { ranks, reduce, hidden } = this.shape;
    if (shard.allReduces === 0) return 0;
    return shard.allReduces * allReduceSeconds(tokens * hidden * ACTIVATION_BYTES, ranks, reduce);
  }

  /** Attention of decodes and chunks, or the states in its place. */
  attentionSeconds(
    shard: LayerShard,
    work: StepWork,
    batches: number,
    prefills: number,
    queries: number,
  ): number {
    const { rates } = this;
    if (shard.reach === 'none') return this.#stateSeconds(shard, work, batches, prefills, queries);
    const { decodeSequences } = work;
    let seconds = ATTENTION_KERNELS * rates.kernelSeconds;
    if (decodeSequences > 0) {
      const context = decodeTokensRead(shard, work);
      const rows = prefills > 0 ? Math.max(queries, shard.mixedRows) : queries;
      const read = ((context + decodeSequences * queries) * shard.kvBytes) / rates.kvBytes / batches;
      const ramp = RAMP_KERNELS * rates.kernelSeconds;
      seconds += overlap(
        (context * rows * shard.decodePairFlops) / rates.attentionFlops / batches,
        read + (ramp * read) / (ramp + read),
      );
    }
    for (let i = 0; i < prefills; i++) {
      const tokens = work.prefillTokens[i] ?? 0;
      const before = work.prefillContextTokens[i] ?? 0;
      const pairs = pairsSeen(shard.reach, shard.reachTokens, before, tokens);
      const flops = pairs * shard.prefillPairFlops + (before + tokens) * shard.widenFlops;
      const read = shard.reach === 'all' ? before : Math.min(before, shard.reachTokens);
      seconds +=
        overlap(
          flops / (rates.attentionFlops * this.#fill(shard, tokens)),
          ((read + tokens) * shard.kvBytes) / rates.kvBytes,
        ) / batches;
    }
    return seconds;
  }

  /** Share of the device that a chunk's tiles keep busy: part-filled tiles, and a last wave that is not full. */
  #fill({ prefillHeads }: LayerShard, tokens: number): number {
    const { computeUnits } = this.rates;
    const rows = Math.ceil(tokens / TILE_ROWS);
    const useful = tokens / (rows * TILE_ROWS);
    if (computeUnits === 0) return useful;
    const tiles = prefillHeads * rows;
    return (useful * tiles) / (Math.ceil(tiles / computeUnits) * computeUnits);
  }

  #stateSeconds(
    shard: LayerShard,
    work: StepWork,
    batches: number,
    prefills: number,
    queries: number,
  ): number {
    if (shard.stateBytes === 0) return 0;
    const { rates } = this;
    const sequences = work.decodeSequences + prefills;
    let tokens = work.decodeSequences * queries;
    for (let i = 0; i < prefills; i++) tokens += work.prefillTokens[i] ?? 0;
    const moved = (2 * sequences * shard.stateBytes) / rates.kvBytes / batches;
    const seconds = overlap((tokens * shard.stateFlops) / rates.attentionFlops / batches, moved);
    return seconds + ATTENTION_KERNELS * rates.kernelSeconds;
  }

  /** Ranks hold a part of the vocabulary each, so what they look up is added up. */
  embeddingSeconds(tokens: number): number {
    const { hidden, ranks, reduce } = this.shape;
    return ranks === 1 ? 0 : allReduceSeconds(tokens * hidden * ACTIVATION_BYTES, ranks, reduce);
  }

  /** Output layer and sampler, for tokens that need logits. */
  headSeconds(logits: number): number {
    if (logits === 0) return 0;
    const { hidden, vocab, ranks, reduce } = this.shape;
    const { rates } = this;
    const bytes = vocab * hidden * ACTIVATION_BYTES;
    const head = overlap((2 * logits * vocab * hidden) / rates.headFlops, bytes / rates.weightBytes);
    // Every rank's logits are gathered, which is half of an all-reduce, and one rank samples from all of them.
    const words = vocab * ranks;
    const gather = ranks === 1 ? 0 : allReduceSeconds((logits * words * ACTIVATION_BYTES) / 2, ranks, reduce);
    const sampler = (logits * words * SAMPLER_BYTES) / rates.elementBytes;
    return head + gather + sampler + (SAMPLER_KERNELS + 1) * rates.kernelSeconds;
  }
}

/** Experts that a step of `tokens` tokens reads; 0 without any. */
export function distinctExperts({ distinctExperts: table }: LayerShard, tokens: number): number {
  return table[Math.min(table.length - 1, Math.ceil(tokens))] ?? 0;
}

/** Rows that the grouped product computes: each expert's own, in whole tiles. */
function expertRows(tokens: number, distinct: number, { activeExperts }: LayerShard): number {
  const each = (tokens * activeExperts) / Math.max(1, distinct);
  return distinct * Math.ceil(each / EXPERT_ROWS) * EXPERT_ROWS;
}

function overlap(computeSeconds: number, memorySeconds: number): number {
  return Math.sqrt(computeSeconds * computeSeconds + memorySeconds * memorySeconds);
}

/**
 * Tokens whose K and V the decodes of a step read. A step knows the sum and the maximum of its contexts: where some are
 * longer than the window, their mean is cut; the sum of cut contexts is at most that.
 */
export function decodeTokensRead({ reach, reachTokens }: LayerShard, work: StepWork): number {
  const { decodeContextTokens, decodeSequences, decodeMaxContextTokens } = work;
  const behind = decodeSequences * decodeMaxContextTokens - decodeContextTokens;
  if (reach === 'all' || decodeMaxContextTokens <= reachTokens) return decodeContextTokens + SKEW * behind;
  const mean = decodeContextTokens / decodeSequences;
  // Positions spread evenly over a chunk see half of it.
  const most = reach === 'chunk' ? (reachTokens + 1) / 2 : reachTokens;
  return decodeSequences * Math.min(mean, most);
}
