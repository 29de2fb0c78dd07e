/**
 * Smallest changes that make a candidate fit, one setting at a time; where no single one does, the smallest pair, the
 * nearest larger group and the nearest larger GPU. Where it fits, what would double its KV.
 *
 * Boundary: looks only at memory, and only at formats that the GPU and the engine have. Whether a change is worth its
 * speed or quality is the search's to say.
 */
import { ALL_GPUS } from '../../core/hardware/catalogue.ts';
import { usableMemoryBytes, type GpuRecord } from '../../core/hardware/records.ts';
import { tensorRanks } from '../../core/kv/stages.ts';
import type { PlanChoice } from '../../core/run/plan.ts';
import { mostRanks } from '../ranks.ts';
import { noKv, noWeights } from '../support.ts';
import type { Candidate, PlanSubject } from '../types.ts';
import { kvTokensOf } from './capacity.ts';
import { memoryFits } from './fit.ts';
import { count } from './words.ts';

/** Share of the memory that engines are given at the most: the rest is the driver's and other programs'. */
const MOST_UTILIZATION = 0.95;
const MOST_STAGES = 8;

interface Change {
  readonly words: string;
  readonly change: Partial<PlanChoice>;
}

type Holds = (change: Partial<PlanChoice>, gpu?: GpuRecord) => boolean;

/** Changes of one setting, from the smallest on. */
type Ladder = (candidate: Candidate, subject: PlanSubject) => Change[];

/** llama.cpp has no such setting. */
const utilization: Ladder = ({ choice }) => {
  if (choice.engine === 'llama.cpp') return [];
  const from = Math.floor(choice.memoryUtilization * 100 + 1e-9) + 1;
  const steps = Math.max(0, Math.floor(MOST_UTILIZATION * 100) - from + 1);
  return Array.from({ length: steps }, (_, i) => {
    const memoryUtilization = (from + i) / 100;
    return { words: `memory utilization ${memoryUtilization}`, change: { memoryUtilization } };
  });
};

/** Where what runs outside of the share does not fit, a smaller one leaves more for it (SGLang, TensorRT-LLM). */
const lowerUtilization: Ladder = ({ choice }) => {
  if (choice.engine === 'llama.cpp') return [];
  const from = Math.ceil(choice.memoryUtilization * 100 - 1e-9) - 1;
  return Array.from({ length: Math.max(0, from - 4) }, (_, i) => {
    const memoryUtilization = (from - i) / 100;
    return { words: `memory utilization ${memoryUtilization}`, change: { memoryUtilization } };
  });
};

const kvFormats: Ladder = ({ choice, gpu }) =>
  (['fp8', 'int8', 'int4'] as const)
    .filter((format) => format !== choice.kvFormat && noKv(gpu, choice.engine, format) === null)
    .map((kvFormat) => ({ words: `${kvFormat} KV`, change: { kvFormat } }));

const weightFormats: Ladder = ({ choice, gpu }) =>
  (['fp8', 'int8', 'int4'] as const)
    .filter((format) => format !== choice.weights && noWeights(gpu, choice.engine, format) === null)
    .map((weights) => ({ words: `${weights} weights`, change: { weights } }));

const ranks: Ladder = ({ choice, gpu }, { model }) =>
  tensorRanks(model)
    .filter((n) => n > choice.tensorParallel && n <= mostRanks(gpu) && (n & (n - 1)) === 0)
    .map((tensorParallel) => ({ words: `tensor parallel ${tensorParallel}`, change: { tensorParallel } }));

const sequences: Ladder = ({ choice }) =>
  [512, 256, 128, 64, 32, 16, 8]
    .filter((n) => n < choice.maxSequences)
    .map((maxSequences) => ({ words: `at most ${maxSequences} sequences a step`, change: { maxSequences } }));

const budgets: Ladder = ({ choice }) =>
  [8192, 4096, 2048, 1024, 512]
    .filter((n) => n < choice.tokenBudget)
    .map((tokenBudget) => ({ words: `${count(tokenBudget)} tokens a step`, change: { tokenBudget } }));

