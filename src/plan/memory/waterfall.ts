/** The waterfall from a GPU's memory to its KV tokens: each step with its formula, its number and its source. */
import type { MemoryStep } from '../../core/run/plan.ts';
import type { MemoryTerm } from '../../core/scenario/plan/schema.ts';
import type { Candidate, PlanSubject } from '../types.ts';
import type { Capacity } from './capacity.ts';
import { overheadsOf } from './overheads.ts';
import { count, gigabytes } from './words.ts';

const LABELS: Record<MemoryTerm, string> = {
  weights: 'Weights',
  activations: 'Activations',
  logits: 'Logits and sampling',
  runtime: 'Runtime',
  graphs: 'Captured graphs',
  communication: 'Communication buffers',
  encoder: 'Encoder',
  draft: 'Draft model',
};

interface Words {
  readonly formula: string;
  readonly origin: MemoryStep['origin'];
  readonly source: string;
}

function termWords(term: MemoryTerm, { choice }: Candidate, { model }: PlanSubject): Words {
  const { weights, tensorParallel, pipelineParallel, tokenBudget, maxSequences } = choice;
  const { source, samplingBytes } = overheadsOf(choice.engine, choice.engineVersion);
  const ranks = tensorParallel * pipelineParallel;
  switch (term) {
    case 'weights':
      return { formula: `${weights} parameters ÷ ${ranks} GPUs`, origin: 'published', source: model.source };
    case 'activations':
      return {
        formula: `${count(tokenBudget)} tokens × 2 B × (4.3 × ${model.hidden} + 3 × intermediate ÷ ${tensorParallel})`,
        origin: 'assumed',
        source,
      };
    case 'logits':
      return {
        formula: `${count(maxSequences)} sequences × ${count(model.vocab)} words × ${samplingBytes} B, less what the forward pass held`,
        origin: 'assumed',
        source,
      };
    case 'runtime':
    case 'graphs':
    case 'communication':
      return {
        formula: `${choice.engine} ${choice.engineVersion} on ${tensorParallel} ranks`,
        origin: 'published',
        source,
      };
    case 'encoder':
      return { formula: 'encoder weights', origin: 'published', source: model.source };
    case 'draft':
      return {
        formula: `${choice.speculation?.draftCost ?? 0} of the weights`,
        origin: 'assumed',
        source:
          'a draft that takes a share of the time reads that share of the bytes, both being bound by memory',
      };
    default:
      return term satisfies never;
  }
}

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

/** Steps from all memory to KV: those that the engine takes from its own share, then what is left of it. */
export function waterfall(candidate: Candidate, subject: PlanSubject, capacity: Capacity): MemoryStep[] {
  const { choice, gpu } = candidate;
  const { totalBytes, terms, budget, blockBytes, blocks, kvTokens } = capacity;
  const steps: MemoryStep[] = [
    {
      id: 'total',
      label: 'Memory of one GPU',
      bytes: totalBytes,
      formula: `${gpu.memoryGB} GB as sold, ${gigabytes(totalBytes)} as a program sees it`,
      origin: 'published',
      source: gpu.source.slice(0, 400),
    },
  ];
  for (const term of ORDER) {
    if (terms[term] === 0) continue;
    const own = subject.scenario.memory[term];
    const words: Words =
      own === undefined
        ? termWords(term, candidate, subject)
        : { formula: `${gigabytes(own)} as given`, origin: 'assumed', source: 'given in the scenario' };
    steps.push({ id: term, label: LABELS[term], bytes: -terms[term], ...words });
  }
  const left = steps.reduce((sum, { bytes }) => sum + bytes, 0);
  steps.push({
    id: 'free',
    label: 'Left free',
    bytes: Math.min(0, budget.kvBytes - left),
    formula: `${choice.engine}’s share of the memory: ${choice.memoryUtilization}`,
    origin: 'assumed',
    source: 'the engine’s setting',
  });
  steps.push({
    id: 'kv',
    label: 'KV cache',
    bytes: budget.kvBytes,
    formula: `${count(blocks)} blocks of ${count(blockBytes)} B: ${count(kvTokens)} tokens`,
    origin: 'assumed',
    source: 'what is left',
  });
  return steps.map((step) => ({
    ...step,
    formula: step.formula.slice(0, 400),
    source: step.source.slice(0, 400),
  }));
}
