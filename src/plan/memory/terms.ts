/**
 * What takes memory on one GPU of a replica before a KV block is there: the terms of the waterfall, in bytes.
 *
 * Engines on PyTorch (checked on 58 logged starts of vLLM 0.19, tests/plan/memory/logs.test.ts):
 *   forward   = 2 B · tokens · (4.3 · hidden + 3 · intermediate / ranks), + 2 · hidden where stages hand over
 *   workspace = 2 B · tokens · active experts · (max(2 i, hidden) + max(i, hidden)), i = intermediate / ranks; not for mxfp4
 *   sampling  = words · sequences · B + hidden states of the step that stay + a constant        (last stage only)
 *   graphs    = constant + a capture's bytes · captures · layers / 32
 * llama.cpp: one compute buffer of 4 B · 512 tokens · (hidden + vocabulary).
 *
 * `activations` is forward + workspace; `logits` what sampling takes beyond the forward pass, whose memory it uses again.
 *
 * Boundary: numbers only, cheap enough for a search. Constants of engines are in overheads.ts, words in waterfall.ts, what
 * an engine makes of the terms in rules.ts. A person's own number replaces a term.
 */
import type { GpuRecord } from '../../core/hardware/records.ts';
import type { Stage } from '../../core/kv/stages.ts';
import { layerCount, type Architecture, type LayerKind } from '../../core/model/architecture.ts';
import type { PlanChoice } from '../../core/run/plan.ts';
import { MEMORY_TERMS, type MemoryTerm, type PlanScenario } from '../../core/scenario/plan/schema.ts';
import type { EngineOverheads } from './overheads.ts';

export type Terms = Record<MemoryTerm, number>;

const GIB = 2 ** 30;
const BYTES = 2;
/** Widths of the hidden state, and of a perceptron's intermediate, that a layer holds at its peak. */
export const HIDDEN_COPIES = 4.3;
export const INTERMEDIATE_COPIES = 3;
/** Hidden state and residual that a stage receives or hands over. */
export const STAGE_COPIES = 2;
/** Tokens of one physical batch of llama.cpp (-ub), and bytes of its activations. */
export const UBATCH = 512;
export const UBATCH_BYTES = 4;
/**
 * What captured graphs take: a constant, and so much for each capture of 32 layers. Data-centre parts from Hopper on: six
 * starts on H100 estimated 0.82 to 1.02 GiB for 24 to 48 layers and 102 captures. Others: 0.53 GiB for 28 layers and 86 on
 * an RTX 4090, 0.35 GiB for 9 on an RTX 3090.
 */
export const GRAPHS = {
  large: { base: 0.3 * GIB, capture: 0.0042 * GIB },
  small: { base: 0.2 * GIB, capture: 0.0032 * GIB },
} as const;
const CAPTURE_LAYERS = 32;

/** What of a model the terms depend on: the widest perceptron that every token goes through, experts, layers. */
interface Widths {
  readonly intermediate: number;
  readonly experts: readonly { readonly intermediate: number; readonly active: number }[];
  readonly layers: number;
}

const WIDTHS = new WeakMap<Architecture, Widths>();

function denseWidth({ mlp }: LayerKind): number {
  if (mlp.kind === 'none') return 0;
  return mlp.kind === 'experts' ? mlp.sharedIntermediate : mlp.intermediate;
}

/** Kept beside each model object: a search asks for them at every candidate. */
function widthsOf(model: Architecture): Widths {
  let widths = WIDTHS.get(model);
  if (!widths) {
    widths = {
      intermediate: Math.max(0, ...model.kinds.map(denseWidth)),
      experts: model.kinds.flatMap(({ mlp }) =>
        mlp.kind === 'experts' ? [{ intermediate: mlp.intermediate, active: mlp.activeExperts }] : [],
      ),
      layers: layerCount(model),
    };
    WIDTHS.set(model, widths);
  }
  return widths;
}

/** Width of the widest perceptron that every token goes through. */
export function denseIntermediate(model: Architecture): number {
  return widthsOf(model).intermediate;
}

/** Peak of the forward pass of a step's tokens on one rank. */
export function forwardBytes(model: Architecture, choice: PlanChoice): number {
  const { tokenBudget, tensorParallel, pipelineParallel } = choice;
  const copies = HIDDEN_COPIES + (pipelineParallel > 1 ? STAGE_COPIES : 0);
  const intermediate = (INTERMEDIATE_COPIES * denseIntermediate(model)) / tensorParallel;
  return tokenBudget * BYTES * (copies * model.hidden + intermediate);
}

/** Elements of a token in the buffers that a mixture's kernels keep between layers; 0 without experts. */
export function workspaceWidth(model: Architecture, { tensorParallel, weights }: PlanChoice): number {
  if (weights === 'mxfp4') return 0;
  let widest = 0;
  for (const { intermediate, active } of widthsOf(model).experts) {
    const part = intermediate / tensorParallel;
    const width = Math.max(2 * part, model.hidden) + Math.max(part, model.hidden);
    widest = Math.max(widest, active * width);
  }
  return widest;
}

