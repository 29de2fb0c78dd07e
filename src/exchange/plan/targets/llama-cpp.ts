/**
 * llama.cpp: `llama-server`.
 *
 * Weights are a GGUF file in the format of the plan. The context is that of all slots together. A quantized V cache needs
 * flash attention. Drafts are left out: the names of their flags changed between versions.
 */
import * as v from 'valibot';
import type { PlanChoice } from '../../../core/run/plan.ts';
import { accepted, FlagTable, type Argument } from '../flags.ts';
import rows from '../flags/llama-cpp.json' with { type: 'json' };
import { shellCommand } from '../shell.ts';
import { offloadBytes, replicaNotes, type Renderer, type RenderSubject } from '../subject.ts';

export const LLAMA_CPP_FLAGS: FlagTable = v.parse(FlagTable, rows);

const CACHE_TYPES: Readonly<Record<PlanChoice['kvFormat'], string>> = {
  bf16: 'f16',
  fp8: 'q8_0',
  int8: 'q8_0',
  int4: 'q4_0',
  int2: 'q4_0',
};

/** Names that GGUF files are published under. */
const GGUF_TYPES: Readonly<Record<PlanChoice['weights'], string>> = {
  bf16: 'BF16',
  fp8: 'Q8_0',
  int8: 'Q8_0',
  int4: 'Q4_K_M',
  mxfp4: 'MXFP4',
};

const MIB = 2 ** 20;
/** Tokens of one pass of the GPU, unless the budget is smaller: llama-server's own default. */
const UBATCH = 512;
/** More than any model has: all of them. */
const ALL_LAYERS = 999;

export const renderLlamaCpp: Renderer = (subject) => {
  const { choice, repository } = subject;
  const notes = notesOf(subject);
  const wanted = `path of ${repository} as GGUF in ${GGUF_TYPES[choice.weights]}`.replace(/[^\w ./,-]/g, ' ');
  const head = `llama-server -m "\${GGUF:?${wanted}}"`;
  const text = shellCommand(head, llamaCppArguments(choice), notes);
  return { text, language: 'shell', file: 'llama-server.sh', notes };
};

export function llamaCppArguments(choice: PlanChoice): readonly Argument[] {
  const type = CACHE_TYPES[choice.kvFormat];
  const hostMiB = Math.floor(offloadBytes(choice) / MIB);
  return accepted(LLAMA_CPP_FLAGS, [
    ['--n-gpu-layers', ALL_LAYERS],
    ['--split-mode', splitOf(choice)],
    ['--ctx-size', choice.maxModelTokens * choice.maxSequences],
    ['--parallel', choice.maxSequences],
    ['--cont-batching'],
    ['--batch-size', choice.tokenBudget],
    ['--ubatch-size', Math.min(UBATCH, choice.tokenBudget)],
    ['--flash-attn', 'on'],
    ['--cache-type-k', type],
    ['--cache-type-v', type],
    ...(hostMiB > 0 ? [['--cache-ram', hostMiB] as const] : []),
  ]);
}

function splitOf({ tensorParallel, pipelineParallel }: PlanChoice): string {
  if (tensorParallel > 1) return 'row';
  return pipelineParallel > 1 ? 'layer' : 'none';
}

function notesOf({ choice }: RenderSubject): string[] {
  const notes = [...replicaNotes(choice)];
  if (choice.weights === 'fp8') notes.push('llama.cpp has no fp8 weights; Q8_0 takes about as many bytes.');
  if (choice.kvFormat === 'fp8') notes.push('llama.cpp has no fp8 KV cache; q8_0 takes about as many bytes.');
  if (choice.kvFormat === 'int2')
    notes.push('llama.cpp has no KV cache of two bits; q4_0 is its narrowest and takes twice as much.');
  if (choice.expertParallel)
    notes.push('llama.cpp has no expert parallelism; --split-mode row deals out rows of every matrix.');
  if (choice.speculation !== null)
    notes.push(
      'Add the draft as your version names it (`-md FILE` and its number of tokens); the names changed between versions.',
    );
  if (choice.disaggregated !== null)
    notes.push('llama.cpp does not put prefill and decode apart; this is a server for both.');
  if (choice.prefixCaching)
    notes.push('llama-server reuses a prefix within a slot, not between slots as the plan has it.');
  return notes;
}
