/**
 * What takes memory on one GPU of a replica before a KV block is there: the terms of the waterfall, in bytes.
 *
 *   forward     = tokens · 2 B · (4.3 · hidden + 3 · intermediate / ranks)      one layer's peak
 *   workspace   = tokens · active experts · 2 B · (two matrices)                kept by mixtures of experts
 *   sampling    = sequences · vocabulary · B                                    logits, their sorted copy, indices
 *   activations = forward + workspace
 *   logits      = what sampling takes beyond the forward pass, whose memory it uses again
 *
 * Boundary: numbers only, cheap enough for a search. Constants of engines are in overheads.ts, words in waterfall.ts, what
 * an engine makes of the terms in rules.ts. A person's own number replaces a term.
 */
import type { Stage } from '../../core/kv/stages.ts';
import type { Architecture, LayerKind } from '../../core/model/architecture.ts';
import type { PlanChoice } from '../../core/run/plan.ts';
import { MEMORY_TERMS, type MemoryTerm, type PlanScenario } from '../../core/scenario/plan/schema.ts';
import { overheadsOf } from './overheads.ts';

export type Terms = Record<MemoryTerm, number>;

const BYTES = 2;
/** Widths of the hidden state and of the perceptron's intermediate that a layer holds at its peak. */
export const HIDDEN_COPIES = 4.3;
export const INTERMEDIATE_COPIES = 3;
/** What stays of the forward pass while tokens are sampled: so many hidden states, and a constant. */
export const KEPT_HIDDEN = 1.65;
export const KEPT_BYTES = 0.06 * 2 ** 30;

/** Widest of a model's layers by a measure. */
function widest(model: Architecture, width: (kind: LayerKind) => number): number {
  return model.kinds.reduce((most, kind) => Math.max(most, width(kind)), 0);
}

/** Peak of the forward pass of `tokens` tokens on one of `ranks` ranks. */
export function forwardBytes(model: Architecture, tokens: number, ranks: number): number {
  const intermediate = widest(model, ({ mlp }) => {
    if (mlp.kind === 'none') return 0;
    return mlp.kind === 'experts' ? mlp.sharedIntermediate : mlp.intermediate;
  });
  return tokens * BYTES * (HIDDEN_COPIES * model.hidden + (INTERMEDIATE_COPIES * intermediate) / ranks);
}

/** Buffers that a mixture's kernels keep between layers. */
export function workspaceBytes(model: Architecture, tokens: number, ranks: number): number {
  const width = widest(model, ({ mlp }) => {
    if (mlp.kind !== 'experts') return 0;
    const part = mlp.intermediate / ranks;
    return mlp.activeExperts * (Math.max(2 * part, model.hidden) + Math.max(part, model.hidden));
  });
  return tokens * BYTES * width;
}

/** Peak of sampling for `sequences`, with what stays of the forward pass. */
export function samplingBytes(
  model: Architecture,
  sequences: number,
  tokens: number,
  bytesPerWord: number,
): number {
  return sequences * model.vocab * bytesPerWord + tokens * BYTES * KEPT_HIDDEN * model.hidden + KEPT_BYTES;
}

/** The terms of the GPUs of one stage. */
export function stageTerms(
  choice: PlanChoice,
  model: Architecture,
  { weightBytes }: Stage,
  last: boolean,
  overrides: PlanScenario['memory'],
): Terms {
  const { tensorParallel, pipelineParallel, tokenBudget, maxSequences } = choice;
  const overheads = overheadsOf(choice.engine, choice.engineVersion);
  const forward = forwardBytes(model, tokenBudget, tensorParallel);
  const sequences = Math.min(maxSequences, tokenBudget);
  const sampling = last ? samplingBytes(model, sequences, tokenBudget, overheads.samplingBytes) : 0;
  const ranks = tensorParallel * pipelineParallel;
  const { two, more } = overheads.communicationBytes;
  const terms: Terms = {
    weights: weightBytes,
    activations: forward + workspaceBytes(model, tokenBudget, tensorParallel),
    logits: Math.max(0, sampling - forward),
    runtime: overheads.runtimeBytes,
    graphs: overheads.graphBytes,
    communication: tensorParallel === 1 ? 0 : ranks === 2 ? two : more,
    encoder: 0,
    draft: weightBytes * (choice.speculation?.draftCost ?? 0),
  };
  for (const term of MEMORY_TERMS) terms[term] = overrides[term] ?? terms[term];
  return terms;
}
