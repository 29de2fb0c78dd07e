/**
 * SGLang: `python -m sglang.launch_server`.
 *
 * fp8 weights are made while it loads; int8 and int4 are read from a checkpoint. Its host tier (HiCache) is given in whole
 * gigabytes of each rank. https://docs.sglang.io/docs/advanced_features/server_arguments
 */
import * as v from 'valibot';
import type { PlanChoice } from '../../../core/run/plan.ts';
import { accepted, FlagTable, type Argument } from '../flags.ts';
import rows from '../flags/sglang.json' with { type: 'json' };
import { checkpointNotes, checkpointWord, type Checkpoints } from '../checkpoints.ts';
import { shellCommand } from '../shell.ts';
import {
  LOOKUP_COST,
  replicaNotes,
  repositoryNotes,
  sixteenBits,
  type Renderer,
  type RenderSubject,
} from '../subject.ts';

export const SGLANG_FLAGS: FlagTable = v.parse(FlagTable, rows);

const KV_DTYPES: Readonly<Record<PlanChoice['kvFormat'], string>> = {
  bf16: 'auto',
  fp8: 'fp8_e4m3',
  // It has no integer KV; these take as many bytes, or the next fewest.
  int8: 'fp8_e4m3',
  int4: 'fp4_e2m1',
  int2: 'fp4_e2m1',
};

const QUANTIZATION: Readonly<Record<PlanChoice['weights'], string | null>> = {
  bf16: null,
  fp8: 'fp8',
  int8: 'w8a8_int8',
  int4: null,
  mxfp4: null,
};

const CHECKPOINTS: Checkpoints = { int8: 'W8A8 int8', int4: 'AWQ or GPTQ' };

/** Drafts go in under a variable: a plan knows their cost, not their name. */
const DRAFT_MODEL = 'DRAFT_MODEL';

export const renderSglang: Renderer = (subject) => {
  const { choice } = subject;
  const notes = notesOf(subject);
  const head = `python -m sglang.launch_server --model-path ${checkpointWord(subject, CHECKPOINTS)}`;
  const { disaggregated } = choice;
  if (disaggregated === null) {
    const text = shellCommand(head, sglangArguments(choice), notes);
    return { text, language: 'shell', file: 'sglang.sh', notes };
  }
  const sides = [
    ['prefill', disaggregated.prefillReplicas],
    ['decode', disaggregated.decodeReplicas],
  ] as const;
  const text = sides
    .map(([mode, replicas], index) =>
      shellCommand(head, sglangArguments(choice, mode), [
        ...(index === 0 ? notes : []),
        `${mode === 'prefill' ? 'Prefill' : 'Decode'}, ${replicas} of these:`,
      ]),
    )
    .join('\n');
  return { text, language: 'shell', file: 'sglang.sh', notes };
};

export function sglangArguments(
  choice: PlanChoice,
  mode: 'prefill' | 'decode' | null = null,
): readonly Argument[] {
  const quantization = QUANTIZATION[choice.weights];
  const hostGB = Math.floor(choice.offloadGB);
  const args: Argument[] = [
    ['--tp-size', choice.tensorParallel],
    ...(choice.pipelineParallel > 1 ? [['--pp-size', choice.pipelineParallel] as const] : []),
    ...(choice.expertParallel ? [['--ep-size', choice.tensorParallel] as const] : []),
    ...(choice.weights === 'bf16' ? [['--dtype', sixteenBits(choice)] as const] : []),
    ...(quantization === null ? [] : [['--quantization', quantization] as const]),
    ['--kv-cache-dtype', KV_DTYPES[choice.kvFormat]],
    ['--page-size', choice.blockSize],
    ['--mem-fraction-static', Math.round(choice.memoryUtilization * 1000) / 1000],
    ['--context-length', choice.maxModelTokens],
    ['--max-running-requests', choice.maxSequences],
    ['--chunked-prefill-size', choice.tokenBudget],
    ...(choice.prefixCaching ? [] : [['--disable-radix-cache'] as const]),
    // The host tier is the prefix cache's: without that there is nothing to keep.
    ...(hostGB > 0 && choice.prefixCaching
      ? [['--enable-hierarchical-cache'] as const, ['--hicache-size', hostGB] as const]
      : []),
    ...speculationArguments(choice),
    ...(mode === null
      ? []
      : [['--disaggregation-mode', mode] as const, ['--disaggregation-transfer-backend', 'nixl'] as const]),
  ];
  return accepted(SGLANG_FLAGS, args);
}

function speculationArguments({ speculation }: PlanChoice): readonly Argument[] {
  if (speculation === null || speculation.draftTokens < 1) return [];
  const tokens: Argument = ['--speculative-num-draft-tokens', speculation.draftTokens];
  if (speculation.draftCost <= LOOKUP_COST) return [['--speculative-algorithm', 'NGRAM'], tokens];
  return [
    ['--speculative-algorithm', 'STANDALONE'],
    ['--speculative-draft-model-path', DRAFT_MODEL],
    ['--speculative-num-steps', Math.max(1, speculation.draftTokens - 1)],
    ['--speculative-eagle-topk', 1],
    tokens,
  ];
}

function notesOf(subject: RenderSubject): string[] {
  const { choice } = subject;
  const notes = [
    ...replicaNotes(choice),
    ...repositoryNotes(subject),
    ...checkpointNotes('SGLang', subject, CHECKPOINTS),
  ];
  if (choice.kvFormat === 'int8') notes.push('SGLang has no int8 KV cache; fp8_e4m3 takes as many bytes.');
  if (choice.kvFormat === 'int4')
    notes.push('SGLang has no int4 KV cache; fp4_e2m1 takes about as many bytes and needs CUDA 12.8.');
  if (choice.kvFormat === 'int2')
    notes.push('SGLang has no KV cache of two bits; fp4_e2m1 is its narrowest and takes twice as much.');
  if (choice.offloadGB > 0 && !choice.prefixCaching) {
    notes.push('Host memory holds what leaves the prefix cache, which this plan has not: it is left out.');
  }
  if (choice.speculation !== null && choice.speculation.draftCost > LOOKUP_COST) {
    notes.push(`${DRAFT_MODEL} is the draft's name, which the plan does not know.`);
  }
  if (choice.disaggregated !== null)
    notes.push('A router must send each request to prefill first, then to decode.');
  return notes;
}
