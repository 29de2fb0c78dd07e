/**
 * The waterfall from a GPU's memory to its KV tokens: each step with its formula, its number and its source.
 *
 * The first step is the memory, the last the KV pool, which is the sum of all before it: below zero, it is what is
 * missing. What an engine does not count comes off the memory that it leaves free.
 */
import type { MemoryStep } from '../../core/run/plan.ts';
import type { MemoryTerm } from '../../core/scenario/plan/schema.ts';
import type { Candidate, PlanSubject } from '../types.ts';
import type { Capacity } from './capacity.ts';
import { termWords, type StepWords } from './term-words.ts';
import { weightClasses } from './weights.ts';
import { count, gigabytes } from './words.ts';

const LABELS: Record<MemoryTerm, string> = {
  weights: 'Weights',
  encoder: 'Encoder',
  draft: 'Draft model',
  activations: 'Activations',
  logits: 'Logits and sampling',
  runtime: 'Runtime',
  communication: 'Communication buffers',
  graphs: 'Captured graphs',
};

const ORDER: readonly MemoryTerm[] = [
  'weights',
  'encoder',
  'draft',
  'activations',
  'logits',
  'runtime',
  'communication',
  'graphs',
];

function total({ gpu }: Candidate, { totalBytes }: Capacity): MemoryStep {
  const known = gpu.serving.usableGiB !== null;
  return {
    id: 'total',
    label: 'Memory of one GPU',
    bytes: totalBytes,
    formula: known
      ? `${gpu.serving.usableGiB ?? 0} GiB as a program sees it, of ${gpu.memoryGB} GB as sold`
      : `${gpu.memoryGB} ${gpu.sharedMemory ? 'GB' : 'GiB × 0.985'}: what a program sees of it is not published`,
    origin: known ? 'published' : 'assumed',
    source: known ? gpu.serving.source : gpu.source,
  };
}

/** Weights by class of layer; in one step where a person gave them or a pipeline has a part of each. */
function weightSteps({ choice }: Candidate, { model, scenario }: PlanSubject, bytes: number): MemoryStep[] {
  const { tensorParallel, pipelineParallel } = choice;
  if (scenario.memory.weights !== undefined || pipelineParallel > 1) return [];
  const classes = weightClasses(model, choice);
  const sum = classes.reduce((all, part) => all + part.bytes, 0);
  if (Math.abs(sum - bytes) > 1e-6 * bytes) return [];
  const ranks = tensorParallel === 1 ? '' : ` ÷ ${tensorParallel} ranks`;
  return classes.map((part) => {
    const divided = part.id === 'kept' || part.id === 'rotary' ? 1 : tensorParallel;
    const each = ((part.bytes * divided) / part.params).toFixed(3).replace(/\.?0+$/, '');
    return {
      id: `weights-${part.id}`,
      label: part.label,
      bytes: -part.bytes,
      formula: `${count(part.params)} ${part.id === 'rotary' ? 'cosines and sines' : 'parameters'} × ${each} B${divided === 1 ? '' : ranks}`,
      origin: 'published',
      source: model.source,
    };
  });
}

function termSteps(candidate: Candidate, subject: PlanSubject, capacity: Capacity): MemoryStep[] {
  const { terms } = capacity;
  return ORDER.flatMap((term): MemoryStep[] => {
    if (terms[term] === 0) return [];
    const classes = term === 'weights' ? weightSteps(candidate, subject, terms.weights) : [];
    if (classes.length > 0) return classes;
    const own = subject.scenario.memory[term];
    const words: StepWords =
      own === undefined
        ? termWords[term](candidate, subject, capacity)
        : { formula: `${gigabytes(own)}, as given`, origin: 'assumed', source: 'given in the scenario' };
    return [{ id: term, label: LABELS[term], bytes: -terms[term], ...words }];
  });
}

const SHARES: Record<Candidate['choice']['engine'], (share: number) => string> = {
  vllm: (share) => `memory × (1 − gpu_memory_utilization ${share})`,
  sglang: (share) => `(memory − what is taken before loading) × (1 − mem_fraction_static ${share})`,
  'tensorrt-llm': (share) => `what is free after loading × (1 − free_gpu_memory_fraction ${share})`,
  'llama.cpp': (share) => `memory × (1 − ${share}): the margin that -c has to leave`,
};

/** What stays free: the engine's margin, less what runs in it. Above zero, it is overdrawn. */
function free({ choice }: Candidate, { budget }: Capacity): MemoryStep {
  const { freeBytes, outsideBytes } = budget;
  const runs = outsideBytes === 0 ? '' : `, less the ${gigabytes(outsideBytes)} that run there uncounted`;
  return {
    id: 'free',
    label: outsideBytes > freeBytes ? 'Overdrawn' : 'Left free',
    bytes: outsideBytes - freeBytes,
    formula: `${SHARES[choice.engine](choice.memoryUtilization)} = ${gigabytes(freeBytes)}${runs}`,
    origin: 'assumed',
    source: `the engine’s setting: ${choice.engine} ${choice.engineVersion}`,
  };
}

function fixed({ choice }: Candidate, { fixedBytes }: Capacity): MemoryStep[] {
  if (fixedBytes === 0) return [];
  return [
    {
      id: 'fixed',
      label: 'Windows and states',
      bytes: -fixedBytes,
      formula: `set aside beside the pool for ${count(choice.maxSequences)} sequences`,
      origin: 'assumed',
      source: `how ${choice.engine} lays out such layers (plan/memory/store.ts)`,
    },
  ];
}

function calibrated({ calibration }: PlanSubject, { calibratedBytes }: Capacity): MemoryStep[] {
  if (!calibration || calibratedBytes === 0) return [];
  return [
    {
      id: 'calibration',
      label: 'As measured',
      bytes: -calibratedBytes,
      formula: `KV tokens × ${(calibration.kvTokens ?? 1).toFixed(3)} of the calibration “${calibration.name}”`,
      origin: 'measured',
      source: calibration.source,
    },
  ];
}

function pool(candidate: Candidate, capacity: Capacity, bytes: number): MemoryStep {
  const { blocks, blockBytes, kvTokens } = capacity;
  const { kvFormat, blockSize, tensorParallel } = candidate.choice;
  const ranks = tensorParallel === 1 ? '' : ` of one of ${tensorParallel} ranks`;
  return {
    id: 'kv',
    label: bytes < 0 ? 'Missing' : 'KV cache',
    bytes,
    formula: `${count(blocks)} blocks × ${count(blockBytes)} B${ranks} (${blockSize} tokens, ${kvFormat}): ${count(kvTokens)} tokens`,
    origin: 'assumed',
    source: 'what is left, in whole blocks',
  };
}

export function waterfall(candidate: Candidate, subject: PlanSubject, capacity: Capacity): MemoryStep[] {
  const steps = [
    total(candidate, capacity),
    ...termSteps(candidate, subject, capacity),
    free(candidate, capacity),
    ...fixed(candidate, capacity),
    ...calibrated(subject, capacity),
  ];
  const left = steps.reduce((sum, { bytes }) => sum + bytes, 0);
  return [...steps, pool(candidate, capacity, left)].map((step) => ({
    ...step,
    formula: step.formula.slice(0, 400),
    source: step.source.slice(0, 400),
  }));
}