const lengths: Ladder = ({ choice }) =>
  Array.from({ length: 16 }, (_, i) => 2 ** (23 - i))
    .filter((n) => n < choice.maxModelTokens)
    .map((maxModelTokens) => ({
      words: `started for ${count(maxModelTokens)} tokens a sequence`,
      change: { maxModelTokens },
    }));

const LADDERS: readonly Ladder[] = [
  utilization,
  lowerUtilization,
  kvFormats,
  weightFormats,
  sequences,
  budgets,
  lengths,
  ranks,
];
/** Of these a pair is tried: formats cost no GPU. */
const PAIRED: readonly Ladder[] = [kvFormats, weightFormats, sequences];

/** The least change of each setting that holds. */
function least(
  candidate: Candidate,
  subject: PlanSubject,
  ladders: readonly Ladder[],
  holds: Holds,
): string[] {
  return ladders.flatMap((ladder) => {
    const first = ladder(candidate, subject).find(({ change }) => holds(change));
    return first ? [first.words] : [];
  });
}

/** The first pair of changes of different settings that holds. */
function pair(candidate: Candidate, subject: PlanSubject, holds: Holds): string[] {
  for (const [i, first] of PAIRED.entries()) {
    for (const one of first(candidate, subject)) {
      for (const second of PAIRED.slice(i + 1)) {
        const other = second(candidate, subject).find(({ change }) => holds({ ...one.change, ...change }));
        if (other) return [`${one.words} and ${other.words}`];
      }
    }
  }
  return [];
}

/** As many ranks as a server has and the fewest stages that hold. */
function stages({ choice, gpu }: Candidate, { model }: PlanSubject, holds: Holds): string[] {
  if (mostRanks(gpu) === 1) return [];
  const widest = tensorRanks(model).filter((n) => n <= mostRanks(gpu));
  const tensorParallel = widest.at(-1) ?? choice.tensorParallel;
  for (let pipelineParallel = 2; pipelineParallel <= MOST_STAGES; pipelineParallel++) {
    if (holds({ tensorParallel, pipelineParallel }))
      return [`tensor parallel ${tensorParallel} and pipeline parallel ${pipelineParallel}`];
  }
  return [];
}

/** The smallest GPU of the same maker's data-centre parts that holds it alone. */
function largerGpu({ gpu }: Candidate, holds: Holds): string[] {
  const larger = ALL_GPUS.filter((other) => other.kind === 'datacenter' && other.vendor === gpu.vendor)
    .sort((a, b) => usableMemoryBytes(a) - usableMemoryBytes(b))
    .find((other) => usableMemoryBytes(other) > usableMemoryBytes(gpu) && holds({}, other));
  return larger ? [`${larger.name}, whose memory holds it`] : [];
}

function changed(candidate: Candidate, change: Partial<PlanChoice>, gpu = candidate.gpu): Candidate {
  return { choice: { ...candidate.choice, ...change }, gpu };
}

/** What doubles the tokens without shortening them. */
function doublings(candidate: Candidate, subject: PlanSubject): string[] {
  const wanted = 2 * kvTokensOf(candidate, subject);
  const holds: Holds = (change) => kvTokensOf(changed(candidate, change), subject) >= wanted;
  const ladders = LADDERS.filter((ladder) => ladder !== lengths);
  return least(candidate, subject, ladders, holds).map((words) => `${words}: twice the KV tokens`);
}

export function remediesOf(candidate: Candidate, subject: PlanSubject, fits: boolean): string[] {
  if (fits) return doublings(candidate, subject);
  const holds: Holds = (change, gpu) => memoryFits(changed(candidate, change, gpu), subject);
  const single = least(candidate, subject, LADDERS, holds);
  if (single.length > 0) return [...single, ...largerGpu(candidate, holds)];
  return [
    ...pair(candidate, subject, holds),
    ...stages(candidate, subject, holds),
    ...largerGpu(candidate, holds),
  ];
}