export function workspaceBytes(model: Architecture, choice: PlanChoice): number {
  return choice.tokenBudget * BYTES * workspaceWidth(model, choice);
}

/** Sequences that the profiling run samples for. */
export function profiledSequences({ maxSequences, tokenBudget }: PlanChoice): number {
  return Math.min(maxSequences, tokenBudget);
}

/** Peak of sampling, with what stays of the forward pass. */
export function samplingBytes(model: Architecture, choice: PlanChoice, overheads: EngineOverheads): number {
  const { samplingBytesPerWord, samplingHidden, samplingGiB } = overheads;
  const words = profiledSequences(choice) * model.vocab * samplingBytesPerWord;
  return words + choice.tokenBudget * BYTES * samplingHidden * model.hidden + samplingGiB * GIB;
}

/** Graphs that vLLM captures: sizes up to twice the sequences and 512 in parts, up to the sequences whole. */
export function captures(maxSequences: number): number {
  return captureSizes(Math.min(512, 2 * maxSequences)) + captureSizes(Math.min(512, maxSequences));
}

/** 1, 2, 4, then eights up to 256, then sixteens. (vLLM config/vllm.py) */
function captureSizes(most: number): number {
  const small = most >= 4 ? 3 : most >= 2 ? 2 : 1;
  const eights = Math.floor(Math.min(most, 256) / 8);
  return small + eights + Math.max(0, Math.floor((most - 256) / 16));
}

/** Whether ranks talk over a switch with reductions in it: NVSwitch of Hopper and later, whose links are 450 GB/s. */
export function isSwitched({ vendor, serving }: GpuRecord): boolean {
  return vendor === 'nvidia' && serving.linkGBps !== null && serving.linkGBps >= 450;
}

function communicationBytes(choice: PlanChoice, gpu: GpuRecord, overheads: EngineOverheads): number {
  if (choice.tensorParallel === 1) return 0;
  return (isSwitched(gpu) ? overheads.switchedGiB : overheads.linkedGiB) * GIB;
}

function peakTerms(
  model: Architecture,
  choice: PlanChoice,
  overheads: EngineOverheads,
  last: boolean,
): Pick<Terms, 'activations' | 'logits'> {
  if (choice.engine === 'llama.cpp') {
    const each = UBATCH_BYTES * Math.min(UBATCH, choice.tokenBudget);
    return { activations: each * model.hidden, logits: last ? each * model.vocab : 0 };
  }
  const forward = forwardBytes(model, choice);
  const sampling = last ? samplingBytes(model, choice, overheads) : 0;
  return {
    activations: forward + workspaceBytes(model, choice),
    logits: Math.max(0, sampling - forward),
  };
}

/** Which of GRAPHS a GPU's captures take. */
export function graphSize(gpu: GpuRecord): keyof typeof GRAPHS {
  return isSwitched(gpu) || gpu.serving.attention === 'fa3' ? 'large' : 'small';
}

function graphBytes({ model, choice, gpu, overheads, stage }: StageInput): number {
  if (!overheads.graphs) return 0;
  const { base, capture } = GRAPHS[graphSize(gpu)];
  const layers = widthsOf(model).layers * stage.share;
  return base + (capture * captures(choice.maxSequences) * layers) / CAPTURE_LAYERS;
}

/** An encoder's weights in bf16, divided among ranks, and the outputs of a step's tokens that wait to be used. */
export function encoderBytes({ encoder, hidden }: Architecture, choice: PlanChoice): number {
  if (!encoder) return 0;
  const waiting = choice.engine === 'llama.cpp' ? 0 : choice.tokenBudget * hidden;
  return BYTES * (encoder.parameters / choice.tensorParallel + waiting);
}

export interface StageInput {
  readonly choice: PlanChoice;
  readonly gpu: GpuRecord;
  readonly model: Architecture;
  readonly overheads: EngineOverheads;
  readonly stage: Stage;
  /** The stages with the embedding and with the output layer. */
  readonly first: boolean;
  readonly last: boolean;
  readonly overrides: PlanScenario['memory'];
}

/** The terms of a GPU of one stage. */
export function stageTerms(input: StageInput): Terms {
  const { choice, gpu, model, overheads, stage, first, last, overrides } = input;
  const terms: Terms = {
    weights: stage.weightBytes,
    ...peakTerms(model, choice, overheads, last),
    runtime: overheads.runtimeGiB * GIB,
    graphs: graphBytes(input),
    communication: communicationBytes(choice, gpu, overheads),
    encoder: first ? encoderBytes(model, choice) : 0,
    draft: stage.weightBytes * (choice.speculation?.draftCost ?? 0),
  };
  for (const term of MEMORY_TERMS) terms[term] = overrides[term] ?? terms[term];
  return terms;
}
