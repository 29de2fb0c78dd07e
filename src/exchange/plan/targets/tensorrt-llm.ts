/**
 * TensorRT-LLM: `trtllm-serve` with its PyTorch backend. What has no flag stands in the YAML of --config, written first.
 *
 * Weights are read in the format of the checkpoint (ModelOpt's for fp8 and int4); the fraction of memory is one of what is
 * free after weights and buffers.
 */
import * as v from 'valibot';
import { stringify } from 'yaml';
import type { PlanChoice } from '../../../core/run/plan.ts';
import { checkpointNotes, checkpointWord, type Checkpoints } from '../checkpoints.ts';
import { accepted, documentArguments, FlagTable, nearestAtMost, type Argument } from '../flags.ts';
import rows from '../flags/tensorrt-llm.json' with { type: 'json' };
import { shellCommand } from '../shell.ts';
import {
  LOOKUP_COST,
  offloadBytes,
  replicaNotes,
  repositoryNotes,
  type Renderer,
  type RenderSubject,
} from '../subject.ts';

export const TENSORRT_FLAGS: FlagTable = v.parse(FlagTable, rows);

const FILE = 'trtllm.yaml';

const KV_DTYPES: Readonly<Record<PlanChoice['kvFormat'], string>> = {
  bf16: 'auto',
  fp8: 'fp8',
  int8: 'fp8',
  int4: 'nvfp4',
  int2: 'nvfp4',
};

const CHECKPOINTS: Checkpoints = {
  fp8: 'ModelOpt FP8',
  int8: 'ModelOpt INT8 SmoothQuant',
  int4: 'ModelOpt INT4 AWQ',
};

const POWERS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096];

export const renderTensorRt: Renderer = (subject) => {
  const { choice } = subject;
  const notes = notesOf(subject);
  const config = stringify(tensorRtDocument(choice)).trimEnd();
  const head = `trtllm-serve serve ${checkpointWord(subject, CHECKPOINTS)}`;
  const file = `cat > ${FILE} <<'YAML'\n${config}\nYAML\n\n`;
  const command = shellCommand(head, tensorRtArguments(choice));
  const comments = shellCommand('', [], notes).trimEnd();
  const text = `${comments === '' ? '' : `${comments}\n`}${file}${command}`;
  return { text, language: 'shell', file: 'trtllm-serve.sh', notes };
};

export function tensorRtArguments(choice: PlanChoice): readonly Argument[] {
  return accepted(TENSORRT_FLAGS, [
    ['--backend', 'pytorch'],
    ['--tp_size', choice.tensorParallel],
    ...(choice.pipelineParallel > 1 ? [['--pp_size', choice.pipelineParallel] as const] : []),
    ...(choice.expertParallel ? [['--ep_size', choice.tensorParallel] as const] : []),
    ['--max_batch_size', choice.maxSequences],
    ['--max_num_tokens', choice.tokenBudget],
    ['--max_seq_len', choice.maxModelTokens],
    ['--free_gpu_memory_fraction', Math.round(choice.memoryUtilization * 1000) / 1000],
    // Without chunks a prompt longer than a step's tokens is refused.
    ['--enable_chunked_prefill'],
    ['--config', FILE],
  ]);
}

export function tensorRtDocument(choice: PlanChoice): Record<string, unknown> {
  const hostBytes = Math.floor(offloadBytes(choice) / (choice.tensorParallel * choice.pipelineParallel));
  const document = {
    ...(choice.weights === 'bf16' ? { dtype: 'bfloat16' } : {}),
    kv_cache_config: {
      dtype: KV_DTYPES[choice.kvFormat],
      enable_block_reuse: choice.prefixCaching,
      tokens_per_block: nearestAtMost(POWERS, choice.blockSize),
      ...(hostBytes > 0 ? { host_cache_size: hostBytes } : {}),
    },
    ...speculationOf(choice),
    ...(choice.disaggregated === null ? {} : { cache_transceiver_config: { backend: 'NIXL' } }),
  };
  accepted(TENSORRT_FLAGS, documentArguments(document));
  return document;
}

function speculationOf({ speculation }: PlanChoice): Record<string, unknown> {
  if (speculation === null || speculation.draftTokens < 1) return {};
  const common = { max_draft_len: speculation.draftTokens };
  const config =
    speculation.draftCost <= LOOKUP_COST
      ? { decoding_type: 'NGram', ...common, max_matching_ngram_size: 4 }
      : { decoding_type: 'DraftTarget', ...common, speculative_model: 'DRAFT_MODEL' };
  return { speculative_config: config };
}

function notesOf(subject: RenderSubject): string[] {
  const { choice } = subject;
  const notes = [
    ...replicaNotes(choice),
    ...repositoryNotes(subject),
    ...checkpointNotes('TensorRT-LLM', subject, CHECKPOINTS),
  ];
  if (choice.kvFormat === 'int8')
    notes.push('The PyTorch backend has no int8 KV cache; fp8 takes as many bytes.');
  if (choice.kvFormat === 'int4' || choice.kvFormat === 'int2') {
    notes.push(
      `The PyTorch backend has no ${choice.kvFormat} KV cache; nvfp4 is its narrowest and needs a Blackwell GPU.`,
    );
  }
  const block = nearestAtMost(POWERS, choice.blockSize);
  if (block !== choice.blockSize)
    notes.push(`Blocks have a power of two of tokens here: ${block}, not ${choice.blockSize}.`);
  if (choice.speculation !== null && choice.speculation.draftCost > LOOKUP_COST) {
    notes.push('DRAFT_MODEL is the draft’s name, which the plan does not know.');
  }
  if (choice.disaggregated !== null) {
    const { prefillReplicas, decodeReplicas } = choice.disaggregated;
    notes.push(
      `Start ${prefillReplicas} of these for prefill and ${decodeReplicas} for decode, then \`trtllm-serve disaggregated\` in front of them.`,
    );
  }
  return notes;
}
