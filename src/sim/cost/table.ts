/**
 * The measured cost model: a step is the sum of its layers' measured times.
 *
 *   step = Σ layers run · time(kernel tokens)                 dense layers, experts, all-reduces
 *        + layers · attention(chunks, decodes)
 *        + Σ head(sequences)
 *
 * Attention is measured for one chunk beside decodes of one context. What a real step has is brought to that shape so
 * that the pairs of query and key stay the same:
 *   - several chunks are one of their total length; its context is such that the pairs are theirs. Fresh prompts beside
 *     each other have fewer pairs than one long prompt, so the context can be below 0: the line over contexts goes on
 *   - decodes of unequal contexts read what as many of the mean context read; the long ones end later:
 *     t(mean) + α·(t(long) − t(mean)), α measured with the profile. It was measured on batches of two contexts, the long
 *     one in a share r of the sequences or more, so `long` is the long context of such a batch with the same mean and
 *     variance, mean + deviation·√((1 − r)/r), where the longest one is longer: one request of 4,000 tokens among 128
 *     of 1,000 is not 8 of them
 *
 * The head runs for each scheduled sequence, also for a chunk that does not complete its prompt: vLLM computes logits for
 * the last token of every request in the batch and drops those that nobody asked for.
 *
 * Host: nothing is added. vLLM 0.19 schedules and launches a step while the GPU computes the one before it, so the host
 * is only seen where a step is shorter than its work: HOST below is a floor, not a term.
 */
import { expectedDistinctExperts } from '../../core/model/parameters.ts';
import type { Architecture } from '../../core/model/architecture.ts';
import { linearTokens, type StepWork } from '../../core/schedule/work.ts';
import { allReduceSeconds, tpAllReducesPerStep, type AllReduce } from './comm.ts';
import { emptyBasis, type CostBasis, type CostModel } from './model.ts';
import type { Reach } from './table-axis.ts';
import { layerTimes, type LayerTimes } from './table-layers.ts';
import type { LayerProfile } from './table-profile.ts';
import { kernelTokens, paddedSizes } from './table-shapes.ts';

export interface TableCostOptions {
  readonly model: Architecture;
  /** Token counts with a CUDA graph, of `defaultGraphSizes` or as the engine says; empty: eager. */
  readonly graphSizes: readonly number[];
  /** Between the ranks of tensor parallelism; not used on one. */
  readonly allReduce: AllReduce;
  /** Each rank holds some of the experts whole, instead of a slice of all. Left out: slices. */
  readonly expertParallel?: boolean;
}

/** Host's work of a step, fitted by inference-sim/inference-sim (BLIS) to vLLM on H100: µs a step, a request, a layer. */
const HOST = { stepUs: 126, sequenceUs: 4, layerUs: 32 } as const;

/** Activations are exchanged in 16 bits. */
const ACTIVATION_BYTES = 2;

export class TableCost implements CostModel {
  readonly name: string;
  readonly about: string;
  readonly basis: CostBasis = emptyBasis();
  #profile: LayerProfile;
  #options: TableCostOptions;
  #times: LayerTimes;
  #padded: Int32Array;
  /** Everything that depends on the number of kernel tokens alone, in µs; grows as counts come up. NaN: not asked yet. */
  #tokenUs = new Float64Array(0);
  #tokenReach = new Uint8Array(0);
  #query = new Float64Array(4);
  #reach: Reach = { exact: true, outside: false };
  #unseen: Reach = { exact: true, outside: false };

  /** @throws ProfileError when the profile is of another kind of model */
  constructor(profile: LayerProfile, options: TableCostOptions) {
    this.#profile = profile;
    this.#options = options;
    this.#times = layerTimes(options.model, profile);
    this.#padded = paddedSizes(options.graphSizes);
    const group = profile.tensorParallel > 1 ? ` × ${profile.tensorParallel}` : '';
    this.name = `measured table, ${profile.gpu}${group}, ${options.model.name}`;
    this.about =
      `${profile.numPoints} measured layer times of ${profile.model} on ${profile.gpu}` +
      `${profile.vllmVersion ? ` in vLLM ${profile.vllmVersion}` : ''}, straight lines between them; ` +
      `skew α ${profile.skewAlpha}.`;
  }

