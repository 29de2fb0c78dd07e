/** Formula and source of each term of the waterfall, with the numbers in them. What is computed is in terms.ts. */
import type { Architecture } from '../../core/model/architecture.ts';
import { layerCount } from '../../core/model/architecture.ts';
import type { MemoryStep, PlanChoice } from '../../core/run/plan.ts';
import type { MemoryTerm } from '../../core/scenario/plan/schema.ts';
import type { Candidate, PlanSubject } from '../types.ts';
import type { Capacity } from './capacity.ts';
import { overheadsOf, type EngineOverheads } from './overheads.ts';
import {
  captures,
  denseIntermediate,
  forwardBytes,
  GRAPHS,
  graphSize,
  HIDDEN_COPIES,
  INTERMEDIATE_COPIES,
  isSwitched,
  profiledSequences,
  STAGE_COPIES,
  UBATCH,
  UBATCH_BYTES,
  workspaceWidth,
} from './terms.ts';
import { count, gigabytes } from './words.ts';

export type StepWords = Pick<MemoryStep, 'formula' | 'origin' | 'source'>;
type Words = (candidate: Candidate, subject: PlanSubject, capacity: Capacity) => StepWords;

function overheads({ choice }: Candidate): EngineOverheads {
  return overheadsOf(choice.engine, choice.engineVersion);
}

function over(ranks: number): string {
  return ranks === 1 ? '' : ` ÷ ${ranks} ranks`;
}

function computeBuffer({ tokenBudget }: PlanChoice, width: string): string {
  return `${UBATCH_BYTES} B × ${Math.min(UBATCH, tokenBudget)} tokens of a physical batch × ${width}`;
}

const LLAMA_CPP: Pick<StepWords, 'origin' | 'source'> = {
  origin: 'published',
  source:
    'compute buffer of llama.cpp’s logs: 258.50 MiB for Llama-3-8B at -ub 512, 105.00 MiB for TriLM-4B (mozilla-ai/llamafile#552)',
};

function forwardFormula(model: Architecture, choice: PlanChoice): string {
  const { tokenBudget, tensorParallel, pipelineParallel } = choice;
  const copies = HIDDEN_COPIES + (pipelineParallel > 1 ? STAGE_COPIES : 0);
  const intermediate = denseIntermediate(model);
  const dense =
    intermediate === 0 ? '' : ` + ${INTERMEDIATE_COPIES} × ${count(intermediate)}${over(tensorParallel)}`;
  const width = workspaceWidth(model, choice);
  const experts = width === 0 ? '' : ` + ${count(width)} of the experts’ buffers`;
  return `2 B × ${count(tokenBudget)} tokens × (${copies} × ${count(model.hidden)}${dense}${experts})`;
}

const activations: Words = (candidate, { model }) => {
  const { choice } = candidate;
  if (choice.engine === 'llama.cpp')
    return { formula: computeBuffer(choice, `${count(model.hidden)} channels`), ...LLAMA_CPP };
  const { origin, source } = overheads(candidate);
  return { formula: forwardFormula(model, choice), origin, source };
};

const logits: Words = (candidate, { model }) => {
  const { choice } = candidate;
  if (choice.engine === 'llama.cpp')
    return { formula: computeBuffer(choice, `${count(model.vocab)} words`), ...LLAMA_CPP };
  const { samplingBytesPerWord, samplingHidden, samplingGiB, origin, source } = overheads(candidate);
  const sampled = `${count(profiledSequences(choice))} sequences × ${count(model.vocab)} words × ${samplingBytesPerWord} B`;
  const kept = `${samplingHidden} hidden states of ${count(choice.tokenBudget)} tokens + ${samplingGiB} GiB`;
  const reused = gigabytes(forwardBytes(model, choice));
  return {
    formula: `${sampled} + ${kept}, less the ${reused} of the forward pass, used again`,
    origin,
    source,
  };
};

const graphs: Words = (candidate, { model }) => {
  const { graphsCounted, origin, source } = overheads(candidate);
  const { base, capture } = GRAPHS[graphSize(candidate.gpu)];
  const { maxSequences, pipelineParallel } = candidate.choice;
  const layers = Math.round(layerCount(model) / pipelineParallel);
  const where = graphsCounted ? '' : '; not of the engine’s share: it runs in what is left free';
  return {
    formula: `${base / 2 ** 30} GiB + ${captures(maxSequences)} captures × ${capture / 2 ** 30} GiB × ${layers} ÷ 32 layers${where}`,
    origin,
    source,
  };
};

const communication: Words = (candidate) => {
  const { switchedGiB, linkedGiB, origin, source } = overheads(candidate);
  const switched = isSwitched(candidate.gpu);
  return {
    formula: `${switched ? switchedGiB : linkedGiB} GiB for ${candidate.choice.tensorParallel} ranks ${switched ? 'on a switch that reduces (NVLS)' : 'over links'}`,
    origin,
    source,
  };
};

export const termWords: Record<MemoryTerm, Words> = {
  weights: ({ choice }, { model }) => ({
    formula: `${choice.weights} parameters of the largest stage of ${choice.pipelineParallel}${over(choice.tensorParallel)}`,
    origin: 'published',
    source: model.source,
  }),
  activations,
  logits,
  runtime: (candidate) => {
    const { runtimeGiB, origin, source } = overheads(candidate);
    return { formula: `${runtimeGiB} GiB outside of the engine’s allocator`, origin, source };
  },
  graphs,
  communication,
  encoder: ({ choice }, { model }) => ({
    formula: `2 B × (${count(model.encoder?.parameters ?? 0)} parameters${over(choice.tensorParallel)} + ${count(choice.tokenBudget)} tokens × ${count(model.hidden)} channels of outputs that wait)`,
    origin: 'published',
    source: model.source,
  }),
  draft: ({ choice }) => ({
    formula: `${choice.speculation?.draftCost ?? 0} of the weights`,
    origin: 'assumed',
    source:
      'a draft that takes a share of the time reads that share of the bytes, both being bound by memory',
  }),
};