  stepMs(work: StepWork): number {
    this.#reach.exact = true;
    this.#reach.outside = false;
    const sequences = work.decodeSequences + work.prefillCount;
    const microseconds =
      this.#perTokens(kernelTokens(linearTokens(work), this.#padded)) +
      this.#times.attention * this.#attention(work) +
      this.#heads(sequences * (1 + work.draftTokens));
    if (this.#reach.outside || work.draftTokens > 0) this.basis.extrapolated++;
    else if (this.#reach.exact) this.basis.measured++;
    else this.basis.interpolated++;
    const hostUs = HOST.stepUs + HOST.sequenceUs * sequences + HOST.layerUs * this.#times.attention;
    return Math.max(microseconds, hostUs) / 1000;
  }

  #perTokens(tokens: number): number {
    if (tokens >= this.#tokenUs.length) this.#growTo(tokens);
    let us = this.#tokenUs[tokens] ?? NaN;
    if (us !== us) us = this.#fill(tokens);
    const reach = this.#tokenReach[tokens] ?? 0;
    if (reach > 0) this.#reach.exact = false;
    if (reach > 1) this.#reach.outside = true;
    return us;
  }

  #growTo(tokens: number): void {
    const longer = new Float64Array(2 * tokens + 1).fill(NaN);
    longer.set(this.#tokenUs);
    this.#tokenUs = longer;
    const reach = new Uint8Array(longer.length);
    reach.set(this.#tokenReach);
    this.#tokenReach = reach;
  }

  #fill(tokens: number): number {
    const { dense, moe, tensorParallel } = this.#profile;
    const reach: Reach = { exact: true, outside: false };
    const query = new Float64Array([tokens, 0]);
    let us = 0;
    for (const [layer, times] of this.#times.dense) {
      if (times > 0) us += times * (dense.get(layer)?.read(query, 0, reach) ?? 0);
    }
    if (moe && this.#times.experts > 0) {
      // A rank with whole experts has its share of the tokens' choices; one with slices has all, of 1/n the size.
      const whole = tensorParallel === 1 || this.#options.expertParallel === true;
      query[0] = whole ? tokens / tensorParallel : tokens;
      query[1] = this.#distinctExperts(tokens) / (whole ? tensorParallel : 1);
      us += (this.#times.experts * moe.read(query, 0, reach)) / (whole ? 1 : tensorParallel);
      if (!whole) reach.outside = true;
    }
    if (tensorParallel > 1) {
      const bytes = tokens * this.#options.model.hidden * ACTIVATION_BYTES;
      // One more than two a layer: the embedding is split over the ranks too.
      const reductions = tpAllReducesPerStep(this.#times.attention, tensorParallel) + 1;
      us += reductions * allReduceSeconds(bytes, tensorParallel, this.#options.allReduce) * 1e6;
    }
    this.#tokenUs[tokens] = us;
    this.#tokenReach[tokens] = reach.outside ? 2 : reach.exact ? 0 : 1;
    return us;
  }

  #distinctExperts(tokens: number): number {
    for (const { mlp } of this.#options.model.kinds) {
      if (mlp.kind === 'experts')
        return Math.max(1, expectedDistinctExperts(mlp.experts, mlp.activeExperts, tokens));
    }
    return 1;
  }

  #heads(rows: number): number {
    let us = 0;
    this.#query[0] = rows;
    for (const [layer, times] of this.#times.perSequence) {
      us += times * (this.#profile.perSequence.get(layer)?.read(this.#query, 0, this.#reach) ?? 0);
    }
    return us;
  }

  /** Microseconds of one layer. */
  #attention(work: StepWork): number {
    const decodes = work.decodeSequences;
    let chunk = 0;
    let pairs = 0;
    for (let i = 0; i < work.prefillCount; i++) {
      const tokens = work.prefillTokens[i] ?? 0;
      chunk += tokens;
      pairs += tokens * (work.prefillContextTokens[i] ?? 0) + (tokens * (tokens + 1)) / 2;
    }
    const context = chunk > 0 ? (pairs - (chunk * (chunk + 1)) / 2) / chunk : 0;
    const mean = decodes > 0 ? work.decodeContextTokens / decodes : 0;
    const even = this.#read(chunk, Math.max(0, context), decodes, mean, this.#reach);
    return (
      even + this.#skew(work, chunk, Math.max(0, context), mean, even) + this.#fewerPairs(chunk, context)
    );
  }

  /** What unequal contexts add. */
  #skew(work: StepWork, chunk: number, context: number, mean: number, even: number): number {
    const alpha = this.#profile.skewAlpha;
    const long = alpha === 0 ? 0 : longContext(work, mean, this.#profile.skewShare);
    if (work.decodeSequences < 2 || long <= mean) return 0;
    // It may lie outside of the table, but weighs too little to call the step extrapolated.
    const uneven = this.#read(chunk, context, work.decodeSequences, long, this.#unseen);
    return alpha * Math.max(0, uneven - even);
  }

  /** What several fresh prompts save against one of their total length: 0 or less. */
  #fewerPairs(chunk: number, context: number): number {
    if (context >= 0) return 0;
    const alone = this.#read(chunk, 0, 0, 0, this.#unseen);
    const behind = this.#read(chunk, chunk, 0, 0, this.#unseen);
    return Math.max(-alone, (context / chunk) * (behind - alone));
  }

  #read(chunk: number, context: number, decodes: number, decodeContext: number, reach: Reach): number {
    const query = this.#query;
    query[0] = chunk;
    query[1] = context;
    query[2] = decodes;
    query[3] = decodeContext;
    return this.#profile.attention.read(query, 0, reach);
  }
}

/** The long context of a batch of two contexts, at most the longest that there is. @param share of the long one; 0: any */
function longContext(work: StepWork, mean: number, share: number): number {
  const longest = work.decodeMaxContextTokens;
  if (share === 0) return longest;
  const variance = Math.max(0, work.decodeSquaredContextTokens / work.decodeSequences - mean * mean);
  return Math.min(longest, mean + Math.sqrt((variance * (1 - share)) / share));
}
